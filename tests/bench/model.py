"""Train, score and explain millions of order-nights: seconds, processor seconds and peak memory.

The matrix is made up: it has as many features as the registry; a third are whole numbers, a quarter
have missing values in a third of the rows, and a few carry the risk; 4 % of the rows are disputed,
with four nights per order. Time and memory depend on shape, bins and missing values, not on the
meaning of the numbers; docs/explanation/model.md reports the model's quality. The training table is
float32 with order, night, stage and label, as in `pipeline.training.train`, and the program's own
`fit_model` trains on it: bins, a draft with early stopping, and the final model. Seconds depend on
the machine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

TRAIN_ROWS, SCORE_ROWS, LISTED = 5_000_000, 1_000_000, 1_000
NIGHTS_AN_ORDER, STAGES = 4, ("before_shipment", "dispatch", "in_transit", "delivered")
# the targets on 2 cores: seconds, and GB where there is a memory target
TARGETS = {"train": (900.0, 10.0), "score": (60.0, None), "reasons": (10.0, None)}


def made_rows(count: int, seed: int, dtype: type[np.floating]) -> pl.DataFrame:
    """`count` labelled order-nights with every feature of the registry."""
    import polars as pl

    from features.build.registry import FEATURE_NAMES

    rng = np.random.default_rng(seed)
    stage = rng.choice(len(STAGES), count, p=[0.1, 0.05, 0.6, 0.25])
    columns: dict[str, pl.Series] = {}
    odds = np.full(count, -3.9, np.float32)
    for position, name in enumerate(FEATURE_NAMES):
        values = rng.standard_gamma(1.0, count, np.float32) * 3
        if position % 3 == 0:
            values = np.round(values)
        if position % 11 == 0:
            odds += (values - 3) * 0.12
        column = pl.Series(name, values.astype(dtype))
        if position % 4 == 1:
            column = column.zip_with(
                pl.Series(rng.random(count, np.float32) > 0.3),
                pl.Series([None], dtype=column.dtype),
            )
        columns[name] = column
    label = rng.random(count, np.float32) < 1 / (1 + np.exp(-odds))
    number = np.arange(count) // NIGHTS_AN_ORDER
    night = 20_000 + number * 700 // max(number[-1], 1) + np.arange(count) % NIGHTS_AN_ORDER
    return pl.DataFrame(
        {
            "order_id": pl.Series(number).cast(pl.String).str.zfill(9),
            "as_of_day": pl.Series(night, dtype=pl.Int32),
            "stage": pl.Series(stage).replace_strict(
                dict(enumerate(STAGES)), return_dtype=pl.String
            ),
            **columns,
            "label": pl.Series(label).cast(pl.Int8),
        }
    ).with_columns(order_count_units=pl.lit(1.0).cast(columns[FEATURE_NAMES[0]].dtype))


def train(folder: Path, count: int) -> Callable[[], object]:
    from features.build.registry import FEATURE_NAMES
    from models.learner.gbm import fit_model
    from pipeline.settings.config import Config

    rows = made_rows(count, 1, np.float32)

    def run() -> None:
        model = fit_model(rows, FEATURE_NAMES, Config().recipe)
        for name, text in zip(("booster", "rest"), model.to_text(), strict=True):
            (folder / name).write_text(text)

    return run


def score(folder: Path, count: int) -> Callable[[], object]:
    from models.learner.gbm import from_text

    rows, model = (
        made_rows(count, 2, np.float64),
        from_text(*((folder / n).read_text() for n in ("booster", "rest"))),
    )
    return lambda: model.predict_with_bounds(rows)


def reasons(folder: Path, count: int) -> Callable[[], object]:
    from features.build.registry import FEATURES
    from models.learner.gbm import from_text
    from models.reasons.explain import explain

    rows, model = (
        made_rows(count, 3, np.float64),
        from_text(*((folder / n).read_text() for n in ("booster", "rest"))),
    )
    return lambda: explain(model, rows, FEATURES)


STEPS = {"train": train, "score": score, "reasons": reasons}


def one(step: str, folder: Path, count: int) -> None:
    """Run one step in its own process.

    The rows are made before the clock starts, but they count in the peak memory.
    """
    import pipeline  # noqa: F401 - sets environment variables before polars is imported

    run = STEPS[step](folder, count)
    started, processor = time.perf_counter(), time.process_time()
    run()
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    sys.stdout.write(f"{seconds} {processor} {peak}\n")


def main(train_rows: int) -> None:
    with TemporaryDirectory() as folder:
        for step, count in (("train", train_rows), ("score", SCORE_ROWS), ("reasons", LISTED)):
            command = [sys.executable, __file__, step, folder, str(count)]
            output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            seconds, processor, peak = map(float, output.split())
            limit, memory = TARGETS[step]
            is_met = seconds <= limit and (memory is None or peak <= memory)
            target = f"{limit:.0f} s" + (f", {memory:.0f} GB" if memory else "")
            sys.stdout.write(
                f"{step:<8} {count:>9,} rows: {seconds:6.1f} s "
                f"({processor:.1f} processor seconds), peak {peak:.2f} GB; "
                f"target {target}: {'met' if is_met else 'MISSED'}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STEPS:
        one(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else TRAIN_ROWS)
