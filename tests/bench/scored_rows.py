"""What reaches the driver of a cluster for one night: rows and bytes, and what it was before.

    python tests/bench/scored_rows.py WORKSPACE AS_OF [BUCKETS]

The workspace needs a champion. The workers' functions run in this process, bucket by bucket; the
bytes are those of the Arrow tables that Spark would collect. Before, all features of every open
order came back. The parts are compared with the night scored as a whole, cell by cell.
"""

from __future__ import annotations

import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
from polars.testing import assert_frame_equal


def main(folder: str, as_of: date, buckets: int = 16) -> None:
    from features.clock import day_number
    from models.scoring.night_scoring import NightScoring
    from pipeline.engines.engine import build_night
    from pipeline.engines.spark_buckets import ROW, needed_orders, pack, scored_schema, unpack
    from pipeline.night.night_actions import night_actions
    from pipeline.night.scored_orders import assigned_orders, decide_night
    from pipeline.registry.model_registry import require_champion
    from pipeline.settings.config import load_config
    from pipeline.workspace.workspace import Workspace

    workspace = Workspace(Path(folder))
    config, files = load_config(Path(folder)), workspace.table_files()
    known = night_actions(workspace, files, config, as_of)
    rules, least = config.actions.rules(known.stopped), config.actions.least_worth_usd
    model = require_champion(workspace).model
    scoring = NightScoring(model, known.cost, known.actions, known.posterior, rules, least)
    features = build_night(files, day_number(as_of), config)
    orders = files.read_all_of("orders")
    old = features.with_row_index("row").select(ROW.names).to_arrow().cast(ROW)

    started, tables, largest = time.process_time(), [], 0
    for number in range(buckets):
        part = features.filter(pl.col("order_id").hash(1) % buckets == number)
        tables.append(pack(scoring.decide(part, orders), scoring))
        largest = max(largest, tables[-1].nbytes)
    seconds = time.process_time() - started
    scored = pl.from_arrow(pa.concat_tables(tables))
    needed = needed_orders(scored)
    more = scored.join(needed, on="order_id").select("order_id", "more")
    fields = {field.name: field for field in scored_schema(scoring)}
    new = [
        frame.to_arrow().cast(pa.schema([fields[name] for name in frame.columns])).nbytes
        for frame in (scored.drop("more"), more)
    ]
    nights = [
        decide_night(files, part, scoring.may_act, known, config, as_of)
        for part in (scoring(features), unpack(scored.drop("more"), more, scoring))
    ]
    assert_frame_equal(nights[0].scored, nights[1].scored, check_exact=True)
    one, other = (assigned_orders(night) for night in nights)
    assert_frame_equal(one, other, check_exact=True)
    sys.stdout.write(
        f"{features.height:,} open orders, {one.height:,} buyers assigned, {buckets} buckets\n"
        f"before: {old.num_rows:,} rows with all features, {old.nbytes / 1e6:.2f} MB\n"
        f"now: {features.height:,} scores, {new[0] / 1e6:.2f} MB; {more.height:,} rows with all "
        f"features ({more.height / features.height:.1%}), {new[1] / 1e6:.2f} MB; "
        f"{old.nbytes / sum(new):.1f} times less\n"
        f"scoring in buckets: {seconds:.1f} processor seconds; largest bucket "
        f"{largest / 1e6:.2f} MB; all cells equal\n"
    )


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[2]), *map(int, sys.argv[3:]))
