"""What a seller can do for an open order, as data: when it is possible, what it costs, and what it
is assumed to prevent.

The assumption is a Beta distribution of the share of disputes that the action prevents, by stage
and cause: a mean, and a weight in disputes. The hold-out replaces it as outcomes become final.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.build.registry import FEATURES
from features.tables import CAUSES
from models.effects.assumed_shares import NOTHING, AssumedDelay, AssumedShare

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Stage = Literal["before_shipment", "dispatch", "in_transit", "delivered", "unknown"]
Cause = Literal["not_received", "not_as_described", "other"]


# an unknown value, or one below 0, puts nothing at stake
ORDER_VALUE = pl.col("order_value_usd").fill_null(0.0).clip(lower_bound=0.0)


class _ActionSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Need(_ActionSection):
    """A condition on a feature of the order. An unknown value does not fulfil it."""

    feature: str = Field(description="name of a feature, as in docs/reference/features.md")
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_feature_and_limit(self) -> Self:
        if self.feature not in FEATURES:
            raise ValueError(f"there is no feature {self.feature!r}")
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.feature}: write at_least, at_most or both")
        return self

    @property
    def holds(self) -> pl.Expr:
        value = pl.col(self.feature)
        low = value >= self.at_least if self.at_least is not None else pl.lit(True)
        high = value <= self.at_most if self.at_most is not None else pl.lit(True)
        return (value.is_not_null() & low & high).fill_null(False)


class Cost(_ActionSection):
    """What doing the action once costs: a share of the order value, a fixed fee, and time."""

    order_share: float = Field(default=0.0, ge=0, le=1, description="money given back to the buyer")
    goods_share: float = Field(
        default=0.0, ge=0, le=1, description="goods sent again, as a share of the order value"
    )
    fee_usd: float = Field(default=0.0, ge=0, le=10_000, description="postage, fees of a service")
    minutes: float = Field(default=2.0, ge=0, le=1_440, description="time of an agent")


class Delay(_ActionSection):
    """How much the first 30 days overstate what the action prevents to the end of the order.

    `early_share` is the assumed share that seems prevented after 30 days.
    """

    early_share: float = Field(ge=0, lt=1)
    weight: float = Field(gt=0, le=1_000)


class AssumedEffect(_ActionSection):
    """The assumed share of disputes prevented at these stages, for these causes."""

    stages: tuple[Stage, ...] = get_args(Stage)
    causes: tuple[Cause, ...] = get_args(Cause)
    mean: float = Field(ge=0, lt=1)
    weight: float = Field(gt=0, le=1_000, description="in disputes")
    source: str = Field(default="assumption", min_length=3)


class Action(_ActionSection):
    """One action. `applies_to`: the stages at which it is possible. `sent_by`: automatic actions
    need no agent. `to`: who gets the text; only a text to the buyer is a contact. `sentence`: the
    template `offer_<sentence>` that states it, by default `offer_<name>`; "none" if the message
    alone does. `provokes`: the chance that it makes a quiet buyer dispute. Of the effects, the last
    that names a stage and cause counts; a pair without one has no effect."""

    name: Name
    title: str = Field(min_length=3, max_length=80)
    since: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="when its values were set")
    applies_to: tuple[Stage, ...] = Field(min_length=1)
    needs: tuple[Need, ...] = ()
    sent_by: Literal["agent", "automatic"] = "agent"
    to: Literal["buyer", "supplier", "carrier"] = "buyer"
    sentence: Name | None = None
    provokes: float = Field(default=0.0, ge=0, le=1)
    cost: Cost = Cost()
    delay: Delay | None = None
    effects: tuple[AssumedEffect, ...] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _not_nothing(cls, given: str) -> str:
        if given == NOTHING:
            raise ValueError(f"{NOTHING} is what the program does without an action")
        return given

    @field_validator("title")
    @classmethod
    def _one_printable_line(cls, given: str) -> str:
        if not given.isprintable():
            raise ValueError("only printable characters, in one line")
        return given

    @property
    def is_possible(self) -> pl.Expr:
        """Whether an order with these features may get the action."""
        fits = pl.col("stage").is_in(list(self.applies_to))
        return pl.all_horizontal(fits, *(need.holds for need in self.needs))

    @property
    def template(self) -> str | None:
        """The name of the text template of the task, or of the sentence that states the action in a
        message; None if none is needed."""
        if self.to != "buyer":
            return self.name
        return None if self.sentence == "none" else f"offer_{self.sentence or self.name}"

    @property
    def minutes(self) -> float:
        """The agent's time that it takes."""
        return self.cost.minutes if self.sent_by == "agent" else 0.0

    @property
    def offer_usd(self) -> pl.Expr:
        """Money or goods given to the buyer, from `order_value_usd`."""
        share = self.cost.order_share + self.cost.goods_share
        return ORDER_VALUE * share + self.cost.fee_usd

    def cost_usd(self, usd_a_minute: float, automatic_usd: float) -> pl.Expr:
        """What the action costs in all: the offer, and the agent's time or the automatic
        message."""
        is_agent = self.sent_by == "agent"
        return self.offer_usd + (self.cost.minutes * usd_a_minute if is_agent else automatic_usd)

    def assumed(self) -> Mapping[tuple[str, str], AssumedShare]:
        """(stage, cause) -> the assumed share, for the stages at which the action is possible."""
        shares: dict[tuple[str, str], AssumedShare] = {
            (s, c): AssumedShare(0.0, NO_EFFECT_WEIGHT) for s in self.applies_to for c in CAUSES
        }
        for effect in self.effects:
            for stage in effect.stages:
                for cause in effect.causes:
                    if (stage, cause) in shares:
                        shares[stage, cause] = AssumedShare(effect.mean, effect.weight)
        return shares

    def delays(self) -> Mapping[str, AssumedDelay]:
        """cause -> how much the first 30 days overstate the action, for the causes it acts on."""
        if self.delay is None:
            return {}
        early = AssumedShare(self.delay.early_share, self.delay.weight)
        acts = {cause: share for (_, cause), share in self.assumed().items() if share.mean > 0}
        return {cause: AssumedDelay.between(early, share) for cause, share in acts.items()}


# a pair that no effect names: surely near nothing
NO_EFFECT_WEIGHT = 50.0
