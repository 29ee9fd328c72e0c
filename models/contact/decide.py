"""Whom to write to tonight: expected value, one message a buyer, capacity, hold-out, and the last
day that helps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import polars as pl

from features.clock import calendar_day
from models.contact.agents import Agent, Room, take_best
from models.contact.contact_effects import Belief
from models.learner.cause import CAUSES

CAUSE_SHARES = [f"{cause}_share" for cause in CAUSES]
LISTED, EXPLORED, HELD_OUT = "listed", "explored", "held_out"
# of a buyer with many open orders, so many are named beside the one that leads
ALSO = 10


@dataclass(frozen=True)
class ContactCosts:
    """Shares and USD that turn a probability into money; assumptions until a hold-out has measured
    them.

    `prevented_share`: by stage, of the disputes that a contact prevents; `cause_factor`: times
    this, by cause. `beliefs`: what the hold-out says of (stage, cause), in place of both.
    """

    prevented_share: Mapping[str, float]
    dispute_fixed_cost_usd: float
    contact_cost_usd: float
    refund_share: float = 1.0
    cause_factor: Mapping[str, float] = field(default_factory=dict)
    beliefs: Mapping[tuple[str, str], Belief] = field(default_factory=dict)

    def assumed(self) -> dict[tuple[str, str], float]:
        """(stage, cause) -> the share prevented that is assumed."""
        return {
            (stage, cause): share * self.cause_factor.get(cause, 1.0)
            for stage, share in self.prevented_share.items()
            for cause in CAUSES
        }


@dataclass(frozen=True)
class ContactRules:
    """What binds a night's list. `holdout_share` of the buyers, told by a hash of `salt` and the
    buyer, never get a message; `explore_share` of the places goes to worthwhile buyers below the
    cut; `resting` buyers had one lately. `agents`: their languages and hours, which bind beside the
    capacity; without any, the capacity alone."""

    capacity: int
    holdout_share: float = 0.0
    explore_share: float = 0.0
    salt: str = ""
    resting: Collection[str] = ()
    agents: Sequence[Agent] = ()


def add_expected_value(scored: pl.DataFrame, costs: ContactCosts) -> pl.DataFrame:
    """`scored` (`stage, probability, order_value_usd`, and the causes' shares where known) with
    `expected_value_usd` of contacting each order, and `evidence_share`: how much of it rests on the
    hold-out (0 to 1).

    probability x share of disputes a contact prevents at that stage, for that cause x what a
    dispute costs - what a contact costs. A dispute costs the refund at risk, a share of the order,
    and a fixed part: fees, work, and what the indicator is worth.
    """
    share, evidence = _mixed(scored, costs)
    cost = (
        pl.col("order_value_usd").fill_null(0.0) * costs.refund_share + costs.dispute_fixed_cost_usd
    )
    value = pl.col("probability") * share * cost - costs.contact_cost_usd
    return scored.with_columns(expected_value_usd=value, evidence_share=evidence)


def _mixed(scored: pl.DataFrame, costs: ContactCosts) -> tuple[pl.Expr, pl.Expr]:
    """Share prevented, and evidence in it, over the causes as likely as they are; as one where none
    is known."""
    assumed = costs.assumed()

    def over_causes(of: Mapping[tuple[str, str], float], unknown: Mapping[str, float]) -> pl.Expr:
        stage = pl.col("stage")
        plain = stage.replace_strict(dict(unknown), return_dtype=pl.Float64)
        if CAUSE_SHARES[0] not in scored.columns:
            return plain
        parts = [
            pl.col(name)
            * stage.replace_strict({s: of[s, cause] for s in unknown}, return_dtype=pl.Float64)
            for name, cause in zip(CAUSE_SHARES, CAUSES, strict=True)
        ]
        return pl.coalesce(pl.sum_horizontal(parts, ignore_nulls=False), plain)

    believed = {
        key: costs.beliefs[key].share if key in costs.beliefs else share
        for key, share in assumed.items()
    }
    weight = {key: costs.beliefs[key].evidence if key in costs.beliefs else 0.0 for key in assumed}
    of_stage = dict(costs.prevented_share) if not costs.beliefs else _means(believed, costs)
    return over_causes(believed, of_stage), over_causes(weight, _means(weight, costs))


def _means(of: Mapping[tuple[str, str], float], costs: ContactCosts) -> dict[str, float]:
    return {
        stage: sum(of[stage, cause] for cause in CAUSES) / len(CAUSES)
        for stage in costs.prevented_share
    }


def choose_contacts(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The `capacity` orders most worth a contact, best first, with `rank`; none that costs more
    than it saves."""
    worthwhile = scored.filter(pl.col("expected_value_usd") > 0)
    best = worthwhile.sort(["expected_value_usd", "order_id"], descending=[True, False]).head(
        capacity
    )
    return best.with_row_index("rank", offset=1)


def assign(
    scored: pl.DataFrame, rules: ContactRules, contact_cost_usd: float, night: str
) -> pl.DataFrame:
    """Who is written to (`arm` listed or explored), and who would have been but is withheld
    (`held_out`), best first.

    `scored` has `order_id, buyer_id, expected_value_usd` and, with agents, `message_language`. One
    row per buyer: the order most worth it leads, the others stand in `also_orders`, and
    `expected_value_usd` is that of one message about all of them. `rank`: null for held out.
    """
    return give_arms(worthwhile(scored, rules, contact_cost_usd), rules, night)


def worthwhile(scored: pl.DataFrame, rules: ContactRules, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer who is not resting and whose message saves more than it costs, best first,
    with `is_held`."""
    leads = _one_a_buyer(scored, contact_cost_usd).filter(
        ~pl.col("buyer_id").is_in(list(rules.resting))
    )
    leads = leads.filter(pl.col("expected_value_usd") > 0)
    is_held = [uniform(rules.salt, buyer) < rules.holdout_share for buyer in leads["buyer_id"]]
    return leads.with_columns(is_held=pl.Series(is_held, dtype=pl.Boolean))


def give_arms(leads: pl.DataFrame, rules: ContactRules, night: str) -> pl.DataFrame:
    """Those of `leads` (best first, with `is_held`) who get an `arm`, with their `propensity` and
    `rank`.

    The held out take no place. A buyer is told as held out exactly when the same buyer, let go
    alone, would be listed: so the listed and the held out are alike. `propensity` is the chance of
    this arm before anything was drawn: 1 - `holdout_share` and `holdout_share`; for the explored,
    the places there are among those who might have had them. An explored message has the language
    of the one whose place it takes, so that somebody can write it.
    """
    ranked = _with_places(leads, rules)
    free, kept = ranked.filter(~pl.col("is_held")), 1.0 - rules.holdout_share
    pool = free.filter(~pl.col("is_in"), pl.col("has_agent"))
    draw = [uniform(rules.salt, night, buyer) for buyer in pool["buyer_id"]]
    places = pl.col("is_displaced").sum().over("language")
    drawn = (
        pool.with_columns(draw=pl.Series(draw, dtype=pl.Float64), places=places)
        .with_columns(propensity=kept * pl.col("places") / pl.len().over("language"))
        .sort("draw", "order_id")
        .filter(pl.int_range(pl.len()).over("language") < pl.col("places"))
    )
    arms = [
        free.filter("is_in").with_columns(arm=pl.lit(LISTED), propensity=pl.lit(kept)),
        drawn.with_columns(arm=pl.lit(EXPLORED)),
        ranked.filter("is_held", "is_in").with_columns(
            arm=pl.lit(HELD_OUT), propensity=pl.lit(rules.holdout_share)
        ),
    ]
    own = [name for name in leads.columns if name != "is_held"]
    told = pl.concat([each.select(*own, "arm", "propensity") for each in arms])
    told = told.sort("expected_value_usd", "order_id", descending=[True, False])
    place = (pl.col("arm") != HELD_OUT).cum_sum()
    return told.with_columns(rank=pl.when(pl.col("arm") != HELD_OUT).then(place).cast(pl.UInt32))


def _with_places(leads: pl.DataFrame, rules: ContactRules) -> pl.DataFrame:
    """`leads` with `language`, `has_agent` (somebody writes it), `is_in` (the buyer has a place, or
    would have one if let go) and `is_displaced` (the buyer's place goes to exploration)."""
    language = leads["message_language"].to_list() if rules.agents else [""] * leads.height
    spoken = (
        frozenset().union(*(agent.languages for agent in rules.agents)) if rules.agents else {""}
    )
    room, is_free = Room(rules.agents), ~leads["is_held"]
    before, has_room = take_best(language, is_free.to_list(), rules.capacity, room)
    # those for whom one message more could be written when all are taken
    is_idle = {name: room.has(name) for name in spoken}
    rows = leads.with_columns(
        language=pl.Series(language, dtype=pl.String),
        before=pl.Series(before, dtype=pl.Int64),
        has_room=pl.Series(has_room, dtype=pl.Boolean),
    ).with_columns(has_agent=pl.col("language").is_in(list(spoken)))
    is_taken = pl.col("has_room") & ~pl.col("is_held")
    taken = rows.filter(is_taken).height
    could = rows.filter(~pl.col("is_held"), pl.col("has_agent")).height
    more = (taken < rules.capacity) & pl.col("language").replace_strict(
        is_idle, default=False, return_dtype=pl.Boolean
    )
    cut = taken - _explored(rules, taken, could)
    cut_if_let_go = (
        pl.when(more)
        .then(taken + 1 - _explored(rules, taken + 1, could + 1))
        .otherwise(taken - _explored(rules, taken, could + 1))
    )
    is_in = pl.col("has_room") & (
        pl.col("before") < pl.when("is_held").then(cut_if_let_go).otherwise(cut)
    )
    return rows.with_columns(is_in=is_in, is_displaced=is_taken & ~is_in)


def _explored(rules: ContactRules, taken: int, could: int) -> int:
    """Places for exploration, of so many that are taken by the best of those who could be written
    to."""
    return min(int(taken * rules.explore_share), could - taken)


def _one_a_buyer(scored: pl.DataFrame, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer, most worth a message first. One message costs once, whatever it is
    about."""
    ranked = scored.sort("expected_value_usd", "order_id", descending=[True, False])
    saved = (pl.col("expected_value_usd") + contact_cost_usd).clip(
        lower_bound=0.0
    ).sum() - contact_cost_usd
    # a buyer's only order keeps its value to the last bit
    value = pl.when(pl.len() > 1).then(saved).otherwise(pl.col("expected_value_usd").first())
    rest = pl.all().exclude("buyer_id", "order_id", "expected_value_usd")
    leads = ranked.group_by("buyer_id", maintain_order=True).agg(
        pl.col("order_id").first(),
        pl.col("order_id").slice(1, ALSO).str.join(" ").alias("also_orders"),
        value.alias("expected_value_usd"),
        rest.first(),
    )
    return leads.sort("expected_value_usd", "order_id", descending=[True, False])


def uniform(*names: str) -> float:
    """A number in [0, 1) that anyone with the same names draws again: BLAKE2b of them."""
    return int.from_bytes(blake2b("\0".join(names).encode(), digest_size=7).digest()) / 2.0**56


def add_contact_by(listed: pl.DataFrame, as_of_day: int) -> pl.DataFrame:
    """`contact_by` (a date): the last day on which a message still comes before the buyer's
    complaint.

    Before shipment: the day the order should be shipped, or tomorrow; at dispatch: two days, the
    time in which a first scan is expected; in transit: three days before the promised day; after
    delivery: the third day after it, when most complaints are still to come. Never a day that is
    past.
    """
    left = (
        pl.when(pl.col("stage") == "before_shipment")
        .then(pl.col("logistics_days_to_ship_by").fill_null(1.0))
        .when(pl.col("stage") == "dispatch")
        .then(2.0)
        .when(pl.col("stage") == "in_transit")
        .then(pl.col("logistics_days_to_promise").fill_null(0.0) - 3.0)
        .otherwise(3.0 - pl.col("logistics_days_in_stage"))
    )
    days = left.floor().clip(0.0, 30.0).cast(pl.Int32)
    return listed.with_columns(contact_by=pl.lit(calendar_day(as_of_day)) + pl.duration(days=days))
