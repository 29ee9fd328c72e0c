"""How much better is the model with more order-nights? Judged by the true risk of later nights.

    python tests/bench/learning_curve.py WORKSPACE OUT.parquet [ROWS ...]

WORKSPACE is a simulated, loaded store. Models learn from what had matured by one day and score
nights after it. "nights" samples order-nights of all orders, as training does; "orders" takes all
nights of a sample of the orders. The smaller samples are parts of the larger ones. OUT gets one row
per scored order-night and model, OUT with .csv one row per model.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import polars.selectors as cs

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from features.labels import disputed_orders
from features.spine import build_spine, sample_spine
from models.learner.gbm import DisputeModel, fit_model
from models.learner.training_rows import label_rows, learnable
from pipeline.engines.engine import build_features
from pipeline.settings.config import Config, load_config
from pipeline.simulation.true_risk import read_world, true_risk
from pipeline.training.fitting import ROWS_AT_ONCE, training_dataset
from pipeline.training.walk_forward import matured_by, newest_day
from pipeline.workspace.workspace import Workspace
from tests.bench.true_measures import measure

ROWS = (50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)
# days of the store's history: the model's day, and the nights that it scores
TRAINED, SCORED = 600, (602, 614, 626, 638, 650, 662)
MOST_TRUE = 12_000


class Curve:
    """The store, its scored nights and their true risk."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.config = Workspace(folder), load_config(folder)
        self.tables = self.workspace.read_tables()
        self.first = day_number(read_world(self.workspace).first_day)
        self.day = self.first + TRAINED
        test = self._scored()
        self.test = test.gather_every(-(-test.height // MOST_TRUE))
        horizon = self.config.horizon_days
        self.truth = true_risk(self.workspace, self.test, horizon)["true_risk"].to_numpy()

    def _scored(self) -> pl.DataFrame:
        spine = build_spine(
            self.tables, [self.first + day for day in SCORED], self.config.dispute_window
        )
        rows = self._labelled(build_features(self.tables, spine, self.config), None)
        return rows.sort("as_of_day", "order_id")

    def _labelled(self, rows: pl.DataFrame, day: int | None) -> pl.DataFrame:
        known_by = newest_day(self.tables) if day is None else day
        return learnable(label_rows(self.tables, rows, self.config.label_window, known_by))

    def by_nights(self, most: int) -> pl.DataFrame:
        """About `most` order-nights of all orders, in an order that does not depend on them."""
        config = self.config.model_copy(update={"max_training_rows": most})
        dataset = training_dataset(self.tables, config, matured_by(self.day, config))
        return shuffled(self._labelled(dataset, self.day), config)

    def by_orders(self, most: int) -> pl.DataFrame:
        """All nights of a sample of the orders, one order after the other."""
        config, last = self.config, matured_by(self.day, self.config)
        spine = sample_spine(
            self.tables, first_day=self.first, last_day=last, max_rows=10**9, seed=config.seed,
            window=config.dispute_window,
        )  # fmt: skip
        orders = (
            spine["order_id"]
            .unique(maintain_order=True)
            .sample(fraction=1.0, shuffle=True, seed=config.seed)
        )
        ranks = pl.DataFrame({"order_id": orders}).with_row_index("rank")
        spine = spine.join(ranks, on="order_id").sort("rank", "as_of_day").head(most).drop("rank")
        parts = [
            build_features(self.tables, spine[start : start + ROWS_AT_ONCE], config).with_columns(
                cs.float().cast(pl.Float32)
            )
            for start in range(0, spine.height, ROWS_AT_ONCE)
        ]
        rows = self._labelled(pl.concat(parts), self.day)
        return rows.join(ranks, on="order_id").sort("rank", "as_of_day").drop("rank")

    def line(self, model: DisputeModel, seconds: float, rows: pl.DataFrame) -> dict[str, float]:
        """The figures of one model."""
        score = model.predict(self.test)
        return {
            "rows": rows.height,
            "orders": rows["order_id"].n_unique(),
            "disputed": disputed_orders(rows),
            "processor_seconds": seconds,
            "rounds": model.booster.num_trees(),
        } | measure(score, self.test["label"].to_numpy(), self.truth, 1)


def shuffled(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    return rows.sample(fraction=1.0, shuffle=True, seed=config.seed)


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    sizes = [int(text) for text in sys.argv[3:]] or list(ROWS)
    curve, lines, scores = Curve(folder), list[dict[str, object]](), list[pl.DataFrame]()
    base = curve.test.select("order_id", "as_of_day", "stage", "label")
    base = base.with_columns(truth=pl.Series(curve.truth))
    for way, sample in (("nights", curve.by_nights), ("orders", curve.by_orders)):
        rows = sample(max(sizes))
        for size in sizes:
            part = rows.head(size)
            # noise of the training: two seeds where that is cheap
            for seed in (7, 8) if size <= 500_000 else (7,):
                start = time.process_time()
                recipe = replace(curve.config.recipe, threads=1, seed=seed)
                model = fit_model(part, FEATURE_NAMES, recipe)
                seconds = time.process_time() - start
                key = {"way": way, "asked": size, "seed": seed}
                lines.append(key | curve.line(model, seconds, part))
                score = pl.Series(model.predict(curve.test))
                named = [pl.lit(value).alias(name) for name, value in key.items()]
                scores.append(base.with_columns(*named, score=score))
                pl.concat(scores).write_parquet(out)
                pl.DataFrame(lines).write_csv(out.with_suffix(".csv"))
        del rows


if __name__ == "__main__":
    main()
