"""Decide who to contact tonight.

The list goes by expected value, with one message per buyer, within capacity, with a random
hold-out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from features.tables import CAUSE_SHARES, CAUSES
from models.actions.agents import Agent, RemainingSlots, take_best
from models.actions.hold_out import EXPLORED, HELD_OUT, LISTED, uniform
from models.contact.buyer_leads import lead_per_buyer
from models.contact.contact_effects import Belief


@dataclass(frozen=True)
class ContactCosts:
    """Shares and USD that turn a probability into money.

    They are assumptions until a hold-out measures them. `prevented_share` is the share of disputes
    that a contact prevents, by stage; `cause_factor` multiplies it by cause. `beliefs` holds the
    hold-out's result per (stage, cause), which replaces both.
    """

    prevented_share: Mapping[str, float]
    dispute_fixed_cost_usd: float
    contact_cost_usd: float
    refund_share: float = 1.0
    cause_factor: Mapping[str, float] = field(default_factory=dict)
    beliefs: Mapping[tuple[str, str], Belief] = field(default_factory=dict)

    def assumed(self) -> dict[tuple[str, str], float]:
        """(stage, cause) -> the assumed share of disputes that a contact prevents."""
        return {
            (stage, cause): share * self.cause_factor.get(cause, 1.0)
            for stage, share in self.prevented_share.items()
            for cause in CAUSES
        }


@dataclass(frozen=True)
class ContactRules:
    """The rules of a night's list.

    Held-out buyers, `holdout_share` of all, never get a message; a hash of `salt` and the buyer
    selects them. `explore_share` of the slots goes to worthwhile buyers below the cut. `resting`
    buyers had a message recently. `agents` limit the list by languages and hours in addition to
    `capacity`; without agents only the capacity applies.
    """

    capacity: int
    holdout_share: float = 0.0
    explore_share: float = 0.0
    salt: str = ""
    resting: Collection[str] = ()
    agents: Sequence[Agent] = ()


def add_expected_value(scored: pl.DataFrame, costs: ContactCosts) -> pl.DataFrame:
    """Add `expected_value_usd` of contacting each order, and `evidence_share`.

    `scored` has `stage, probability, order_value_usd` and, where known, the shares of the causes.
    `evidence_share` is the part of the value that rests on the hold-out (0 to 1).

    Value = probability x share of disputes that a contact prevents (by stage and cause) x cost of a
    dispute - cost of a contact. A dispute costs the refund at risk, a share of the order value,
    plus a fixed part for fees, work and the effect on the indicators.
    """
    share, evidence = _mixed(scored, costs)
    cost = (
        pl.col("order_value_usd").fill_null(0.0) * costs.refund_share + costs.dispute_fixed_cost_usd
    )
    value = pl.col("probability") * share * cost - costs.contact_cost_usd
    return scored.with_columns(expected_value_usd=value, evidence_share=evidence)


def _mixed(scored: pl.DataFrame, costs: ContactCosts) -> tuple[pl.Expr, pl.Expr]:
    """Share prevented and its evidence, averaged over the causes by their probability.

    Without known causes all causes count the same.
    """
    assumed = costs.assumed()

    def over_causes(
        by_cause: Mapping[tuple[str, str], float], by_stage: Mapping[str, float]
    ) -> pl.Expr:
        stage = pl.col("stage")
        without_cause = stage.replace_strict(dict(by_stage), return_dtype=pl.Float64)
        if CAUSE_SHARES[0] not in scored.columns:
            return without_cause
        parts = [
            pl.col(name)
            * stage.replace_strict(
                {s: by_cause[s, cause] for s in by_stage}, return_dtype=pl.Float64
            )
            for name, cause in zip(CAUSE_SHARES, CAUSES, strict=True)
        ]
        return pl.coalesce(pl.sum_horizontal(parts, ignore_nulls=False), without_cause)

    believed = {
        key: costs.beliefs[key].share if key in costs.beliefs else share
        for key, share in assumed.items()
    }
    weight = {key: costs.beliefs[key].evidence if key in costs.beliefs else 0.0 for key in assumed}
    stage_shares = dict(costs.prevented_share) if not costs.beliefs else _means(believed, costs)
    return over_causes(believed, stage_shares), over_causes(weight, _means(weight, costs))


def _means(by_cause: Mapping[tuple[str, str], float], costs: ContactCosts) -> dict[str, float]:
    """The mean over the causes, by stage."""
    return {
        stage: sum(by_cause[stage, cause] for cause in CAUSES) / len(CAUSES)
        for stage in costs.prevented_share
    }


def choose_contacts(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The `capacity` orders most worth contacting, best first, with `rank`.

    Orders that cost more to contact than they save are left out.
    """
    worthwhile = scored.filter(pl.col("expected_value_usd") > 0)
    best = worthwhile.sort(["expected_value_usd", "order_id"], descending=[True, False]).head(
        capacity
    )
    return best.with_row_index("rank", offset=1)


def assign(
    scored: pl.DataFrame, rules: ContactRules, contact_cost_usd: float, night: str
) -> pl.DataFrame:
    """Who is contacted (`arm` "listed" or "explored") and who is held out ("held_out"), best first.

    `scored` has `order_id, buyer_id, expected_value_usd` and, with agents, `message_language`.
    There is one row per buyer. The most valuable order leads, `also_orders` names the others, and
    `expected_value_usd` is the value of one message about all of them. `rank` is null for held-out
    buyers.
    """
    return give_arms(worthwhile(scored, rules, contact_cost_usd), rules, night)


def worthwhile(scored: pl.DataFrame, rules: ContactRules, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer who is not resting and whose message saves more than it costs, best first.

    Adds `is_held`: whether the buyer is in the hold-out.
    """
    leads = lead_per_buyer(scored, contact_cost_usd).filter(
        ~pl.col("buyer_id").is_in(list(rules.resting))
    )
    leads = leads.filter(pl.col("expected_value_usd") > 0)
    is_held = [uniform(rules.salt, buyer) < rules.holdout_share for buyer in leads["buyer_id"]]
    return leads.with_columns(is_held=pl.Series(is_held, dtype=pl.Boolean))


def give_arms(leads: pl.DataFrame, rules: ContactRules, night: str) -> pl.DataFrame:
    """The buyers of `leads` (best first, with `is_held`) who get an `arm`.

    Adds `arm`, `propensity` and `rank`. Held-out buyers take no slot. A buyer is recorded as held
    out exactly if the same buyer, released from the hold-out alone, would be listed. Listed and
    held-out buyers are therefore comparable. `propensity` is the probability of the arm before the
    draw: 1 - `holdout_share` for listed and `holdout_share` for held-out buyers; for explored
    buyers, (1 - `holdout_share`) times the slots per candidate. An explored message has the
    language of the message it displaces, so that an agent can write it.
    """
    ranked = _with_slots(leads, rules)
    eligible, not_held = ranked.filter(~pl.col("is_held")), 1.0 - rules.holdout_share
    pool = eligible.filter(~pl.col("is_in"), pl.col("has_agent"))
    draws = [uniform(rules.salt, night, buyer) for buyer in pool["buyer_id"]]
    open_slots = pl.col("is_displaced").sum().over("language")
    explored = (
        pool.with_columns(draw=pl.Series(draws, dtype=pl.Float64), open_slots=open_slots)
        .with_columns(propensity=not_held * pl.col("open_slots") / pl.len().over("language"))
        .sort("draw", "order_id")
        .filter(pl.int_range(pl.len()).over("language") < pl.col("open_slots"))
    )
    arms = [
        eligible.filter("is_in").with_columns(arm=pl.lit(LISTED), propensity=pl.lit(not_held)),
        explored.with_columns(arm=pl.lit(EXPLORED)),
        ranked.filter("is_held", "is_in").with_columns(
            arm=pl.lit(HELD_OUT), propensity=pl.lit(rules.holdout_share)
        ),
    ]
    own = [name for name in leads.columns if name != "is_held"]
    assigned = pl.concat([each.select(*own, "arm", "propensity") for each in arms])
    assigned = assigned.sort("expected_value_usd", "order_id", descending=[True, False])
    position = (pl.col("arm") != HELD_OUT).cum_sum()
    return assigned.with_columns(
        rank=pl.when(pl.col("arm") != HELD_OUT).then(position).cast(pl.UInt32)
    )


def _with_slots(leads: pl.DataFrame, rules: ContactRules) -> pl.DataFrame:
    """Add whether each buyer gets a slot.

    Columns: `language`; `has_agent`, an agent writes it; `is_in`, the buyer has a slot or, if held
    out, would have one when released; `is_displaced`, the buyer's slot goes to exploration.
    """
    languages = leads["message_language"].to_list() if rules.agents else [""] * leads.height
    agent_languages = (
        frozenset().union(*(agent.languages for agent in rules.agents)) if rules.agents else {""}
    )
    slots, is_free = RemainingSlots(rules.agents), ~leads["is_held"]
    taken_before, has_slot = take_best(languages, is_free.to_list(), rules.capacity, slots)
    # languages in which one more message could be written after all are taken
    is_idle = {name: slots.has(name) for name in agent_languages}
    rows = leads.with_columns(
        language=pl.Series(languages, dtype=pl.String),
        taken_before=pl.Series(taken_before, dtype=pl.Int64),
        has_slot=pl.Series(has_slot, dtype=pl.Boolean),
    ).with_columns(has_agent=pl.col("language").is_in(list(agent_languages)))
    is_taken = pl.col("has_slot") & ~pl.col("is_held")
    taken = rows.filter(is_taken).height
    writable = rows.filter(~pl.col("is_held"), pl.col("has_agent")).height
    has_spare = (taken < rules.capacity) & pl.col("language").replace_strict(
        is_idle, default=False, return_dtype=pl.Boolean
    )
    cut = taken - _explored(rules, taken, writable)
    cut_if_released = (
        pl.when(has_spare)
        .then(taken + 1 - _explored(rules, taken + 1, writable + 1))
        .otherwise(taken - _explored(rules, taken, writable + 1))
    )
    is_in = pl.col("has_slot") & (
        pl.col("taken_before") < pl.when("is_held").then(cut_if_released).otherwise(cut)
    )
    return rows.with_columns(is_in=is_in, is_displaced=is_taken & ~is_in)


def _explored(rules: ContactRules, taken: int, writable: int) -> int:
    """Slots for exploration, out of the `taken` best of `writable` buyers."""
    return min(int(taken * rules.explore_share), writable - taken)
