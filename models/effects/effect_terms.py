"""The unknowns of the effect model, and which of them act on which counts of disputes.

The disputes of a cell are Poisson with

    log E[observed] = log expected + calibration + effect            (actions)
    log E[observed] = log expected + calibration                     ("nothing": the hold-out)

where `exp(effect)` is the part of the disputes that is left: the share prevented is
1 - exp(effect), below 0 where the action does harm. Calibration (the model's error by stage, cause
and modifier) is common to all actions and the hold-out. The effect of (action, stage, cause) is its
assumption plus deviations, from the widest to the narrowest: the action's assumptions as a whole
are wrong; the action deviates in proportion to how uncertain each assumption is; the cell deviates
by itself; the modifiers; and, where only the first days are over, what these days overstate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from models.effects.assumed_shares import NOTHING, AssumedDelay, AssumedShare

CELL = ["action", "stage", "cause"]
# a level of a modifier that the counts do not have, such as a new store
NEW_LEVEL = "(new)"
# the level where a modifier is null
UNKNOWN_LEVEL = "unknown"
# the key of a term that acts on every row
ALL = "all"

Term = tuple[str, ...]
# row, column and value of the entries of a sparse matrix
Entries = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class EffectSettings:
    """Standard deviations on the log scale.

    `assumption_errors`: how far the assumptions of an action may be off as a whole; each value is
    tried, and counts as the data of all actions support it. `pooled_part`: the part of an
    assumption's variance that the cells of an action share; the larger, the more cells learn from
    each other. `spread_factor` multiplies the spread of each assumption. `calibration_spread`: of
    the model's error by stage and cause; `level_spread`: by the level of a modifier, which the
    model knows. `modifier_spread`: of the effect of a modifier on an action.
    """

    assumption_errors: Sequence[float] = (0.0, 0.15, 0.4, 1.0)
    pooled_part: float = 0.5
    spread_factor: float = 1.0
    calibration_spread: float = 0.3
    level_spread: float = 0.15
    modifier_spread: float = 0.2
    least_spread: float = 0.1


# For choosing. A season shows an effect to 5 to 15 points, which is more than most effects are, so
# it may not move an assumption by much, unless an action does something else altogether, such as
# great harm; what it shows at one stage holds at the others more than not. Stores differ by less
# than the assumptions may be off (an assumption). How the others were chosen:
# docs/experiments/2026-11-27-replay-of-actions.md
CAUTIOUS = EffectSettings(
    assumption_errors=(0.0, 0.05, 1.0),
    pooled_part=0.9,
    spread_factor=0.3,
    least_spread=0.02,
    modifier_spread=0.03,
)
# for reports: the data almost alone, whatever was assumed
MEASURED = EffectSettings(assumption_errors=(1.0,))


@dataclass(frozen=True)
class EffectTerms:
    """The unknowns (`index`: term -> column), and the assumptions they deviate from.

    `cells` has one row per assumed (action, stage, cause): `log_left, spread`. `levels` has the
    known levels of each modifier that acts on the calibration; of those, `modifiers` also act on
    the effects.
    """

    cells: pl.DataFrame
    delays: Mapping[tuple[str, str], AssumedDelay]
    levels: Mapping[str, Sequence[str]]
    modifiers: Sequence[str]
    settings: EffectSettings
    index: Mapping[Term, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        priors: Mapping[tuple[str, str, str], AssumedShare],
        delays: Mapping[tuple[str, str], AssumedDelay],
        levels: Mapping[str, Sequence[str]],
        modifiers: Sequence[str],
        settings: EffectSettings,
    ) -> EffectTerms:
        """The terms of the assumed cells and of the levels of the modifiers."""
        spread = settings.least_spread, settings.spread_factor
        rows = [(*key, *priors[key].log_left(*spread)) for key in sorted(priors)]
        schema = dict.fromkeys(CELL, pl.String) | dict.fromkeys(["log_left", "spread"], pl.Float64)
        cells = pl.DataFrame(rows, schema=schema, orient="row")
        pairs = {(stage, cause) for _, stage, cause in priors}
        actions, causes = {key[0] for key in priors}, {(key[0], key[2]) for key in priors}
        named = {name: [(name, level) for level in (*levels[name], NEW_LEVEL)] for name in levels}
        terms: list[Term] = [("common", ALL), *(("calibration", *pair) for pair in sorted(pairs))]
        terms += [("level", *level) for name in levels for level in named[name]]
        terms += [("shared", *level) for name in modifiers for level in named[name]]
        for action in sorted(actions):
            terms += [("assumption", action), ("action", action)]
            terms += [("modifier", action, *level) for name in modifiers for level in named[name]]
        terms += [("cell", *key) for key in sorted(priors)]
        terms += [("delay", *key) for key in sorted(causes)]
        index = {term: number for number, term in enumerate(terms)}
        return cls(cells, delays, levels, tuple(modifiers), settings, index)

    def spreads(self, assumption_error: float) -> np.ndarray:
        """The prior standard deviation of each term."""
        # half of the variance of the calibration is common to all cells
        calibration = self.settings.calibration_spread * sqrt(0.5)
        by_kind = {
            "common": calibration,
            "calibration": calibration,
            "level": self.settings.level_spread,
            "assumption": assumption_error,
            "action": 1.0,
            "cell": 1.0,
            # half of the variance of a modifier is common to all actions
            "shared": self.settings.modifier_spread * sqrt(0.5),
            "modifier": self.settings.modifier_spread * sqrt(0.5),
        }
        return np.array(
            [by_kind[t[0]] if t[0] in by_kind else self._delay(t).spread for t in self.index]
        )

    def means(self, assumption_error: float) -> np.ndarray:
        """The prior mean of each term. An error of the assumptions keeps the mean share."""
        by_kind = {"assumption": -(assumption_error**2) / 2.0}
        return np.array(
            [
                self._delay(t).log_ratio if t[0] == "delay" else by_kind.get(t[0], 0.0)
                for t in self.index
            ]
        )

    def _delay(self, term: Term) -> AssumedDelay:
        return self.delays.get((term[1], term[2]), AssumedDelay())

    def effects_of(self, rows: pl.DataFrame) -> tuple[np.ndarray, csr_array]:
        """The assumed log(1 - share) of each row, and the terms of its effect.

        `rows` has `action, stage, cause`, the modifiers and, if some rows are early reads,
        `is_ended`.
        """
        rows = rows.join(self.cells, on=CELL, how="left", maintain_order="left")
        missing = rows.filter(pl.col("action") != NOTHING, pl.col("log_left").is_null())
        if missing.height:
            cell = ", ".join(missing.select(CELL).row(0))
            raise ValueError(f"no assumed share for ({cell}): add it to the effects of the action")
        spread, part = rows["spread"].fill_null(0.0).to_numpy(), self.settings.pooled_part
        parts = [
            self._entries(rows, "assumption", ["action"]),
            self._entries(rows, "action", ["action"], spread * sqrt(part)),
            self._entries(rows, "cell", CELL, spread * sqrt(1.0 - part)),
        ]
        is_action = rows["action"].ne(NOTHING).cast(pl.Float64).to_numpy()
        parts += [self._level_entries(rows, "modifier", ["action"], m) for m in self.modifiers]
        parts += [self._level_entries(rows, "shared", [], m, is_action) for m in self.modifiers]
        if "is_ended" in rows.columns:
            is_early = (~rows["is_ended"]).cast(pl.Float64).to_numpy()
            parts.append(self._entries(rows, "delay", ["action", "cause"], is_early))
        return rows["log_left"].fill_null(0.0).to_numpy(), self._sparse(parts, rows.height)

    def calibration_of(self, rows: pl.DataFrame) -> csr_array:
        """The terms of the model's calibration that act on each row."""
        parts = [
            self._entries(rows.with_columns(every=pl.lit(ALL)), "common", ["every"]),
            self._entries(rows, "calibration", ["stage", "cause"]),
        ]
        parts += [self._level_entries(rows, "level", [], name) for name in self.levels]
        return self._sparse(parts, rows.height)

    def _level_entries(
        self,
        rows: pl.DataFrame,
        kind: str,
        names: list[str],
        modifier: str,
        values: np.ndarray | None = None,
    ) -> Entries:
        """The entries of a modifier's terms. A level without a term counts as new."""
        level = pl.col(modifier).cast(pl.String)
        known = pl.when(level.is_in(list(self.levels[modifier]))).then(level)
        keyed = rows.with_columns(modifier=pl.lit(modifier), level=known.fill_null(NEW_LEVEL))
        return self._entries(keyed, kind, [*names, "modifier", "level"], values)

    def _entries(
        self, rows: pl.DataFrame, kind: str, names: list[str], values: np.ndarray | None = None
    ) -> Entries:
        """The entries of the terms (kind, *names). A row without such a term has none."""
        keys = [(*term[1:], number) for term, number in self.index.items() if term[0] == kind]
        schema = dict.fromkeys(names, pl.String) | {"column": pl.Int64}
        terms = pl.DataFrame(keys, schema=schema, orient="row")
        column = rows.select(names).join(terms, on=names, how="left", maintain_order="left")[
            "column"
        ]
        row = column.is_not_null().arg_true().to_numpy()
        value = np.ones(rows.height) if values is None else values
        return row, column.drop_nulls().to_numpy(), value[row]

    def _sparse(self, parts: list[Entries], height: int) -> csr_array:
        row, column, value = (np.concatenate(each) for each in zip(*parts, strict=True))
        return csr_array((value, (row, column)), shape=(height, len(self.index)))
