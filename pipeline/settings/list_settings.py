"""Settings of the night's list: who is written to, by whom, what may be offered, and the page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from models.actions.agents import Agent
from models.contact.decide import ContactCosts, ContactRules
from pipeline.settings.languages import FALLBACK, LANGUAGES
from pipeline.settings.settings_section import SettingsSection

# Half of what is published: 15-35 % fewer disputes where a parcel did not arrive. Those figures are
# about buyers who respond at all, come from vendors of such programs, and had no control group.
# An order whose stage is unknown may be at any of them: the mean, rounded down.
STAGE_SHARE = {
    "before_shipment": 0.075,
    "dispatch": 0.10,
    "in_transit": 0.125,
    "delivered": 0.05,
    "unknown": 0.08,
}
# a message can say where a parcel is, but it cannot repair a product
CAUSE_FACTOR = {"not_received": 1.0, "not_as_described": 0.5, "other": 0.25}
Share = Annotated[float, Field(ge=0, le=1)]
# the minutes of a message at the pace for which the actions' minutes are stated
USUAL_MINUTES = 2.0


class AgentHours(SettingsSection):
    """Someone who writes messages, with their languages and time per night."""

    name: str = Field(min_length=1, description="shown in the summary of who writes what")
    languages: tuple[str, ...] = Field(
        min_length=1, description="language codes, as in message_language of the list"
    )
    minutes: float = Field(ge=0, le=100_000, description="per night; 0 while away")
    minutes_per_message: float = Field(
        default=2.0, ge=0.1, le=1_440, description="longer for those who use a translator"
    )

    @field_validator("languages")
    @classmethod
    def _all_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return _known_languages(given)

    @property
    def agent(self) -> Agent:
        """The agent with the number of messages that fit into a night, and the minutes at the pace
        of an agent who writes a message in `USUAL_MINUTES`."""
        # 0.3 minutes hold three messages of 0.1
        count_messages = int(self.minutes / self.minutes_per_message + 1e-9)
        minutes = self.minutes * USUAL_MINUTES / self.minutes_per_message
        return Agent(self.name, frozenset(self.languages), count_messages, minutes)


def _known_languages(given: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in given if name not in LANGUAGES]:
        raise ValueError(
            f"unknown language {', '.join(unknown)}; there are drafts in {', '.join(LANGUAGES)}"
        )
    return given


class Decide(SettingsSection):
    """What a dispute costs and what a contact prevents: assumptions, until the hold-out has
    measured them."""

    capacity: int = Field(
        default=50, ge=1, le=1_000_000, description="contacts the team can make per night"
    )
    prevented_share: dict[str, Share] = Field(
        default=STAGE_SHARE,
        description="share of disputes that a contact prevents, by stage; an assumption: half of "
        "what is published",
    )
    cause_factor: dict[str, Share] = Field(
        default=CAUSE_FACTOR,
        description="factor on prevented_share, by the cause of the dispute; an assumption",
    )
    refund_share: float = Field(
        default=1.0, ge=0, le=1, description="share of the order value lost in a dispute"
    )
    dispute_fixed_cost_usd: float = Field(
        default=15.0,
        ge=0,
        le=1_000_000,
        description="fees, work and the effect on the store's rank",
    )
    contact_cost_usd: float = Field(
        default=0.5, ge=0, le=1_000_000, description="two minutes of an agent"
    )
    cool_off_days: int = Field(
        default=7, ge=0, le=3_650, description="days without a message to a buyer after a contact"
    )
    holdout_share: float = Field(
        default=0.10,
        ge=0,
        lt=1,
        description="share of the buyers who are never written to, to measure the effect",
    )
    holdout_salt: str = Field(
        default="hold-out", description="do not change it: another salt holds out other buyers"
    )
    explore_share: float = Field(
        default=0.04,
        ge=0,
        lt=1,
        description="share of the capacity for worthwhile orders below the cut, drawn at random",
    )
    agents: tuple[AgentHours, ...] = Field(
        default=(),
        description="who writes which languages, for how long; empty: only the capacity limits "
        "the list",
    )
    in_english: tuple[str, ...] = Field(
        default=(),
        description="languages whose buyers get an English message; buyers of other languages "
        "that no agent writes are left out",
    )
    learns: bool = Field(
        default=True,
        description="update the prevented shares from the hold-out as outcomes become final",
    )
    prior_disputes: float = Field(
        default=5.0,
        gt=0,
        le=1_000_000,
        description="weight of the assumed shares, in disputes; small, because they have "
        "not been measured",
    )

    @field_validator("prevented_share", "cause_factor")
    @classmethod
    def _all_named(cls, given: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        """A key that config.toml leaves out keeps its default."""
        default = STAGE_SHARE if info.field_name == "prevented_share" else CAUSE_FACTOR
        if unknown := sorted(set(given) - set(default)):
            raise ValueError(f"unknown {', '.join(unknown)}; allowed: {', '.join(default)}")
        return {**default, **given}

    @field_validator("in_english")
    @classmethod
    def _all_known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return _known_languages(given)

    @model_validator(mode="after")
    def _agents_agree(self) -> Self:
        names = [agent.name for agent in self.agents]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"agents: {', '.join(duplicates)} appears twice; give each agent its own name"
            )
        covered = {language for agent in self.agents for language in agent.languages}
        if both := [language for language in self.in_english if language in covered]:
            raise ValueError(
                f"in_english: {', '.join(both)} has an agent; remove it from in_english or from "
                "the agents"
            )
        if self.agents and self.in_english and FALLBACK not in covered:
            raise ValueError(
                f"in_english: no agent writes {FALLBACK}; give one that language, or remove "
                "in_english"
            )
        return self

    @property
    def costs(self) -> ContactCosts:
        """The costs as `models.contact.decide` takes them."""
        return ContactCosts(
            self.prevented_share,
            self.dispute_fixed_cost_usd,
            self.contact_cost_usd,
            self.refund_share,
            self.cause_factor,
        )

    def rules(self, resting: Collection[str]) -> ContactRules:
        """The rules as `models.contact.decide` takes them; `resting`: buyers contacted lately."""
        agents = [hours.agent for hours in self.agents]
        return ContactRules(
            self.capacity,
            self.holdout_share,
            self.explore_share,
            self.holdout_salt,
            resting,
            agents,
        )


class Page(SettingsSection):
    """The page of a night: `report.html`."""

    charts: bool = Field(
        default=True, description="false: tables only, without the chart library, which takes 1 MB"
    )
    indicator_weeks: int = Field(
        default=26,
        ge=0,
        le=104,
        description="weeks of each indicator in the charts; 0: none, make kpi still has them",
    )
    indicator_most_orders: int = Field(
        default=300_000,
        ge=1,
        le=100_000_000,
        description="a store with more orders gets its indicators from make kpi only, so that "
        "the night is not delayed",
    )
