"""Settings of the night's list: who is written to, what may stop the list, and what may be
offered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from models.contact.agents import Agent
from models.contact.decide import ContactCosts, ContactRules
from pipeline.settings.languages import FALLBACK, LANGUAGES

# Half of what is published (15-35 % fewer where a parcel did not come): that is of buyers who
# respond at all, told by those who sell such programs, and never against a control group
STAGE_SHARE = {"before_shipment": 0.075, "dispatch": 0.10, "in_transit": 0.125, "delivered": 0.05}
# words can say where a parcel is; they do not mend a product
CAUSE_FACTOR = {"not_received": 1.0, "not_as_described": 0.5, "other": 0.25}
Share = Annotated[float, Field(ge=0, le=1)]


class SettingsSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentHours(SettingsSection):
    """Somebody who writes messages, and for how long a night."""

    name: str = Field(min_length=1, description="as the night's summary says who writes what")
    languages: tuple[str, ...] = Field(
        min_length=1, description="as in message_language of the list"
    )
    minutes: float = Field(ge=0, le=100_000, description="a night; 0 while away")
    minutes_per_message: float = Field(
        default=2.0, ge=0.1, description="longer where a translator is asked"
    )

    @field_validator("languages")
    @classmethod
    def _all_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return _known_languages(given)

    @property
    def agent(self) -> Agent:
        # 0.3 minutes hold three messages of 0.1
        return Agent(
            self.name,
            frozenset(self.languages),
            int(self.minutes / self.minutes_per_message + 1e-9),
        )


def _known_languages(given: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in given if name not in LANGUAGES]:
        raise ValueError(
            f"unknown language {', '.join(unknown)}; there are drafts in {', '.join(LANGUAGES)}"
        )
    return given


class Decide(SettingsSection):
    """What a dispute costs and what a contact prevents. Assumptions, until a hold-out has measured
    them."""

    capacity: int = Field(default=50, ge=1, description="contacts the team can make a night")
    prevented_share: dict[str, Share] = Field(
        default=STAGE_SHARE,
        description="share of disputes that a contact prevents, by stage; assumption: half of what is published",
    )
    cause_factor: dict[str, Share] = Field(
        default=CAUSE_FACTOR,
        description="times this, by what the dispute would be about; assumption",
    )
    refund_share: float = Field(
        default=1.0, ge=0, le=1, description="of an order's value, lost in a dispute"
    )
    dispute_fixed_cost_usd: float = Field(
        default=15.0, ge=0, description="fees, work, the store's rank"
    )
    contact_cost_usd: float = Field(default=0.5, ge=0, description="an agent's two minutes")
    cool_off_days: int = Field(
        default=7, ge=0, description="a buyer is left alone so long after a contact"
    )
    holdout_share: float = Field(
        default=0.10,
        ge=0,
        lt=1,
        description="buyers who are never written to, so that the effect can be measured",
    )
    holdout_salt: str = Field(
        default="hold-out", description="another salt holds out other buyers: keep it"
    )
    explore_share: float = Field(
        default=0.04,
        ge=0,
        lt=1,
        description="of the capacity, for worthwhile orders below the cut, drawn by lot",
    )
    agents: tuple[AgentHours, ...] = Field(
        default=(),
        description="who writes which languages, for how long; none: the capacity alone binds",
    )
    in_english: tuple[str, ...] = Field(
        default=(),
        description="languages whose buyers are written to in English; others that no agent writes: not at all",
    )
    learns: bool = Field(
        default=True, description="shares prevented follow the hold-out as it matures"
    )
    prior_disputes: float = Field(
        default=5.0,
        gt=0,
        description="trials that the assumed shares count as: few, for nobody has measured them",
    )

    @field_validator("prevented_share", "cause_factor")
    @classmethod
    def _all_named(cls, given: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """One that a workspace's file leaves out has its default."""
        default = STAGE_SHARE if info.field_name == "prevented_share" else CAUSE_FACTOR
        if unknown := sorted(set(given) - set(default)):
            raise ValueError(f"unknown {', '.join(unknown)}; there are {', '.join(default)}")
        return {**default, **given}

    @field_validator("in_english")
    @classmethod
    def _all_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return _known_languages(given)

    @model_validator(mode="after")
    def _agents_agree(self) -> Self:
        names = [agent.name for agent in self.agents]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"agents: {', '.join(twice)} stands there twice; give each entry a name of its own"
            )
        spoken = {language for agent in self.agents for language in agent.languages}
        if both := [language for language in self.in_english if language in spoken]:
            raise ValueError(
                f"in_english: {', '.join(both)} has an agent; take it from in_english, or from the agents"
            )
        if self.agents and self.in_english and FALLBACK not in spoken:
            raise ValueError(
                f"in_english: no agent writes {FALLBACK}; give one that language, or take in_english away"
            )
        return self

    @property
    def costs(self) -> ContactCosts:
        return ContactCosts(
            self.prevented_share,
            self.dispute_fixed_cost_usd,
            self.contact_cost_usd,
            self.refund_share,
            self.cause_factor,
        )

    def rules(self, resting: Collection[str]) -> ContactRules:
        agents = [hours.agent for hours in self.agents]
        return ContactRules(
            self.capacity,
            self.holdout_share,
            self.explore_share,
            self.holdout_salt,
            resting,
            agents,
        )


GateAction = Literal["refuse", "banner", "ignore"]
GATE_ACTIONS: dict[str, GateAction] = {
    "newest_fact": "refuse",
    "row_counts": "refuse",
    "base_rate": "banner",
    "quarantine": "refuse",
    "champion_age": "banner",
    "champion_knows_outcome": "banner",
    "drift": "banner",
    "mean_probability": "banner",
}


class DataGates(SettingsSection):
    """When a night is refused, or its list gets a banner: `models/monitoring/input_checks.py`.
    Ratios are either way."""

    actions: dict[str, GateAction] = Field(
        default=GATE_ACTIONS, description="what each gate does when it is out"
    )
    count_ratio: float = Field(
        default=4.0, gt=1, description="rows of the last week over those of a usual one"
    )
    rate_ratio: float = Field(
        default=2.5, gt=1, description="disputes of the last 28 days over the usual"
    )
    quarantine_share: float = Field(default=0.02, ge=0, le=1, description="of all source rows")
    champion_age_days: int = Field(
        default=120, ge=1, description="an older model has not seen the last season"
    )
    drift_size: float = Field(
        default=1.0, gt=0, description="standard deviations a feature may move"
    )
    drift_share: float = Field(
        default=0.2, ge=0, le=1, description="of the features that may move further"
    )
    probability_ratio: float = Field(
        default=2.0, gt=1, description="mean probability over the rate that came"
    )

    @field_validator("actions")
    @classmethod
    def _all_gates(cls, actions: dict[str, GateAction]) -> dict[str, GateAction]:
        if unknown := sorted(set(actions) - set(GATE_ACTIONS)):
            raise ValueError(
                f"there is no gate {', '.join(unknown)}; there are {', '.join(GATE_ACTIONS)}"
            )
        return {**GATE_ACTIONS, **actions}


class Monitor(SettingsSection):
    """When the model's health says watch or act: `models/monitoring/sequential_monitoring.py`.
    Retraining always passes the promotion gate."""

    retrain: Literal["propose", "auto"] = Field(
        default="propose",
        description="auto: a night that says act and proposes it trains a challenger and asks the gate",
    )
    rise: float = Field(
        default=1.15, gt=1, description="disputes over what was said, not yet worth an alarm"
    )
    fall: float = Field(
        default=1.6, gt=1, description="the same below: messages prevent some, so it may be more"
    )
    early_rise: float = Field(
        default=1.15, gt=1, description="the same of young nights, whose timing is assumed"
    )
    early_fall: float = Field(default=2.5, gt=1, description="the same below")
    judged_nights: int = Field(
        default=28, ge=7, description="matured nights left unseen, to judge a challenger on"
    )


class OfferSettings(SettingsSection):
    """What may be suggested beside a message: `models/contact/offers.py`. The team decides; these
    are assumptions."""

    allowed: tuple[
        Literal["extend_protection", "resend", "partial_refund", "ask_for_photos"], ...
    ] = Field(
        default=("extend_protection", "resend", "partial_refund", "ask_for_photos"),
        description="what the platform knows and you allow",
    )
    budget_usd: float = Field(
        default=100.0, ge=0, description="what all offers of a night may cost together"
    )
    refund_share: float = Field(
        default=0.15, ge=0, le=1, description="of the order, offered back when it came late"
    )
    max_refund_usd: float = Field(
        default=10.0, ge=0, description="the most that is offered back for one order"
    )
    late_days: float = Field(
        default=5.0, ge=0, description="delivered that late, a part is offered back"
    )
    resend_max_usd: float = Field(
        default=20.0, ge=0, description="dearer goods are not sent a second time"
    )
    resend_silent_days: float = Field(
        default=21.0, ge=0, description="past the promised day and silent for so long"
    )
    protection_days: float = Field(
        default=7.0,
        description="so long before the promised day, after it, or if it will be missed",
    )
    protection_late_chance: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="before that day only to parcels at least as likely to miss it",
    )


class Page(SettingsSection):
    """The page of a night: `report.html`."""

    charts: bool = Field(
        default=True,
        description="with the chart library in the page; without, tables alone: 1 MB less",
    )
    indicator_weeks: int = Field(
        default=26,
        ge=0,
        le=104,
        description="weeks of each indicator that are drawn; 0: none, make kpi has them",
    )
    indicator_most_orders: int = Field(
        default=300_000,
        ge=1,
        description="a larger store's indicators are left to make kpi: a night must not wait",
    )
