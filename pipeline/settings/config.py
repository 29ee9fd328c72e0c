"""Every setting, with its default and its reason. A workspace may hold a `config.toml` that changes
some of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from features.labels import LabelWindow
from features.spine import DisputeWindow
from models.learner.training_config import PARAMETERS, Recipe
from pipeline.settings.errors import BadInput
from pipeline.settings.list_settings import (
    DataGates,
    Decide,
    Monitor,
    OfferSettings,
    Page,
    SettingsSection,
)
from pipeline.settings.source_settings import SourceSettings

TUNED = "tuned.toml"
# as Spark knows them; the hosts of a standalone cluster may be several
SPARK_MASTER = r"^(local(\[(\d+|\*)\])?|spark://[^\s/,]+:\d+(,[^\s/,]+:\d+)*|yarn|k8s://\S+)$"


class Booster(SettingsSection):
    """The booster's settings. The defaults were chosen on earlier nights than any we report; `make
    tune` searches."""

    num_leaves: int = Field(default=PARAMETERS["num_leaves"], ge=2, le=1024)
    learning_rate: float = Field(default=PARAMETERS["learning_rate"], gt=0, le=1)
    feature_fraction: float = Field(default=PARAMETERS["feature_fraction"], gt=0, le=1)
    lambda_l2: float = Field(default=PARAMETERS["lambda_l2"], ge=0)
    orders_in_leaf: int = Field(
        default=10, ge=1, description="a leaf holds the order-nights of that many orders"
    )


class Gate(SettingsSection):
    """What a challenger must keep to before it replaces the champion:
    `models/comparison/promotion_gate.py`."""

    loss_margin: float = Field(
        default=0.10,
        ge=0,
        description="share of what the champion's contacts prevent that may, at the worst, be lost",
    )
    calibration_error: float = Field(
        default=0.02, gt=0, lt=1, description="over all and in each stage"
    )
    rate_ratio: float = Field(
        default=1.2, gt=1, description="predicted over realised disputes, either way"
    )
    least_disputes: int = Field(
        default=20, ge=1, description="with fewer disputed orders a stage is not judged alone"
    )


class Engine(SettingsSection):
    """What builds the features. The results are the same to the bit: docs/cluster.md says when to
    move, what to set."""

    name: Literal["polars", "spark"] = Field(
        default="polars", description="in this process, or through PySpark"
    )
    spark_master: str = Field(
        default="local[2]",
        pattern=SPARK_MASTER,
        description="this machine with two tasks at a time, or a cluster: spark://host:7077",
    )
    orders_per_part: int = Field(
        default=200_000,
        ge=1,
        description="a night's features: three parts are in memory at a time, some 0.5 GiB each",
    )
    orders_per_bucket: int = Field(
        default=50_000, ge=1, description="what one task holds in memory at a time"
    )

    memory: str = Field(
        default="4g",
        pattern=r"^\d+[mg]$",
        description="of Java in this process, which all features pass, and in each worker; Python's comes on top",
    )

    @property
    def is_on_loopback(self) -> bool:
        """Whether master, workers and this process are all on this machine."""
        return re.match(r"local|spark://(127\.0\.0\.1|localhost):", self.spark_master) is not None


class Products(SettingsSection):
    """Product reviews: docs/products.md."""

    lookback_days: int = Field(
        default=365, ge=30, description="orders placed longer ago say little of today's product"
    )
    rate_limit: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="a product's own; default: limits.dispute_rate, else 1.5 x the store's rate",
    )
    sure: float = Field(
        default=0.8,
        gt=0.5,
        lt=1,
        description="chance of being over the limit that accuses a product",
    )
    stop_factor: float = Field(
        default=2.0, ge=1, description="surely over so many times the limit: nothing mends it"
    )


class Config(SettingsSection):
    """All settings of a run; it is written into the run's manifest."""

    seed: int = 7
    horizon_days: int = Field(default=30, ge=1, description="length of the label window")
    reporting_delay_days: int = Field(
        default=1, ge=0, description="a dispute is known that late at the most"
    )
    days_after_delivery: int = Field(
        default=15, ge=1, description="a dispute may be opened that long after it"
    )
    days_after_promise: int = Field(
        default=60, ge=1, description="an undelivered order stays open that long"
    )
    max_training_rows: int = Field(
        default=200_000, ge=1_000, description="order-nights sampled for training"
    )
    min_training_disputes: int = Field(
        default=30, ge=2, description="fewer matured disputes teach nothing"
    )
    assumed_dispute_rate: float = Field(
        default=0.03,
        gt=0,
        lt=1,
        description="of a store's orders, while the list is made by rules: too few disputes to learn from",
    )
    calibration_share: float = Field(
        default=0.25, gt=0, lt=1, description="the latest orders, by row, that calibrate"
    )
    calibration: Literal["none", "platt", "isotonic", "beta", "venn_abers"] = Field(
        default="none",
        description="how a model's numbers become probabilities; none lost least on real and made-up stores",
    )
    contacted_rows: Literal["left_out", "replaced", "kept"] = Field(
        default="left_out",
        description="order-nights in whose label window a list was sent teach nothing; replaced: those who were held "
        "out stand for them, which is right where messages prevent much, and takes many disputes (docs/impact.md)",
    )
    delivered_weight: float = Field(
        default=1.0,
        gt=0,
        description="orders that one delivered order of the data stands for when figures are made: above 1 where the "
        "data holds only some of the delivered ones; the model learns from rows as they are",
    )
    max_fault_share: float = Field(
        default=0.05, ge=0, le=1, description="more faulty rows in a file refuse the ingest"
    )
    max_data_age_days: int = Field(
        default=7, ge=1, description="a night is refused when its newest fact is older"
    )
    usd_per: dict[str, float] = Field(
        default={"USD": 1.0, "BRL": 0.31},
        description="exchange rates; the real stood near 0.31 USD in 2017 and early 2018",
    )
    threads: int = Field(
        default=2, ge=1, description="fixed, so that the same input gives the same bytes"
    )
    policy: str = Field(
        default="aliexpress-classic", description="the rules that the store is judged by"
    )
    limits: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        default={},
        description="your limit of an indicator; it goes before the policy's: dispute_rate = 0.03",
    )
    assessment_day: int = Field(
        default=27, ge=1, le=28, description="the day of the month on which rates are judged"
    )
    max_dispute_days: int = Field(
        default=90,
        ge=1,
        description="a dispute filed longer ago whose end nobody recorded is left off the clock",
    )
    decide: Decide = Decide()
    booster: Booster = Booster()
    gate: Gate = Gate()
    sources: SourceSettings = SourceSettings()
    data_gates: DataGates = DataGates()
    monitor: Monitor = Monitor()
    offers: OfferSettings = OfferSettings()
    engine: Engine = Engine()
    products: Products = Products()
    page: Page = Page()

    @property
    def label_window(self) -> LabelWindow:
        return LabelWindow(self.horizon_days, self.reporting_delay_days)

    @property
    def recipe(self) -> Recipe:
        return Recipe(
            self.calibration,
            self.calibration_share,
            self.seed,
            self.threads,
            parameters=self.booster.model_dump(exclude={"orders_in_leaf"}),
            orders_in_leaf=self.booster.orders_in_leaf,
        )

    @property
    def dispute_window(self) -> DisputeWindow:
        return DisputeWindow(self.days_after_delivery, self.days_after_promise)


def load_config(
    workspace: Path,
    *,
    capacity: int | None = None,
    engine: str | None = None,
    spark_master: str | None = None,
) -> Config:
    """The workspace's `config.toml` over what `make tune` found, over the defaults; the command
    line over all."""
    settings: dict = {}
    try:
        for path in (workspace / TUNED, workspace / "config.toml"):
            if path.exists():
                told = tomllib.loads(path.read_text(encoding="utf-8"))
                booster = {**settings.get("booster", {}), **told.get("booster", {})}
                settings = {**settings, **told, **({"booster": booster} if booster else {})}
        config = Config(**settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is not TOML ({error}).") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})"
            for e in error.errors()
        )
        raise BadInput(f"{path}: {faults}") from None
    return config.model_copy(
        update={
            "decide": _changed(config.decide, capacity=capacity),
            "engine": _changed(config.engine, name=engine, spark_master=spark_master),
        }
    )


def _changed(section: SettingsSection, **said: object) -> SettingsSection:
    """The section with what was said on the command line; None: nothing was."""
    return section.model_copy(
        update={name: value for name, value in said.items() if value is not None}
    )
