"""A night of a million open orders: data checks, decision, and all files of the run, published.

The features are random, because their values do not affect the time (tests/bench/nightly.py times
the features); the store has an order, a parcel, two promises and a scan for each row. Prints the
time of each piece, and the total with its target. Seconds depend on the machine.

PYTHONPATH=. python tests/bench/deliver.py [ORDERS] [CAPACITY]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

TARGET_SECONDS = 60.0
NIGHT, SEED = date(2025, 11, 20), 7


def main(count: int, capacity: int) -> None:
    import pipeline.night.score as step
    from features.tables import create_tables
    from pipeline.registry.registered_model import Registered
    from pipeline.settings.check_settings import GATE_ACTIONS, DataGates
    from pipeline.settings.config import Config
    from pipeline.settings.list_settings import Decide
    from pipeline.workspace.progress import Progress
    from pipeline.workspace.workspace import Workspace

    night = drawn_night(count)
    model = fitted(night.head(20_000))
    # random features fail the data checks: they run, but only warn
    gates = DataGates(actions=dict.fromkeys(GATE_ACTIONS, "banner"))
    config = Config(decide=Decide(capacity=capacity), data_gates=gates)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        tables = create_tables(made_frames(night["order_id"]), zone="UTC")
        empty = {
            name: {} for name in ("input_sha256", "input_rows", "quarantined_rows", "table_rows")
        }
        workspace.write_tables(tables, {"source": "made up", **empty})
        step.build_night = lambda *_: night  # type: ignore[assignment]
        step.require_champion = lambda _: Registered(
            model, "1", "made-up", NIGHT.isoformat(), settings={}
        )
        started, processor = time.perf_counter(), time.process_time()
        run = step.score(workspace, config, Progress(), as_of=NIGHT)
        seconds, processor = time.perf_counter() - started, time.process_time() - processor
        megabytes = {file.name: file.stat().st_size / 1e6 for file in sorted(run.iterdir())}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(
        ", ".join(f"{name} {size:.1f} MB" for name, size in megabytes.items())
        + f"\n{count:,} open orders, capacity {capacity:,}: decided and written in {seconds:.1f} s "
        f"({processor:.1f} processor seconds over all cores), peak {peak:.1f} GiB; target "
        f"{TARGET_SECONDS:.0f} s: {'met' if seconds < TARGET_SECONDS else 'missed'}\n"
    )


def drawn_night(count: int):  # noqa: ANN201
    import numpy as np
    import polars as pl

    from features.build.registry import FEATURE_NAMES
    from features.clock import day_number
    from features.stage import STAGES

    draw = np.random.default_rng(SEED)
    return pl.DataFrame(
        {
            "order_id": [f"o-{number:08d}" for number in range(count)],
            "as_of_day": pl.Series([day_number(NIGHT)] * count, dtype=pl.Int32),
            "stage": draw.choice(STAGES, count),
            **{name: draw.normal(10.0, 5.0, count).round(2) for name in FEATURE_NAMES},
        }
    )


def fitted(rows):  # noqa: ANN001, ANN201
    import numpy as np
    import polars as pl

    from features.build.registry import FEATURE_NAMES
    from models.learner.gbm import fit_model
    from pipeline.settings.config import Config

    label = np.random.default_rng(SEED).random(rows.height) < 0.1
    return fit_model(
        rows.with_columns(label=pl.Series(label.astype(np.int8))), FEATURE_NAMES, Config().recipe
    )


def made_frames(order_ids):  # noqa: ANN001, ANN201
    """Orders placed 20 days before the night, sent two days later and scanned a week before it; the
    newest order was placed on the day before."""
    import polars as pl

    number, due = pl.col("order_id"), pl.lit(datetime(2025, 12, 1, tzinfo=UTC))
    parcel = dict(shipment_id=pl.concat_str(pl.lit("s"), number))
    promises = [
        facts(
            order_ids,
            20,
            promise_id=pl.concat_str(pl.lit(kind), number),
            kind=kind,
            promised_at=due,
        )
        for kind in ("dispatch", "delivery")
    ]
    scan = dict(scan_id=pl.concat_str(pl.lit("t"), number), status="InTransit", sub_status=None)
    return {
        **_made_orders(order_ids),
        "products": facts(order_ids, 100, product_id="p-1", category="shoes", title="shoe")
        .head(1)
        .with_columns(weight_g=pl.lit(300.0), count_photos=pl.lit(1.0)),
        "promises": pl.concat(promises),
        "shipments": facts(order_ids, 18, **parcel, carrier="Post"),
        "tracking": facts(order_ids, 7, **parcel, **scan),
    }


def facts(order_ids, days_ago: float, **columns: object):  # noqa: ANN001, ANN201
    """One row per order with these columns, known as it happened."""
    import polars as pl

    moment = pl.lit(
        datetime(NIGHT.year, NIGHT.month, NIGHT.day, tzinfo=UTC) - timedelta(days=days_ago)
    )
    own = {
        name: value if isinstance(value, pl.Expr) else pl.lit(value)
        for name, value in columns.items()
    }
    return pl.DataFrame({"order_id": order_ids}).with_columns(
        **own, occurred_at=moment, known_at=moment
    )


def _made_orders(order_ids):  # noqa: ANN001, ANN202
    """The orders and their lines."""
    import polars as pl

    buyer = (pl.col("order_id").hash(SEED) % 700_000).cast(pl.String)
    orders = facts(
        order_ids,
        20,
        buyer_id=pl.concat_str(pl.lit("b-"), buyer),
        store_id="s",
        country="BR",
        lane="Post>BR",
        currency="BRL",
        total_usd=30.0,
        shipping_usd=1.0,
        total_source=97.0,
        count_installments=None,
    )
    lines = facts(
        order_ids,
        20,
        line_id="1",
        product_id="p-1",
        supplier_id="u",
        quantity=1.0,
        unit_price_usd=29.0,
        shipping_usd=1.0,
    )
    newest = orders.with_columns(known_at=_known_at_with_newer_last(order_ids))
    return {"orders": newest, "order_lines": lines}


def _known_at_with_newer_last(order_ids):  # noqa: ANN001, ANN202
    """`known_at` with a later time for the last order, so that the newest fact is not too old."""
    import polars as pl

    return (
        pl.when(pl.col("order_id") == order_ids[-1])
        .then(pl.col("known_at").dt.offset_by("19d"))
        .otherwise("known_at")
    )


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    main(*(numbers + [1_000_000, 1_000][len(numbers) :]))
