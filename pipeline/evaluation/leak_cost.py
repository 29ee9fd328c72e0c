"""leak-cost: how much common leaks of the future would have inflated the results on past nights."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from features.build.registry import FEATURE_NAMES, build_features
from features.clock import start_of_day
from features.tables import TABLES, Tables, create_tables
from models.comparison.paired_comparison import compare_scorers
from models.learner.training_rows import label_rows
from pipeline.evaluation.backtest import TOO_FEW
from pipeline.settings.config import Config
from pipeline.training.walk_forward import newest_day, past_nights, walk
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "leak_cost.csv"
KEY = ["order_id", "as_of_day"]
TARGET_ENCODING = "target encoding over the whole table"
ENCODED = ("product_id", "supplier_id", "buyer_id", "lane")


def leak_cost(
    workspace: Workspace, config: Config, progress: Progress, *, first: date, last: date, every: int
) -> pl.DataFrame:
    """Write and return `leak_cost.csv`: AUC and average precision with each mistake, and without.

    All runs use the same rows, labels, nights and model; only the features see the future.
    """
    tables = workspace.open_tables()
    with progress.piece("honest"):
        nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
        rows = walk(tables, config, dataset, test, nights)
    claimed = {"honest": rows["probability"].to_numpy()}
    spines = [
        part.select(*KEY, as_of=start_of_day(pl.col("as_of_day"), tables.zone))
        for part in (dataset, test)
    ]
    for mistake, leaky in leaky_tables(tables).items():
        with progress.piece(mistake):
            leaky_train, leaky_test = (build_features(leaky, spine) for spine in spines)
            leaky_rows = walk(tables, config, leaky_train, leaky_test, nights)
            claimed[mistake] = leaky_rows["probability"].to_numpy()
    with progress.piece(TARGET_ENCODING):
        # training rows hold float32, rows to score hold float64
        test = test.cast(dict(dataset.schema))  # type: ignore[arg-type]
        whole = pl.concat([dataset, test])
        leaky_train, leaky_test = (
            _add_encoded(tables, config, part, whole) for part in (dataset, test)
        )
        names = [*FEATURE_NAMES, *(f"whole_table_{entity}" for entity in ENCODED)]
        leaky_rows = walk(tables, config, leaky_train, leaky_test, nights, names)
        claimed[TARGET_ENCODING] = leaky_rows["probability"].to_numpy()
    result = _compare_with_honest(rows, claimed, config.seed)
    write_whole(workspace.folder / RESULT, result.write_csv(float_precision=5))
    return result


def _compare_with_honest(
    rows: pl.DataFrame, claimed: dict[str, np.ndarray], seed: int
) -> pl.DataFrame:
    """One row per mistake and metric, with the gain over the honest model."""
    honest = compare_scorers(rows, {"honest": claimed["honest"]}, seed=seed)
    others = [
        compare_scorers(rows, {"honest": claimed["honest"], mistake: score}, seed=seed)[
            honest.height :
        ]
        for mistake, score in claimed.items()
        if mistake != "honest"
    ]
    return pl.concat([honest, *others]).rename({"scorer": "mistake"})


def leaky_tables(tables: Tables) -> dict[str, Tables]:
    """The tables as each mistake reads them."""
    canonical = {name: tables[name].select(list(table.schema)) for name, table in TABLES.items()}

    def read(frames: dict[str, pl.DataFrame]) -> Tables:
        return tables.with_frames(create_tables(frames, zone=tables.zone).frames)

    by_event = {
        name: frame.with_columns(known_at="occurred_at") for name, frame in canonical.items()
    }
    a_day_early = {
        name: frame.with_columns(pl.col("known_at").dt.offset_by("-1d"))
        for name, frame in canonical.items()
    }
    # an export's status column shows the order as of the export, so every past night sees the same
    # status
    placed = tables["orders"].select("order_id", placed_at="known_at")
    status_tables = {"tracking", "shipments", "order_events"}
    status = {
        name: frame.join(placed, on="order_id").with_columns(known_at="placed_at").drop("placed_at")
        if name in status_tables
        else frame
        for name, frame in canonical.items()
    }
    return {
        "event time instead of known time": read(by_event),
        "facts of the night's own day (<=)": read(a_day_early),
        "the order's status as exported": read(status),
    }


def _add_encoded(
    tables: Tables, config: Config, rows: pl.DataFrame, whole: pl.DataFrame
) -> pl.DataFrame:
    """`rows` with the mean label of their product, supplier, buyer and lane.

    The means are over all order-nights, including the row's own.
    """
    first_line = (
        tables["order_lines"]
        .sort("order_id", "line_id")
        .group_by("order_id", maintain_order=True)
        .first()
    )
    entities = tables["orders"].select("order_id", "buyer_id", "lane")
    entities = entities.join(
        first_line.select("order_id", "product_id", "supplier_id"), on="order_id", how="left"
    )
    labelled = label_rows(
        tables, whole.select(*KEY), config.label_window, newest_day(tables)
    ).unique(KEY)
    labelled = labelled.join(entities, on="order_id")
    encoded = rows.join(entities, on="order_id", how="left", maintain_order="left")
    for entity in ENCODED:
        means = labelled.group_by(entity).agg(
            pl.col("label").mean().cast(pl.Float64).alias(f"whole_table_{entity}")
        )
        encoded = encoded.join(means, on=entity, how="left", maintain_order="left")
    return encoded.drop(ENCODED)


def say_leak_cost(result: pl.DataFrame) -> None:
    """Print one line per mistake."""
    for mistake in result["mistake"].unique(maintain_order=True):
        rows = result.filter(pl.col("mistake") == mistake)
        by_metric = {row["metric"]: row for row in rows.iter_rows(named=True)}
        auc, precision = by_metric["auc"], by_metric["average_precision"]
        if auc["value"] is None:
            say(f"{mistake:<38} {TOO_FEW}")
            continue
        gain = precision["gain"]
        claim = "" if gain is None else f"   false gain of {gain:+.3f} average precision"
        say(f"{mistake:<38} AUC {auc['value']:.3f}  AP {precision['value']:.3f}{claim}")
