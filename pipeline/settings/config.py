"""All settings with their defaults; a workspace may have a `config.toml` that changes some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError

from features.labels import LabelWindow
from features.spine import DisputeWindow
from models.learner.training_config import PARAMETERS, Recipe
from pipeline.settings.action_settings import ActionSettings, AnswerSettings, DraftSettings
from pipeline.settings.check_settings import DataGates, Gate, Monitor
from pipeline.settings.delivery.deliver_settings import Deliver
from pipeline.settings.delivery.delivery_section import with_whole_paths
from pipeline.settings.delivery.pull_settings import Pull
from pipeline.settings.engine_settings import SPARK_MASTER as SPARK_MASTER
from pipeline.settings.engine_settings import Engine as Engine
from pipeline.settings.engine_settings import allowed_threads
from pipeline.settings.errors import BadInput
from pipeline.settings.link_settings import Links
from pipeline.settings.list_settings import BoardAccess, Decide, Page
from pipeline.settings.product_settings import Products
from pipeline.settings.settings_section import SettingsSection
from pipeline.settings.source_settings import SourceSettings
from pipeline.settings.toml_model import faults_of, read_toml
from pipeline.settings.value_settings import ValueSettings

TUNED = "tuned.toml"
Section = TypeVar("Section", bound=SettingsSection)


class Booster(SettingsSection):
    """Parameters of the gradient booster.

    The defaults were chosen on nights before any that we report; `make tune` searches for better
    ones.
    """

    num_leaves: int = Field(default=PARAMETERS["num_leaves"], ge=2, le=1024)
    learning_rate: float = Field(default=PARAMETERS["learning_rate"], gt=0, le=1)
    feature_fraction: float = Field(default=PARAMETERS["feature_fraction"], gt=0, le=1)
    lambda_l2: float = Field(default=PARAMETERS["lambda_l2"], ge=0, le=1_000_000)
    orders_in_leaf: int = Field(
        default=10, ge=1, le=1_000_000, description="smallest number of orders in a leaf"
    )


# how it computes, where data comes from and goes, and who signs in: no result depends on it
NO_RESULT = frozenset({"engine", "deliver", "pull", "board"})


class Config(SettingsSection):
    """All settings of a run, as stored in its manifest."""

    seed: int = Field(default=7, ge=0, le=2_147_483_647, description="seed of all random draws")
    horizon_days: int = Field(
        default=30, ge=1, le=365, description="length of the label window, in days"
    )
    reporting_delay_days: int = Field(
        default=1, ge=0, le=90, description="most days until the store knows of a new dispute"
    )
    days_after_delivery: int = Field(
        default=15, ge=1, le=365, description="days after delivery in which a dispute may be opened"
    )
    days_after_promise: int = Field(
        default=60,
        ge=1,
        le=730,
        description="days after the promised day that an undelivered order stays open",
    )
    days_without_promise: int | None = Field(
        default=None,
        ge=1,
        le=3650,
        description="days after the order that one without a promised delivery day stays open; "
        "without a value: the time within which nearly all orders of your store have ended, or 120 "
        "days while fewer than 100 have",
    )
    max_training_rows: int = Field(
        default=200_000,
        ge=1_000,
        le=100_000_000,
        description="most order-nights sampled for training",
    )
    min_training_disputes: int = Field(
        default=30,
        ge=2,
        le=100_000,
        description="fewest disputes with a final outcome to train on; with fewer, rules",
    )
    assumed_dispute_rate: float = Field(
        default=0.03,
        gt=0,
        lt=1,
        description="dispute rate of the store while the list uses fixed rules, because there are "
        "too few disputes to train a model",
    )
    calibration_share: float = Field(
        default=0.25,
        gt=0,
        lt=1,
        description="share of the training rows, the latest ones, used for calibration",
    )
    calibration: Literal["none", "platt", "isotonic", "beta", "venn_abers"] = Field(
        default="none",
        description="how scores become probabilities; none had the lowest loss on real and "
        "simulated stores",
    )
    contacted_rows: Literal["left_out", "replaced", "kept"] = Field(
        default="left_out",
        description="what to do with order-nights that were contacted in their label window: "
        "left_out: do not learn from them; replaced: weight held-out buyers up in their place, "
        "which is right where messages prevent much but needs many disputes "
        "(docs/explanation/effects.md); kept: learn from them as they are",
    )
    delivered_weight: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="weight of a delivered order in reported figures; above 1 if the data has "
        "only a sample of them; training does not use it; without a value: what store.toml of the "
        "source says, or 1",
    )
    max_fault_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="highest share of faulty rows in a file; with more, the ingest is refused",
    )
    max_data_age_days: int = Field(
        default=7,
        ge=1,
        le=36_500,
        description="highest age of the newest fact; else the night is refused",
    )
    usd_per: dict[str, Annotated[float, Field(gt=0, le=1_000_000)]] = Field(
        default={"USD": 1.0, "BRL": 0.31},
        description="exchange rates; one real was about 0.31 USD in 2017 and early 2018",
    )
    threads: int = Field(
        default=2,
        ge=1,
        le=1_024,
        description="most threads that train a model; fewer if OMP_NUM_THREADS or the machine "
        "allows fewer",
    )
    policy: str = Field(
        default="aliexpress-classic", description="the platform rules that apply to the store"
    )
    limits: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        default={},
        description="your own limits of indicators, before the policy's: dispute_rate = 0.03",
    )
    model_name: str = Field(
        default="",
        pattern=r"^[^/:]{0,100}$",
        description="name of the store's model on a team's MLflow server (MLFLOW_TRACKING_URI); "
        "default: dispute-risk- and the name of the workspace",
    )
    assessment_day: int = Field(
        default=27,
        ge=1,
        le=28,
        description="day of the month on which the platform judges the rates",
    )
    max_dispute_days: int = Field(
        default=90,
        ge=1,
        le=3_650,
        description="older disputes without a recorded end are left out of the dispute clock",
    )
    decide: Decide = Decide()
    booster: Booster = Booster()
    gate: Gate = Gate()
    sources: SourceSettings = SourceSettings()
    data_gates: DataGates = DataGates()
    monitor: Monitor = Monitor()
    actions: ActionSettings = ActionSettings()
    answers: AnswerSettings = AnswerSettings()
    drafts: DraftSettings = DraftSettings()
    value: ValueSettings = ValueSettings()
    engine: Engine = Engine()
    products: Products = Products()
    page: Page = Page()
    deliver: Deliver = Deliver()
    pull: Pull = Pull()
    board: BoardAccess = BoardAccess()
    links: Links = Links()

    def settings_of_results(self) -> dict[str, Any]:
        """The settings on which results depend, as JSON: those that a run records."""
        return self.model_dump(mode="json", exclude=set(NO_RESULT))

    @property
    def label_window(self) -> LabelWindow:
        """The days after a night in which a dispute counts."""
        return LabelWindow(self.horizon_days, self.reporting_delay_days)

    @property
    def recipe(self) -> Recipe:
        """How a model is trained and calibrated."""
        return Recipe(
            self.calibration,
            self.calibration_share,
            self.seed,
            allowed_threads(self.threads),
            parameters=self.booster.model_dump(exclude={"orders_in_leaf"}),
            orders_in_leaf=self.booster.orders_in_leaf,
        )

    @property
    def dispute_window(self) -> DisputeWindow:
        """How long an order can be disputed."""
        return DisputeWindow(
            self.days_after_delivery, self.days_after_promise, self.days_without_promise
        )


def load_config(
    workspace: Path,
    *,
    capacity: int | None = None,
    engine: str | None = None,
    spark_master: str | None = None,
) -> Config:
    """The settings of a workspace.

    The command line comes first, then `config.toml`, then `tuned.toml` from `make tune`, then the
    defaults. Raises `BadInput` for a file that is not TOML, an unknown key or a bad value.
    """
    settings: dict[str, Any] = {}
    path = workspace / "config.toml"
    for path in (workspace / TUNED, workspace / "config.toml"):
        if path.exists() or path.is_symlink():
            content = read_toml(path)
            sections = [part.get("booster", {}) for part in (settings, content)]
            if not all(isinstance(section, dict) for section in sections):
                raise BadInput(
                    f"{path}: booster: must be a table, written as [booster] with its keys below "
                    f"(got {sections[1]!r:.100})"
                )
            booster = {**sections[0], **sections[1]}
            settings = {**settings, **content, **({"booster": booster} if booster else {})}
    for section in ("pull", "deliver"):
        if section in settings:
            settings[section] = with_whole_paths(settings[section], workspace)
    try:
        config = Config(**settings)
    except ValidationError as error:
        raise BadInput(f"{path}: {faults_of(error)}") from None
    return config.model_copy(
        update={
            "decide": _changed(config.decide, capacity=capacity),
            "engine": _changed(config.engine, name=engine, spark_master=spark_master),
        }
    )


def _changed(section: Section, **options: object) -> Section:
    """The section with the options of the command line; None: the option was not given."""
    given = {name: value for name, value in options.items() if value is not None}
    return section.model_copy(update=given)
