"""Decide a night: which buyers get which action, who is held out, and what is tried at random.

Held-out buyers get no action, and no limit is used up by them. They are recorded if they would have
been chosen, so that the outcomes of both groups can be compared. Where a listed buyer's actions are
nearly worth the same, one is drawn at random, with a chance that is logged.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from models.actions.action_choice import ActionChoice, choose_actions, reduced_value, why_not_next
from models.actions.action_columns import ActionLimits, action_columns
from models.actions.action_options import KEY, draw_values
from models.actions.action_propensities import add_propensities, draw_actions
from models.actions.action_rules import ExplorationRules
from models.actions.hold_out import HELD_OUT, LISTED, held_out_buyers
from models.effects.assumed_shares import NOTHING
from models.effects.effect_posterior import EffectPosterior

DRAWS, DRAW_SEED = 200, 7


@dataclass(frozen=True)
class NightRules:
    """The rules of a night.

    A hash of `salt` and the buyer holds out `holdout_share` of the buyers. `resting` buyers were in
    contact with the store recently: they get no message, but a task for the supplier or carrier is
    possible. `exploration` is None if nothing is drawn at random.
    """

    limits: ActionLimits
    holdout_share: float = 0.0
    salt: str = ""
    resting: Collection[str] = ()
    exploration: ExplorationRules | None = None


@dataclass(frozen=True)
class NightChoice:
    """The decision of a night.

    Attributes
    ----------
    assigned : one row per buyer who is listed or held out, best first: the columns of the options,
        `arm`, `rank` (null if held out), `meant` (the action chosen; `action` is "nothing" if held
        out), `propensity` (the chance of what was done), `agent`, the next best option
        (`next_order_id, next_action, next_value_usd, next_limit`), and the action in whose place
        this one was drawn (`replaced_action, replaced_value_usd`; null if it was not)
    candidates : one row per option of these orders, and one for "nothing": `buyer_id, order_id,
        action, arm, propensity` (0 if it could not be drawn), `value_usd, is_taken`
    free : the options that could be listed: of buyers who are not held out, and no message to one
        who rests
    choice : the choice before the draw, with its bound and the prices of the limits

    """

    assigned: pl.DataFrame
    candidates: pl.DataFrame
    free: pl.DataFrame
    choice: ActionChoice


def choose_night(
    options: pl.DataFrame, rules: NightRules, posterior: EffectPosterior, night: str
) -> NightChoice:
    """Choose at most one action per buyer, within the limits, by what it saves.

    `options` as `action_options` has them. The same options, rules and night give the same choice.
    """
    is_resting = pl.col("is_contact") & pl.col("buyer_id").is_in(list(rules.resting))
    options = options.filter(~is_resting)
    buyers = options["buyer_id"].unique()
    is_held = pl.col("buyer_id").is_in(held_out_buyers(buyers, rules.holdout_share, rules.salt))
    free, held = options.filter(~is_held), options.filter(is_held)
    choice = choose_actions(free, rules.limits)
    would_be = _released(held, free, choice, rules.limits)
    both = pl.concat(
        [
            choice.chosen.with_columns(arm=pl.lit(LISTED)),
            would_be.with_columns(arm=pl.lit(HELD_OUT)),
        ],
        how="diagonal_relaxed",
    )
    candidates = _candidates(options, both, rules, posterior, night)
    return NightChoice(_assigned(both, options, candidates, choice), candidates, free, choice)


def _released(
    held: pl.DataFrame, free: pl.DataFrame, choice: ActionChoice, limits: ActionLimits
) -> pl.DataFrame:
    """Each held-out buyer's best option, if it would be chosen in place of the least listed one.

    The prices of the limits decide, and where a limit is used up, the least gain of those who use
    it. If only the number of contacts binds, that is exact; if several limits bind at once, a buyer
    close to the cut may be decided otherwise than by a new choice.
    """
    possible = _with_gain(held, choice, limits)
    others = free.join(choice.chosen, on="buyer_id", how="semi")
    chosen = _with_gain(others, choice, limits).join(choice.chosen, on=KEY, how="semi")
    for uses in _used_up(choice, limits):
        least = pl.lit(chosen.filter(uses)["gain"].min(), pl.Float64).fill_null(0.0)
        possible = possible.filter(~uses | (pl.col("gain") >= least))
    return (
        possible.filter(pl.col("reduced") > 0)
        .sort("reduced", "order_id", "action", descending=[True, False, False])
        .unique("buyer_id", keep="first", maintain_order=True)
        .drop("reduced", "gain")
    )


def _with_gain(options: pl.DataFrame, choice: ActionChoice, limits: ActionLimits) -> pl.DataFrame:
    """The possible options with `reduced`, their value less what they use at its price, and `gain`,
    what they add to the best that the buyer may get without using any scarce limit."""
    possible = options[action_columns(options, limits).rows] if options.height else options
    is_scarce = pl.any_horizontal(pl.lit(False), *_used_up(choice, limits))
    instead = pl.col("reduced").filter(~is_scarce).max().fill_null(0.0).over("buyer_id")
    return possible.with_columns(reduced=reduced_value(possible, choice.prices)).with_columns(
        gain=pl.col("reduced") - instead.clip(lower_bound=0.0)
    )


def _used_up(choice: ActionChoice, limits: ActionLimits) -> list[pl.Expr]:
    """Whether an option uses each of the limits that bind: those with a price, and the contacts if
    all are taken. The price of the last contact may be 0, if the next one would be worth nothing.
    """
    is_full = 0 < limits.contacts <= choice.chosen["is_contact"].sum()
    binding = {name for name, price in choice.prices.items() if price > 0}
    return [_uses(name) for name in sorted(binding | ({"contacts"} if is_full else set()))]


def _uses(limit: str) -> pl.Expr:
    """Whether an option uses a limit, by the name of its price."""
    kind, _, value = limit.partition(" ")
    if kind == "contacts":
        return pl.col("is_contact")
    if kind == "action":
        return pl.col("action") == value
    uses = pl.col(kind) > 0
    return uses & (pl.col("message_language") == value).fill_null(True) if value else uses


def _candidates(
    options: pl.DataFrame,
    both: pl.DataFrame,
    rules: NightRules,
    posterior: EffectPosterior,
    night: str,
) -> pl.DataFrame:
    """The options that may be drawn in place of the chosen one, with their chances.

    Another action of the same order may be drawn if it uses no more of any limit.
    """
    chosen = both.select(
        "buyer_id", "order_id", "arm", meant="action", most_minutes="minutes",
        most_budget="budget_usd", contact="is_contact",
    )  # fmt: skip
    is_same = pl.col("action") == pl.col("meant")
    uses_no_more = (
        (pl.col("minutes") <= pl.col("most_minutes"))
        & (pl.col("budget_usd") <= pl.col("most_budget"))
        & (pl.col("is_contact") == pl.col("contact"))
        & (pl.col("value_usd") >= rules.limits.least_worth_usd)
        & ~pl.col("action").is_in(list(rules.limits.action_contacts))
    )
    rows = options.join(chosen, on=["buyer_id", "order_id"], how="inner").sort(KEY)
    may_draw = is_same | uses_no_more if rules.exploration else is_same
    others = rows.filter(~may_draw).with_columns(propensity=0.0, is_taken=pl.lit(False))
    rows = rows.filter(may_draw)
    if rows.is_empty():
        return _with_nothing(rows.with_columns(propensity=0.0, is_taken=pl.lit(True)), rules)
    if rules.exploration:
        values = draw_values(rows, posterior, DRAWS, DRAW_SEED)
        # around the value that the choice rests on: few draws have a mean of their own, and a
        # costly action is valued with more caution than by its mean
        values += (rows["value_usd"].to_numpy() - values.mean(axis=1))[:, None]
        rows = add_propensities(rows, values, rules.exploration)
    else:
        rows = rows.with_columns(propensity=1.0)
    drawn = draw_actions(rows, rules.salt, night)
    return _with_nothing(pl.concat([drawn, others], how="diagonal"), rules)


def _with_nothing(rows: pl.DataFrame, rules: NightRules) -> pl.DataFrame:
    """Add "nothing" to each order's candidates, and the hold-out's chance to all of them."""
    is_held = pl.col("arm") == HELD_OUT
    own = rows.select(
        *KEY,
        "arm",
        "value_usd",
        drawn=pl.col("is_taken"),
        propensity=pl.col("propensity") * (1.0 - rules.holdout_share),
        is_taken=pl.col("is_taken") & ~is_held,
    )
    nothing = rows.filter("is_taken").select(
        "buyer_id",
        "order_id",
        "arm",
        action=pl.lit(NOTHING),
        value_usd=pl.lit(0.0),
        drawn=pl.lit(False),
        propensity=pl.lit(rules.holdout_share),
        is_taken=is_held,
    )
    return pl.concat([own, nothing], how="diagonal").sort(KEY)


def _assigned(
    both: pl.DataFrame, options: pl.DataFrame, candidates: pl.DataFrame, choice: ActionChoice
) -> pl.DataFrame:
    """One row per buyer: the drawn option, what was done, and its chance."""
    drawn = candidates.filter("drawn").select(*KEY).join(options, on=KEY, how="left")
    drawn = why_not_next(options, replace(choice, chosen=drawn))
    done = candidates.filter("is_taken").select("buyer_id", "propensity")
    before = both.select("buyer_id", replaced_action="action", replaced_value_usd="value_usd")
    is_drawn = pl.col("replaced_action") != pl.col("action")
    is_held = pl.col("arm") == HELD_OUT
    rows = (
        drawn.join(both.select("buyer_id", "arm", "agent"), on="buyer_id", how="left")
        .join(done, on="buyer_id", how="left")
        .join(before, on="buyer_id", how="left")
        .with_columns(pl.when(is_drawn).then(pl.col("replaced_action", "replaced_value_usd")))
        .with_columns(meant="action")
        .with_columns(action=pl.when(is_held).then(pl.lit(NOTHING)).otherwise("action"))
        .sort("value_usd", "order_id", descending=[True, False])
    )
    position = (~is_held).cum_sum()
    return rows.with_columns(rank=pl.when(~is_held).then(position).cast(pl.UInt32))
