"""Settings of the night's list: who is written to, by whom, what may be offered, and the page."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Self

from pydantic import Field, field_validator, model_validator

from models.actions.agents import Agent
from pipeline.settings.languages import FALLBACK, LANGUAGES
from pipeline.settings.settings_section import SettingsSection

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
        """The agent, with the minutes at the pace of one who writes a message in
        `USUAL_MINUTES`."""
        minutes = self.minutes * USUAL_MINUTES / self.minutes_per_message
        return Agent(self.name, frozenset(self.languages), minutes)


def _known_languages(given: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [name for name in given if name not in LANGUAGES]:
        raise ValueError(
            f"unknown language {', '.join(unknown)}; there are drafts in {', '.join(LANGUAGES)}"
        )
    return given


class Decide(SettingsSection):
    """The list of a night: how long it may be, who writes, who is held out, and what a dispute
    costs."""

    capacity: int = Field(
        default=50, ge=1, le=1_000_000, description="most actions that reach a buyer in one night"
    )
    refund_share: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="share of the order value lost in a dispute; the store's own refunds replace "
        "it as they come in",
    )
    dispute_fixed_cost_usd: float = Field(
        default=15.0,
        ge=0,
        le=1_000_000,
        description="fees and work of a dispute, and its effect on the store's rank as long as "
        "value.grade_loss_usd is not set",
    )
    cool_off_days: int = Field(
        default=7,
        ge=0,
        le=3_650,
        description="days without a message to a buyer after the last contact by either side",
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
        description="learn the effects of actions from the hold-out as outcomes become final",
    )

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


class BoardAccess(SettingsSection):
    """How people sign in to the board, once it has a user file (`make board-user`)."""

    proxy_header: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]{0,64}$",
        description="header in which an authenticating proxy sends the name of the user, such as "
        "X-Remote-User; the proxy must remove it from what it receives",
    )
    proxy_address: str = Field(
        default="", description="IP address of that proxy; the header counts from it alone"
    )
    https: bool = Field(
        default=False,
        description="people reach the board by https, through a proxy: the cookie is then never "
        "sent without it",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="hours until people must sign in again"
    )

    @model_validator(mode="after")
    def _names_both(self) -> Self:
        if bool(self.proxy_header) != bool(self.proxy_address):
            raise ValueError("proxy_header and proxy_address go together")
        if self.proxy_address:
            try:
                ip_address(self.proxy_address)
            except ValueError:
                raise ValueError("proxy_address: must be an IP address, like 10.0.0.2") from None
        return self
