"""A simulated store, and its tables after any set of messages by the potential outcomes."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

FIRST, DAYS = date(2022, 1, 1), 1_480
STRONG = 0.9
# the columns of a dispute that a message provokes or moves
DISPUTE_STEP = {"step": "opened", "cause": "other", "actor": "buyer"}


class Store:
    """A simulated store of `orders` orders and their potential outcomes.

    `is_strong`: every message removes the share `STRONG` of the hazard, instead of the simulated
    effects.
    """

    def __init__(self, orders: int, capacity: int, is_strong: bool):
        from pipeline.load.ingest import ingest
        from pipeline.settings.config import Config, load_config
        from pipeline.settings.list_settings import Decide
        from pipeline.simulation.simulate import simulate
        from pipeline.simulation.true_risk import order_number, read_truth
        from pipeline.workspace.progress import Progress
        from pipeline.workspace.workspace import Workspace

        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace(Path(folder))
            config, progress = load_config(workspace.folder), Progress()
            raw = simulate(workspace, config, progress, orders=orders, first=FIRST, days=DAYS)
            with workspace.locked():
                config = load_config(workspace.folder)
                ingest(workspace, config, progress, source="canonical", raw=raw)
            self.tables, self.truth = workspace.read_tables(), read_truth(workspace)
            self.number = order_number(
                workspace, self.tables["orders"]["order_id"], self.truth.orders.height
            )
        self.ids = dict(zip(self.tables["orders"]["order_id"], self.number.tolist(), strict=True))
        effects = self.truth.effects
        self.effects = np.full_like(effects, STRONG) if is_strong else effects
        decide = Decide(capacity=capacity)
        self.config = Config(max_training_rows=60_000, decide=decide)

    def dispute_days(self, contact_day: np.ndarray) -> np.ndarray:
        """The day on which each order is disputed, given these messages; -1 if never."""
        from pipeline.simulation.world.truth import outcome

        orders = self.truth.orders
        opened, _ = outcome(
            self.truth.days,
            orders["threshold"].to_numpy(),
            orders["which_cause"].to_numpy(),
            self.effects,
            contact_day,
        )
        return opened

    def tables_with(self, contact_day: np.ndarray):
        """The tables of a store that contacted these orders on these days."""
        from features.tables import create_tables

        before = self.dispute_days(np.full_like(contact_day, -1))
        after = self.dispute_days(contact_day)
        changed = np.flatnonzero(before != after)
        number = pl.col("order_id").replace_strict(self.ids, return_dtype=pl.Int64)
        frames = {
            name: frame.select(pl.exclude("occurred_day", "known_day"))
            for name, frame in self.tables.frames.items()
        }
        disputes = frames["disputes"].filter(~number.is_in(changed.tolist()))
        moved = changed[after[changed] >= 0]
        new = self._facts(moved, after[moved]).with_columns(
            step_id=pl.concat_str(pl.lit("n"), "order_id"),
            dispute_id=pl.concat_str(pl.lit("n"), "order_id"),
            **{name: pl.lit(value) for name, value in DISPUTE_STEP.items()},
        )
        frames["disputes"] = pl.concat([disputes, new], how="diagonal_relaxed").select(
            disputes.columns
        )
        contacted = np.flatnonzero(contact_day >= 0)
        contacts = self._facts(contacted, contact_day[contacted]).with_columns(
            contact_id=pl.col("order_id")
        )
        frames["contacts"] = pl.concat([frames["contacts"], contacts], how="diagonal_relaxed")
        return create_tables(frames, zone=self.tables.zone)

    def _facts(self, number: np.ndarray, day: np.ndarray) -> pl.DataFrame:
        from features.clock import calendar_day, to_utc

        names = {n: order_id for order_id, n in self.ids.items()}
        noon = pl.Series(
            [f"{calendar_day(int(d))} 12:00:00" for d in day], dtype=pl.String
        ).str.to_datetime()
        at = pl.DataFrame({"at": noon}).select(to_utc(pl.col("at"), self.tables.zone))["at"]
        return pl.DataFrame(
            {"order_id": [names[int(n)] for n in number], "occurred_at": at, "known_at": at},
            schema_overrides={"order_id": pl.String},
        )
