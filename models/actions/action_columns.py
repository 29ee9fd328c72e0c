"""The options and limits of a night as the columns and limits of a program.

Money becomes whole cents and time whole seconds. Options that no choice can contain are left out:
worth too little, more expensive than the budget, or without an agent who can do them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.actions.action_program import ProgramColumns, ProgramLimits
from models.actions.agents import Agent

NUMBERS = ("value_usd", "budget_usd", "minutes")
# what rounding leaves of a cent or a second, such as 0.1 + 0.2
ROUNDING = 1e-6


@dataclass(frozen=True)
class ActionLimits:
    """The limits of one night.

    Parameters
    ----------
    contacts : most actions that reach a buyer; 0 is no limit
    budget_usd : most money given away in offers
    minutes : agents' minutes in all, if no agents are named; None is no limit
    agents : who writes which languages for how many minutes; then `minutes` does not apply
    action_contacts : most of each action; an action that is not named has no limit
    least_worth_usd : a row worth less is not listed
    """

    contacts: int = 0
    budget_usd: float = 0.0
    minutes: float | None = None
    agents: Sequence[Agent] = ()
    action_contacts: Mapping[str, int] = field(default_factory=dict)
    least_worth_usd: float = 0.25


@dataclass(frozen=True)
class ActionColumns:
    """The program of a night, and the meaning of its columns.

    `rows` has the position of each column in the options, `rank` its position by order and action.
    """

    program: ProgramColumns
    limits: ProgramLimits
    rows: np.ndarray
    rank: np.ndarray
    actions: list[str]
    languages: list[str]


def action_columns(options: pl.DataFrame, limits: ActionLimits) -> ActionColumns:
    """The options that a choice may contain, those of a buyer next to each other."""
    _check(options)
    actions = options["action"].unique().sort().to_list()
    languages = options["message_language"].drop_nulls().unique().sort().to_list()
    seconds, writes = _agents_time(limits, languages)
    counts = [limits.action_contacts.get(name, np.inf) for name in actions]
    cents_limit = np.floor(limits.budget_usd * 100 + ROUNDING)
    longest = np.where(writes, seconds[:, None], 0.0).max(axis=0, initial=0.0)
    is_worth_it = (pl.col("value_usd") >= limits.least_worth_usd) & (pl.col("value_usd") > 0)
    coded = _coded(options.with_row_index("position").filter(is_worth_it), actions, languages)
    possible = coded.filter(
        pl.col("cents") <= cents_limit,
        pl.lit(pl.Series(np.array(counts) >= 1)).gather(pl.col("action")),
        pl.lit(len(seconds) == 0)
        | (pl.col("seconds") == 0)
        | (pl.col("seconds") <= pl.lit(pl.Series(longest)).gather(pl.col("language"))),
    )
    by_buyer = _in_order(possible).with_row_index("rank").sort("buyer", maintain_order=True)
    program = ProgramColumns(
        *(
            by_buyer[name].to_numpy()
            for name in ("value", "buyer", "is_contact", "cents", "seconds", "action", "language")
        )
    )
    shared = np.array([limits.contacts or np.inf, cents_limit, *counts], dtype=np.float64)
    program_limits = ProgramLimits(shared, _usable(seconds, writes, program), writes)
    rows, rank = by_buyer["position"].to_numpy(), by_buyer["rank"].to_numpy()
    return ActionColumns(program, program_limits, rows, rank, actions, languages)


def _check(options: pl.DataFrame) -> None:
    """Refuse a number that would be chosen, or left out, silently."""
    is_right = {
        name: pl.col(name).cast(pl.Float64).is_finite().fill_null(False)
        & ((pl.col(name) >= 0) if name != "value_usd" else True)
        for name in NUMBERS
    }
    are_right = options.select(each.all().alias(name) for name, each in is_right.items())
    for name in [name for name in NUMBERS if not are_right[name].item()]:
        wrong = options.filter(~is_right[name]).row(0, named=True)
        allowed = "a finite number" if name == "value_usd" else "a finite number from 0"
        raise ValueError(
            f"options, order {wrong['order_id']}, action {wrong['action']}: {name} is "
            f"{wrong[name]}; allowed: {allowed}"
        )
    for name in ("buyer_id", "order_id", "action", "is_contact"):
        if count := options[name].null_count():
            raise ValueError(f"options: {name} is missing in {count} rows; every row needs it")


def _coded(options: pl.DataFrame, actions: list[str], languages: list[str]) -> pl.DataFrame:
    """The options as numbers; a null language has the number after the last."""

    def whole(name: str, factor: int) -> pl.Expr:
        amount = pl.col(name).cast(pl.Float64) * factor
        return (amount - ROUNDING).ceil().clip(0).cast(pl.Int64)

    def code(name: str, values: list[str]) -> pl.Expr:
        return pl.col(name).cast(pl.Enum(values)).to_physical().cast(pl.Int16)

    return options.select(
        "position",
        "buyer_id",
        "order_id",
        value=pl.col("value_usd").cast(pl.Float64),
        is_contact=pl.col("is_contact"),
        cents=whole("budget_usd", 100),
        seconds=whole("minutes", 60),
        action=code("action", actions),
        language=code("message_language", languages).fill_null(len(languages)),
    )


def _in_order(coded: pl.DataFrame) -> pl.DataFrame:
    """Sorted by order and action, with each buyer's number by first row: the same for any input
    order."""
    before, action_before = pl.col("order_id").shift(1), pl.col("action").shift(1)
    is_after = (pl.col("order_id") > before) | (
        (pl.col("order_id") == before) & (pl.col("action") >= action_before)
    )
    if not coded.select(is_after.all(ignore_nulls=True)).item():
        coded = coded.sort("order_id", "action", maintain_order=True)
    buyers = coded.select(pl.col("buyer_id").unique(maintain_order=True)).with_row_index("buyer")
    coded = coded.drop("order_id").join(buyers, on="buyer_id", how="left", maintain_order="left")
    return coded.drop("buyer_id").with_columns(pl.col("buyer").cast(pl.Int64))


def _agents_time(limits: ActionLimits, languages: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each agent, and which languages each writes; the last is for any agent."""
    agents = list(limits.agents)
    minutes = [agent.minutes for agent in agents]
    writes = [[name in agent.languages for name in languages] + [True] for agent in agents]
    if not agents and limits.minutes is not None:
        minutes, writes = [limits.minutes], [[True] * (len(languages) + 1)]
    seconds = np.floor(np.array(minutes, dtype=np.float64) * 60 + ROUNDING)
    return seconds, np.array(writes, dtype=bool).reshape(len(minutes), len(languages) + 1)


def _usable(seconds: np.ndarray, writes: np.ndarray, program: ProgramColumns) -> np.ndarray:
    """The part of each agent's seconds that messages can fill.

    If all messages take 120 seconds, 500 seconds are as good as 480. This brings the linear program
    closer to whole messages.
    """
    usable, span = seconds.copy(), int(program.seconds.max(initial=0)) + 1
    kinds = np.unique(program.language.astype(np.int64) * span + program.seconds)
    for agent, languages in enumerate(writes):
        lengths = kinds[languages[kinds // span]] % span
        if step := int(np.gcd.reduce(lengths, initial=0)):
            usable[agent] = seconds[agent] // step * step
    return usable
