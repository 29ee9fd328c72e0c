"""Choose what to do tonight: at most one action per buyer, within the limits, by what it saves.

`action_columns` prepares the options, `action_program` states the linear program, `action_prices`
computes the prices of the limits, and `whole_actions` makes the choice: the optimum, or a choice
with a stated gap to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from models.actions.action_columns import ActionColumns, ActionLimits, action_columns
from models.actions.action_prices import LimitPrices, best_prices
from models.actions.whole_actions import WholeChoice, choose_whole, swap_ties


@dataclass(frozen=True)
class ActionChoice:
    """What is done tonight.

    Attributes
    ----------
    chosen : the rows of the options that are taken, best first, with the `agent` who does it;
        null if the action takes no time, or if no agents are named
    total_usd : the sum of their `value_usd`
    bound_usd : no choice within the limits is worth more
    prices : what one more is worth, in USD: of `contacts`, of `budget_usd` (one USD), of
        `minutes` (`minutes es` and so on, if agents are named), of `action resend` and so on; 0 if
        the limit does not bind. On a small night one more can be worth less, and one less costs
        at least as much. Languages that no agent writes have no price.
    """

    chosen: pl.DataFrame
    total_usd: float
    bound_usd: float
    prices: Mapping[str, float]


def choose_actions(options: pl.DataFrame, limits: ActionLimits) -> ActionChoice:
    """The actions that save most, at most one per buyer.

    `options` has one row per (order, action): `buyer_id, order_id, action, value_usd` (expected
    saving less cost; may be negative), `budget_usd` and `minutes` (0 if none), `message_language`
    (null: any agent can do it) and `is_contact` (counts towards `contacts`).

    One agent does an action from beginning to end. Money counts in cents and time in seconds:
    options are rounded up and limits down. Of equal rows, the first by `order_id` and `action` is
    taken. ValueError names a row whose number is missing, not finite, or below 0.
    """
    columns = action_columns(options, limits)
    if len(columns.rows) == 0:
        no_agent = pl.lit(None, dtype=pl.String)
        return ActionChoice(options.head(0).with_columns(agent=no_agent), 0.0, 0.0, {})
    prices = best_prices(columns.program, columns.limits)
    whole = choose_whole(columns.program, columns.limits, prices)
    taken = swap_ties(columns.program, columns.rank, whole.taken)
    chosen = options[columns.rows[taken]].with_columns(
        agent=_agents(columns, taken, whole, [agent.name for agent in limits.agents])
    )
    return ActionChoice(
        chosen.sort("value_usd", "order_id", "action", descending=[True, False, False]),
        whole.total,
        whole.bound,
        _prices(columns, prices, limits),
    )


def _agents(
    columns: ActionColumns, taken: np.ndarray, whole: WholeChoice, names: list[str]
) -> pl.Series:
    """The agent of each taken column: those of a kind in turn, as many each as the program has."""
    agent = np.full(len(taken), -1)
    program = columns.program.take(taken)
    for (language, seconds), messages in zip(whole.kinds, whole.messages, strict=True):
        rows = np.flatnonzero((program.language == language) & (program.seconds == seconds))
        if names and seconds > 0:
            agent[rows] = np.repeat(np.arange(len(names)), messages.astype(np.int64))[: len(rows)]
    return pl.Series([names[number] if number >= 0 else None for number in agent], dtype=pl.String)


def _prices(columns: ActionColumns, prices: LimitPrices, limits: ActionLimits) -> dict[str, float]:
    """The prices by the names of the limits, per USD and per minute."""
    named = {"contacts": prices.shared[0]} if limits.contacts else {}
    named["budget_usd"] = prices.shared[1] * 100
    per_second = prices.per_language(columns.limits)
    if limits.agents:
        is_written = columns.limits.writes.sum(axis=0) > 0
        named |= {
            f"minutes {language}": price * 60
            for language, price, written in zip(
                columns.languages, per_second, is_written, strict=False
            )
            if written
        }
    elif limits.minutes is not None:
        named["minutes"] = prices.seconds[0] * 60
    known = dict(zip(columns.actions, prices.shared[2:], strict=True))
    named |= {f"action {name}": known.get(name, 0.0) for name in limits.action_contacts}
    return {name: float(price) for name, price in named.items()}


def why_not_next(options: pl.DataFrame, choice: ActionChoice) -> pl.DataFrame:
    """The chosen rows with the best other option of the same buyer.

    Adds `next_order_id`, `next_action` and `next_value_usd`, null if the buyer has no other option.
    A next option that is worth more than the chosen one was held back by a limit: `next_limit` is
    the limit whose price speaks most against it (`contacts`, `budget_usd`, `minutes` or `action`),
    null if only whole amounts explain it.
    """
    key, columns = ["buyer_id", "order_id", "action"], ["value_usd", "budget_usd", "minutes"]
    used = [*columns, "message_language", "is_contact"]
    chosen = choice.chosen
    others = (
        options.join(chosen.select("buyer_id"), on="buyer_id", how="semi")
        .join(chosen.select(key), on=key, how="anti")
        .sort("value_usd", "order_id", "action", descending=[True, False, False])
        .unique("buyer_id", keep="first", maintain_order=True)
        .select("buyer_id", *(pl.col(name).alias(f"next_{name}") for name in [*key[1:], *used]))
    )
    both = chosen.join(others, on="buyer_id", how="left", maintain_order="left")
    more = {
        name: _limit_cost(name, "next_", choice.prices) - _limit_cost(name, "", choice.prices)
        for name in ("contacts", "budget_usd", "minutes", "action")
    }
    most = pl.max_horizontal(*more.values())
    is_held_back = (pl.col("next_value_usd") > pl.col("value_usd")) & (most > 0)
    limit = pl.coalesce(*(pl.when(cost == most).then(pl.lit(name)) for name, cost in more.items()))
    return both.with_columns(next_limit=pl.when(is_held_back).then(limit)).drop(
        *(f"next_{name}" for name in used[1:])
    )


def reduced_value(options: pl.DataFrame, prices: Mapping[str, float]) -> pl.Series:
    """The value of each option less what it uses of the limits, at their prices."""
    used = [
        _limit_cost(name, "", prices) for name in ("contacts", "budget_usd", "minutes", "action")
    ]
    return options.select(pl.col("value_usd") - pl.sum_horizontal(used)).to_series()


def _limit_cost(name: str, prefix: str, prices: Mapping[str, float]) -> pl.Expr:
    """What an option uses of one limit, at its price."""
    if name == "contacts":
        return pl.col(f"{prefix}is_contact").cast(pl.Float64) * prices.get("contacts", 0.0)
    if name == "budget_usd":
        return pl.col(f"{prefix}budget_usd") * prices.get("budget_usd", 0.0)
    column = "message_language" if name == "minutes" else name
    by_name = {
        key.removeprefix(f"{name} "): price
        for key, price in prices.items()
        if key.startswith(f"{name} ")
    }
    price = pl.col(f"{prefix}{column}").replace_strict(
        by_name, default=prices.get(name, 0.0), return_dtype=pl.Float64
    )
    return price * pl.col(f"{prefix}minutes") if name == "minutes" else price
