"""ablation: what each family of features adds to the model on past nights, with an interval."""

from __future__ import annotations

from datetime import date

import polars as pl

from features.build.registry import FAMILIES, family_name
from models.comparison.paired_comparison import compare_scorers
from pipeline.evaluation.backtest import TOO_FEW
from pipeline.evaluation.comparison_table import declared_weight, order_weights
from pipeline.settings.config import Config
from pipeline.training.walk_forward import past_nights, walk
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "ablation.csv"
# nearest to the order first: a family's gain is what it adds to the families before it
ORDER = (
    *("order", "logistics", "lane", "product", "buyer", "store", "conversation", "season"),
    *("payment", "postal", "listing", "goods", "holiday", "flow"),
)
METRICS = ("auc", "average_precision", "log_loss")


def ablation(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write and return `ablation.csv`: three metrics as families are added one by one.

    Each family has its gain over the families before it, with an interval; a negative gain in log
    loss is an improvement. Delivered orders have their weight (`delivered_weight`).
    """
    tables = workspace.open_tables()
    with progress.piece("features"):
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
    families = {
        family_name(family): [feature.name for feature in family.FEATURES] for family in FAMILIES
    }
    probabilities, names = {}, list[str]()
    for family in ORDER:
        names += families[family]
        with progress.piece(f"+ {family}") as notes:
            rows = walk(tables, config, dataset, test, nights, names)
            probabilities[family] = rows["probability"].to_numpy()
            notes.append(f"{len(names)} features")
    weight = order_weights(tables, rows, declared_weight(workspace, config))
    comparison = compare_scorers(
        rows.with_columns(weight), probabilities, seed=config.seed, metrics=METRICS
    )
    result = comparison.rename({"scorer": "family_added"})
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    return result


def say_ablation(result: pl.DataFrame) -> None:
    """Print one line per family and metric."""
    for row in result.iter_rows(named=True):
        if row["value"] is None:
            say(f"+ {row['family_added']:<13} {row['metric']:<18} {TOO_FEW}")
            continue
        gain = ""
        if row["gain"] is not None:
            is_clear = row["gain_low"] > 0 or row["gain_high"] < 0
            gain = (
                f"   gain {row['gain']:+.4f} ({row['gain_low']:+.4f} to {row['gain_high']:+.4f})"
                f"{'' if is_clear else ': no more than chance'}"
            )
        say(
            f"+ {row['family_added']:<13} {row['metric']:<18} {row['value']:.3f} "
            f"({row['low']:.3f} to {row['high']:.3f}){gain}"
        )
