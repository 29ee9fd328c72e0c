"""Whom to write to tonight: expected value, one message a buyer, capacity, hold-out, and the last day that helps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import polars as pl

from features.clock import calendar_day
from models.cause import CAUSES
from models.effects import Belief

CAUSE_SHARES = [f"{cause}_share" for cause in CAUSES]
LISTED, EXPLORED, HELD_OUT = "listed", "explored", "held_out"
# of a buyer with many open orders, so many are named beside the one that leads
ALSO = 10


@dataclass(frozen=True)
class Costs:
    """Shares and USD that turn a probability into money; assumptions until a hold-out has measured them.

    `prevented_share`: by stage, of the disputes that a contact prevents; `cause_factor`: times this, by cause.
    `beliefs`: what the hold-out says of (stage, cause), in place of both.
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
class Rules:
    """What binds a night's list. `holdout_share` of the buyers, told by a hash of `salt` and the buyer, never get a
    message; `explore_share` of the capacity goes to worthwhile buyers below the cut; `resting` buyers had one
    lately."""

    capacity: int
    holdout_share: float = 0.0
    explore_share: float = 0.0
    salt: str = ""
    resting: Collection[str] = ()


def add_expected_value(scored: pl.DataFrame, costs: Costs) -> pl.DataFrame:
    """`scored` (`stage, probability, order_value_usd`, and the causes' shares where known) with
    `expected_value_usd` of contacting each order, and `evidence_share`: how much of it rests on the hold-out (0 to 1).

    probability x share of disputes a contact prevents at that stage, for that cause x what a dispute costs - what a
    contact costs. A dispute costs the refund at risk, a share of the order, and a fixed part: fees, work, and what the
    indicator is worth.
    """
    share, evidence = _mixed(scored, costs)
    cost = pl.col("order_value_usd").fill_null(0.0) * costs.refund_share + costs.dispute_fixed_cost_usd
    value = pl.col("probability") * share * cost - costs.contact_cost_usd
    return scored.with_columns(expected_value_usd=value, evidence_share=evidence)


def _mixed(scored: pl.DataFrame, costs: Costs) -> tuple[pl.Expr, pl.Expr]:
    """Share prevented, and evidence in it, over the causes as likely as they are; as one where none is known."""
    assumed = costs.assumed()

    def over_causes(of: Mapping[tuple[str, str], float], unknown: Mapping[str, float]) -> pl.Expr:
        stage = pl.col("stage")
        plain = stage.replace_strict(dict(unknown), return_dtype=pl.Float64)
        if CAUSE_SHARES[0] not in scored.columns:
            return plain
        parts = [
            pl.col(name) * stage.replace_strict({s: of[s, cause] for s in unknown}, return_dtype=pl.Float64)
            for name, cause in zip(CAUSE_SHARES, CAUSES, strict=True)
        ]
        return pl.coalesce(pl.sum_horizontal(parts, ignore_nulls=False), plain)

    believed = {key: costs.beliefs[key].share if key in costs.beliefs else share for key, share in assumed.items()}
    weight = {key: costs.beliefs[key].evidence if key in costs.beliefs else 0.0 for key in assumed}
    of_stage = dict(costs.prevented_share) if not costs.beliefs else _means(believed, costs)
    return over_causes(believed, of_stage), over_causes(weight, _means(weight, costs))


def _means(of: Mapping[tuple[str, str], float], costs: Costs) -> dict[str, float]:
    return {stage: sum(of[stage, cause] for cause in CAUSES) / len(CAUSES) for stage in costs.prevented_share}


def choose_contacts(scored: pl.DataFrame, capacity: int) -> pl.DataFrame:
    """The `capacity` orders most worth a contact, best first, with `rank`; none that costs more than it saves."""
    worthwhile = scored.filter(pl.col("expected_value_usd") > 0)
    best = worthwhile.sort(["expected_value_usd", "order_id"], descending=[True, False]).head(capacity)
    return best.with_row_index("rank", offset=1)


def assign(scored: pl.DataFrame, rules: Rules, contact_cost_usd: float, night: str) -> pl.DataFrame:
    """Who is written to (`arm` listed or explored), and who would have been but is withheld (`held_out`), best first.

    `scored` has `order_id, buyer_id, expected_value_usd`. One row per buyer: the order most worth it leads, the others
    stand in `also_orders`, and `expected_value_usd` is that of one message about all of them. `rank`: null for held out.
    """
    leads = worthwhile(scored, rules, contact_cost_usd)
    is_held = [uniform(rules.salt, buyer) < rules.holdout_share for buyer in leads["buyer_id"]]
    return give_arms(leads.with_columns(is_held=pl.Series(is_held, dtype=pl.Boolean)), rules, night)


def worthwhile(scored: pl.DataFrame, rules: Rules, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer who is not resting and whose message saves more than it costs, best first."""
    leads = _one_a_buyer(scored, contact_cost_usd).filter(~pl.col("buyer_id").is_in(list(rules.resting)))
    return leads.filter(pl.col("expected_value_usd") > 0)


def give_arms(leads: pl.DataFrame, rules: Rules, night: str) -> pl.DataFrame:
    """`leads`, best first, with `is_held`: those who get an `arm`, their `propensity` and `rank`.

    The held out take no place. A buyer is told as held out exactly when the same buyer, let go alone, would be listed:
    so the listed and the held out are alike. `propensity` is the chance of this arm before anything was drawn:
    1 - `holdout_share` and `holdout_share`; for the explored, the places there are among those who might have had them.
    """
    count_free = int((~leads["is_held"]).sum())
    before = (~pl.col("is_held")).cum_sum().shift(1, fill_value=0)
    ranked = leads.with_columns(
        is_in=before < pl.when("is_held").then(_cut(rules, count_free + 1)).otherwise(_cut(rules, count_free))
    )
    free, kept = ranked.filter(~pl.col("is_held")), 1.0 - rules.holdout_share
    pool = free.filter(~pl.col("is_in"))
    draw = [uniform(rules.salt, night, buyer) for buyer in pool["buyer_id"]]
    places = _places(rules, count_free)
    drawn = pool.with_columns(draw=pl.Series(draw, dtype=pl.Float64)).sort("draw", "order_id").head(places)
    arms = [
        free.filter("is_in").with_columns(arm=pl.lit(LISTED), propensity=pl.lit(kept)),
        drawn.drop("draw").with_columns(arm=pl.lit(EXPLORED), propensity=pl.lit(kept * places / max(pool.height, 1))),
        ranked.filter("is_held", "is_in").with_columns(arm=pl.lit(HELD_OUT), propensity=pl.lit(rules.holdout_share)),
    ]
    told = pl.concat(arms).drop("is_held", "is_in").sort("expected_value_usd", "order_id", descending=[True, False])
    place = (pl.col("arm") != HELD_OUT).cum_sum()
    return told.with_columns(rank=pl.when(pl.col("arm") != HELD_OUT).then(place).cast(pl.UInt32))


def _places(rules: Rules, count_free: int) -> int:
    """Places for exploration where so many buyers may be written to: none while there is one for each of them."""
    return min(int(rules.capacity * rules.explore_share), max(count_free - rules.capacity, 0))


def _cut(rules: Rules, count_free: int) -> int:
    """So many of them are listed, from the best."""
    return rules.capacity - _places(rules, count_free)


def _one_a_buyer(scored: pl.DataFrame, contact_cost_usd: float) -> pl.DataFrame:
    """One row per buyer, most worth a message first. One message costs once, whatever it is about."""
    ranked = scored.sort("expected_value_usd", "order_id", descending=[True, False])
    saved = (pl.col("expected_value_usd") + contact_cost_usd).clip(lower_bound=0.0).sum() - contact_cost_usd
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
    """`contact_by` (a date): the last day on which a message still comes before the buyer's complaint.

    Before shipment: the day the order should be shipped, or tomorrow; at dispatch: two days, the time in which a first
    scan is expected; in transit: three days before the promised day; after delivery: the third day after it, when
    most complaints are still to come. Never a day that is past.
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
