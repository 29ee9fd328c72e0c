"""leak-proof: change the facts that a night could not know, and check that no feature changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from features.asof import newest_fact_day, visible
from features.build.registry import FEATURE_NAMES, build_features
from features.clock import calendar_day, start_of_day
from features.spine import build_spine, open_spells
from features.tables import TABLES, Tables, create_tables
from pipeline.settings.config import Config
from pipeline.settings.errors import Leak, Refused
from pipeline.training.perturb import SINGLES, Single, add_single, disturb
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.workspace import Workspace, write_whole

RESULT = "leak_proof.csv"
# a message names at most this many tables or features that break the rule; the file has all
MOST_NAMED = 5
MOMENT = timedelta(microseconds=1)


def leak_proof(
    workspace: Workspace, config: Config, progress: Progress, *, nights: int, seed: int
) -> pl.DataFrame:
    """Write and return `leak_proof.csv`: one row per night and table.

    It counts the facts that were changed and the features that moved. Raises `Leak` if a feature
    of a night moved with facts known from that night on, or if a fact that became known a moment
    before the night did not move the feature it should.
    """
    tables = workspace.read_tables()
    proofs = []
    with progress.piece("leak-proof") as notes:
        for as_of in _random_nights(tables, config, nights, seed):
            proofs.append(_prove(tables, config, as_of, seed))
        result = pl.concat(proofs)
        write_whole(workspace.folder / RESULT, result.write_csv())
        notes.append(f"{nights} nights of {workspace.folder}")
    _say(result)
    if (broken := result.filter((pl.col("violations") > 0) | (pl.col("moves") == "no"))).height:
        rows = broken.head(MOST_NAMED).iter_rows(named=True)
        named = "; ".join(_summary(row) for row in rows)
        count_more = broken.height - MOST_NAMED
        rest = f"; and {count_more} more tables" if count_more > 0 else ""
        raise Leak(
            f"{workspace.folder}: a feature does not keep to the rule of time. {named}{rest}. "
            f"Night by night: {workspace.folder / RESULT}"
        )
    return result


def _summary(row: dict[str, Any]) -> str:
    """The night, the table whose later facts move features, and the first of those features."""
    moved = (row["moved"] or "unmoved").split(" ")
    more = f" and {len(moved) - MOST_NAMED} more" if len(moved) > MOST_NAMED else ""
    return f"{row['night']} {row['table']}: {' '.join(moved[:MOST_NAMED])}{more}"


def _random_nights(tables: Tables, config: Config, count: int, seed: int) -> list[int]:
    """Nights in the middle of the store's history, so that each has a past and a future."""
    first = open_spells(tables, config.dispute_window)["first_day"].to_numpy()
    last = newest_fact_day(tables)
    if not len(first) or last is None or last - int(first.min()) < 60:
        raise Refused(
            "there are fewer than sixty days of facts: too few for a past and a future. "
            "Load more history."
        )
    start = int(first.min())
    inside = np.arange(start + (last - start) // 5, last - (last - start) // 10)
    return sorted(
        np.random.default_rng(seed).choice(inside, min(count, len(inside)), replace=False).tolist()
    )


def _prove(tables: Tables, config: Config, as_of: int, seed: int) -> pl.DataFrame:
    """One row per single fact of one night (`SINGLES`), with the changes of its table."""
    frames = {name: tables[name].select(list(TABLES[name].schema)) for name in TABLES}
    cutoff = pl.select(start_of_day(pl.lit(as_of, pl.Int32), tables.zone)).item()
    spine = build_spine(tables, [as_of], config.dispute_window)
    before = build_features(tables, spine)
    disturbed = disturb(frames, cutoff, seed + as_of)
    other = _tables_like(tables, disturbed.frames)
    moved = ["the rows themselves"] * (
        not build_spine(other, [as_of], config.dispute_window).equals(spine)
    )
    moved += changed(before, build_features(other, spine))
    singles = [_try_single(tables, frames, spine, before, single, cutoff) for single in SINGLES]
    # a table may be tried with several single facts, each in a row of its own
    tried = pl.DataFrame({"table": [single.table for single in SINGLES]})
    counts = tried.join(disturbed.counts, on="table", how="left", maintain_order="left")
    return counts.with_columns(
        night=pl.lit(calendar_day(as_of).isoformat()),
        rows=pl.lit(spine.height),
        features_checked=pl.lit(before.height * len(FEATURE_NAMES)),
        violations=pl.Series([len(moved) + len(at) for at, _ in singles]),
        moved=pl.Series([" ".join([*moved, *at]) for at, _ in singles]),
        single_fact=pl.Series([single.must_move for single in SINGLES]),
        moves=pl.Series([moves for _, moves in singles]),
    ).select("night", "table", "rows", pl.exclude("night", "table", "rows"))


def _try_single(
    tables: Tables,
    frames: dict[str, pl.DataFrame],
    spine: pl.DataFrame,
    before: pl.DataFrame,
    single: Single,
    cutoff: datetime,
) -> tuple[list[str], str]:
    """Add one fact at the cutoff, and then the same fact a moment earlier.

    Returns the features that moved with the fact at the cutoff (there must be none), and whether
    the expected feature moved with the earlier one: `yes`, `no`, or `-` where the night has no
    suitable order.
    """
    target_row = _target(tables, before, single, int(spine["as_of_day"][0]))
    if target_row is None:
        return [], "-"
    target, row = target_row
    at = build_features(_tables_like(tables, add_single(frames, single, target, cutoff)), spine)
    earlier = build_features(
        _tables_like(tables, add_single(frames, single, target, cutoff - MOMENT)), spine
    )
    was, now = before[single.must_move][row], earlier[single.must_move][row]
    return changed(before, at), "yes" if was != now else "no"


def _target(
    tables: Tables, before: pl.DataFrame, single: Single, as_of: int
) -> tuple[dict[str, object], int] | None:
    """The ids for the fact, and the row of `before` that must change; None without such a row."""
    rows = before.with_row_index("row").select("row", "order_id", "logistics_handling_days")
    rows = rows.join(tables["orders"].select("order_id", "buyer_id", "store_id"), on="order_id")
    lines = visible(tables["order_lines"], as_of)
    first = (
        lines.sort("order_id", "line_id", "product_id")
        .group_by("order_id", maintain_order=True)
        .first()
    )
    rows = rows.join(first.select("order_id", "product_id"), on="order_id")
    if single.about == "order not shipped":
        rows = rows.filter(pl.col("logistics_handling_days").is_null())
    if single.about == "other order of product":
        ended = pl.concat([tables[t].select("order_id") for t in ("disputes", "reviews")])
        placed = visible(tables["orders"], as_of - 1).join(ended, on="order_id", how="anti")
        fresh = first.join(placed, on="order_id", how="semi")
        others = fresh.select("product_id", other_id="order_id")
        rows = rows.join(others, on="product_id").filter(pl.col("other_id") != pl.col("order_id"))
    if rows.is_empty():
        return None
    chosen = rows.sort("order_id").row(rows.height // 2, named=True)
    ids = {name: chosen[name] for name in ("order_id", "buyer_id", "store_id", "product_id")}
    if single.about == "other order of product":
        ids["order_id"] = chosen["other_id"]
    elif single.about == "new order of buyer":
        ids["order_id"] = "single-order_id"
    return ids, int(chosen["row"])


def _tables_like(tables: Tables, frames: dict[str, pl.DataFrame]) -> Tables:
    return tables.with_frames(create_tables(frames, zone=tables.zone).frames)


def changed(one: pl.DataFrame, other: pl.DataFrame) -> list[str]:
    """The names of the columns that differ in any bit."""
    return [name for name in one.columns if not _same_bits(one[name], other[name])]


def _same_bits(one: pl.Series, other: pl.Series) -> bool:
    if not one.is_null().equals(other.is_null()):
        return False
    if one.dtype != pl.Float64:
        return one.equals(other)
    bits, other_bits = (series.drop_nulls().to_numpy().view(np.int64) for series in (one, other))
    return bool(np.array_equal(bits, other_bits))


def _say(result: pl.DataFrame) -> None:
    total = result.select(pl.col("altered", "deleted", "added").sum()).row(0, named=True)
    checked = int(result.unique("night")["features_checked"].sum())
    say(
        f"{sum(total.values()):,} facts changed ({total['altered']:,} altered, "
        f"{total['deleted']:,} deleted, {total['added']:,} added); {checked:,} feature values "
        f"checked; {int(result['violations'].sum())} violations"
    )
    tried = result.filter(pl.col("moves") != "-")
    moved = tried.filter(pl.col("moves") == "yes").height
    say(
        f"{tried.height} single facts added a moment before the night: {moved} moved the feature "
        "they should"
    )
