"""The signs that a list of fixed rules uses: how much more often orders with a sign are disputed.

Orders with a sign are compared with other orders of their stage, in real data and in simulated
stores. The ranking of the list is then tested on stores that were not used to measure the signs.

PYTHONPATH=. python tests/bench/signs.py [OLIST] [ORDERS]
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from features.clock import day_number, last_matured_day
from models.learner.training_rows import label_rows
from models.reasons.baseline import rule_scores
from models.reasons.risk_rules import OF_STAGE, SIGNS
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config, load_config
from pipeline.simulation.simulate import simulate
from pipeline.training.fitting import training_dataset
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

OLIST, ORDERS = "../shared/data/olist", 40_000
FIRST, DAYS, STORE_END, OLIST_END = date(2024, 1, 1), 600, date(2025, 9, 1), date(2018, 8, 15)
# real orders: the earlier nights are for measuring and the later ones for testing
OLIST_SPLIT = date(2018, 3, 1)
MEASURED, TESTED = 7, 8
# the share of the rows that counts as the top of the list
TOP = 0.05


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def order_nights(workspace: Workspace, config: Config, end: date) -> tuple[pl.DataFrame, float]:
    """Labelled order-nights with features, and the share of orders that were ever disputed."""
    tables = workspace.read_tables()
    day = day_number(end)
    rows = training_dataset(
        tables, config, last_matured_day(day, config.horizon_days, config.reporting_delay_days)
    )
    disputed = tables["disputes"].filter(step="opened")["order_id"].n_unique()
    return label_rows(tables, rows, config.label_window, day), disputed / tables["orders"].height


def simulated(folder: Path, orders: int, seed: int) -> tuple[pl.DataFrame, float]:
    workspace = Workspace(folder / f"seed-{seed}")
    config = load_config(workspace.folder).model_copy(update={"seed": seed})
    with workspace.locked():
        raw = simulate(workspace, config, Progress(), orders=orders, first=FIRST, days=DAYS)
        ingest(workspace, config, Progress(), source="canonical", raw=raw)
        return order_nights(workspace, config, STORE_END)


def real(folder: Path, olist: Path) -> tuple[pl.DataFrame, float]:
    workspace = Workspace(folder / "olist")
    config = load_config(workspace.folder)
    with workspace.locked():
        ingest(workspace, config, Progress(), source="olist", raw=olist)
        return order_nights(workspace, config, OLIST_END)


def measure(rows: pl.DataFrame) -> dict[str, tuple[int, float]]:
    """For each sign: the number of order-nights with it, and their disputes relative to those that
    the base rates of their stages give."""
    with_rate = rows.with_columns(usual=pl.col("label").mean().over("stage"))
    measured = {}
    for sign in SIGNS:
        with_sign = with_rate.filter(sign.when.fill_null(False))
        usual = float(with_sign["usual"].sum())
        ratio = int(with_sign["label"].sum()) / usual if usual else float("nan")
        measured[sign.name] = (with_sign.height, ratio)
    return measured


def test(name: str, rows: pl.DataFrame, rate: float) -> None:
    scores, label = rule_scores(rows), rows["label"]
    say(f"\n{name}: {rows.height:,} order-nights, {label.mean():.3f} disputed")
    for rule in scores.columns:
        auc = roc_auc_score(label, scores[rule])
        precision = average_precision_score(label, scores[rule])
        say(f"  {rule:<22} AUC {auc:.3f}  AP {precision:.4f}")
    predicted = scores.select((pl.col("strongest_sign") * rate).clip(upper_bound=0.5)).to_series()
    top = (
        rows.with_columns(predicted=predicted)
        .sort("predicted", "order_id", descending=[True, False])
        .head(int(rows.height * TOP))
    )
    say(
        f"  share disputed: {predicted.mean():.3f} predicted, {label.mean():.3f} realised; in "
        f"the top {TOP:.0%}: {top['predicted'].mean():.3f} predicted, "
        f"{top['label'].mean():.3f} realised"
    )


def main(olist: Path, orders: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = {seed: simulated(Path(folder), orders, seed) for seed in (MEASURED, TESTED)}
        measured = {"simulated": measure(stores[MEASURED][0])}
        tests = {"a simulated store that was not measured": stores[TESTED]}
        if olist.is_dir():
            rows, rate = real(Path(folder), olist)
            is_early = pl.col("as_of_day") < day_number(OLIST_SPLIT)
            measured = {"real": measure(rows.filter(is_early)), **measured}
            tests["real orders, later nights"] = rows.filter(~is_early), rate
        else:
            say(f"{olist} does not exist: only simulated stores are measured")
    for sign in SIGNS:
        parts = [
            f"{name} {signs[sign.name][1]:.2f} ({signs[sign.name][0]:,})"
            for name, signs in measured.items()
        ]
        say(f"{sign.name:<30} shipped {sign.times:.1f}; measured: {', '.join(parts)}")
    rows, rate = stores[MEASURED]
    for stage, times in OF_STAGE.items():
        share = rows.filter(stage=stage)["label"].mean()
        say(f"{stage:<30} shipped {times:.1f}; simulated: {share / rate:.2f} of the store's rate")
    for name, (tested, rate) in tests.items():
        test(name, tested, rate)


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else OLIST),
        int(sys.argv[2]) if len(sys.argv) > 2 else ORDERS,
    )
