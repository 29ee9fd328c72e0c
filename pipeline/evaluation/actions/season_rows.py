"""The candidates of one season, with what depends on no policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.actions.action_options import CORRECTED_BY, risk_band
from models.actions.actions import Action
from pipeline.settings.action_settings import ActionSettings


@dataclass(frozen=True)
class SeasonRows:
    """The candidates of one season, sorted by night.

    `disputes` and `money` (rows, causes): the expected disputes, and what they cost. `costs` (rows,
    actions): of doing each action. `calm_usd` (rows): what a dispute costs, times the chance that
    none comes by itself. `cells` has the distinct stages and `CORRECTED_BY`; `cell` (rows) is the
    number of each row's.
    """

    rows: pl.DataFrame
    disputes: np.ndarray
    money: np.ndarray
    costs: np.ndarray
    calm_usd: np.ndarray
    cells: pl.DataFrame
    cell: np.ndarray

    @staticmethod
    def of(
        rows: pl.DataFrame, disputes: np.ndarray, money: np.ndarray, costs: np.ndarray
    ) -> SeasonRows:
        chance = disputes.sum(axis=1)
        dispute_usd = np.divide(
            money.sum(axis=1), chance, where=chance > 0, out=np.zeros_like(chance)
        )
        rows = rows.with_columns(risk_band=risk_band(pl.lit(pl.Series(chance)))).with_columns(
            pl.col(list(CORRECTED_BY)).cast(pl.String)
        )
        keys = rows.select("stage", *CORRECTED_BY)
        cells = keys.unique(maintain_order=True)
        number = keys.join(
            cells.with_row_index("cell"), on=keys.columns, how="left", maintain_order="left"
        )["cell"]
        calm = (1.0 - chance) * dispute_usd
        return SeasonRows(rows, disputes, money, costs, calm, cells, number.to_numpy())

    def part(self, start: int, end: int) -> SeasonRows:
        """The rows from `start` to before `end`."""
        arrays = ("rows", "disputes", "money", "costs", "calm_usd", "cell")
        return replace(self, **{name: getattr(self, name)[start:end] for name in arrays})

    def starts(self, nights: int) -> list[int]:
        """Where each part of so many nights begins, and the end."""
        day = self.rows["as_of_day"].to_numpy()
        first, last = (int(day[0]), int(day[-1])) if len(day) else (0, -1)
        return [int(n) for n in np.searchsorted(day, range(first, last + 1, nights))] + [len(day)]


def action_costs(
    rows: pl.DataFrame, actions: Sequence[Action], settings: ActionSettings
) -> np.ndarray:
    """(rows, actions): what each action costs in USD."""
    prices = settings.usd_a_minute, settings.automatic_usd
    costs = rows.select(action.cost_usd(*prices).alias(action.name) for action in actions)
    return costs.to_numpy().astype(np.float64)


def possible(rows: pl.DataFrame, actions: Sequence[Action]) -> np.ndarray:
    """(rows, actions): whether each action may be done."""
    return rows.select(f"may_{action.name}" for action in actions).to_numpy().astype(bool)


def is_costly(action: Action) -> bool:
    """Whether it takes an agent's time, money or goods."""
    cost = action.cost
    return action.minutes > 0.0 or cost.order_share + cost.goods_share + cost.fee_usd > 0.0
