"""Settings of the actions: what they cost, what may be offered, and what is tried at random."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field

from models.actions.action_rules import ActionRules, ExplorationRules
from pipeline.settings.errors import BadInput
from pipeline.settings.settings_section import SettingsSection


class ActionSettings(SettingsSection):
    """What actions cost, which are done, and how they are chosen. The actions themselves are files:
    docs/reference/actions.md."""

    usd_a_minute: float = Field(
        default=0.25, ge=0, le=10_000, description="cost of an agent's minute: 15 USD an hour"
    )
    automatic_usd: float = Field(
        default=0.02,
        ge=0,
        le=10_000,
        description="cost of a message that the shop's own channel sends",
    )
    least_worth_usd: float = Field(
        default=0.25, ge=0, le=1_000_000, description="an action worth less is not listed"
    )
    budget_usd: float = Field(
        default=100.0,
        ge=0,
        le=1_000_000_000,
        description="most money and goods given to buyers in one night",
    )
    most_a_night: dict[str, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        default={}, description="most orders that get an action in one night: resend = 5"
    )
    not_allowed: tuple[str, ...] = Field(
        default=(), description="actions that your platform or you do not allow"
    )
    tries: bool = Field(
        default=True,
        description="where two actions are worth nearly the same, draw one at random, so that "
        "their effects can be measured",
    )
    most_loss_usd: float = Field(
        default=0.05,
        ge=0,
        le=1_000_000,
        description="an action worth that much less than the best is not tried",
    )

    def rules(self, stopped: frozenset[tuple[str, str]]) -> ActionRules:
        """As `models.actions.action_options` takes them; `stopped`: actions that do harm."""
        return ActionRules(self.usd_a_minute, self.automatic_usd, stopped, self.not_allowed)

    def check_names(self, known: Collection[str]) -> None:
        """Raises `BadInput` if `not_allowed` or `most_a_night` names an action without a file."""
        for setting in ("not_allowed", "most_a_night"):
            if unknown := sorted(set(getattr(self, setting)) - set(known)):
                raise BadInput(
                    f"config.toml, actions.{setting}: there is no action {unknown[0]!r}. "
                    f"Choose from: {', '.join(sorted(known))}."
                )

    @property
    def exploration(self) -> ExplorationRules | None:
        """What is drawn at random; None if nothing is."""
        return ExplorationRules(most_loss_usd=self.most_loss_usd) if self.tries else None


class AnswerSettings(SettingsSection):
    """What a draft answer to an open dispute may offer."""

    may_extend: bool = Field(default=True, description="longer protection, while on its way")
    may_resend: bool = Field(default=True, description="the goods a second time")
    resend_max_usd: float = Field(
        default=20.0, ge=0, le=1_000_000, description="goods worth more are not sent a second time"
    )


class DraftSettings(SettingsSection):
    """What all drafts to buyers have in common."""

    store_name: str = Field(
        default="",
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$",
        description="the name under each message and answer; empty: no signature",
    )
