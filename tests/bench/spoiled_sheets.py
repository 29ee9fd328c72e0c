"""Spoiled exports by the thousand: a made-up shop's read by a mapping, order sheets of AliExpress,
tracking bodies.

No traceback, and every row in a table or in quarantine.

PYTHONPATH=. python tests/bench/spoiled_sheets.py [FILES]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

SEED, AT_ONCE = 7, 50


def spoil_shops(count: int, rng: Random) -> tuple[int, int]:
    """(refused as a whole, rows lost) of `count` shops with one spoiled file."""
    from pipeline.load.propose_mapping import propose_mapping
    from pipeline.settings.config import load_config
    from pipeline.settings.errors import BadInput
    from pipeline.simulation.simulate import simulate
    from pipeline.sources.mapped.mapped_source import read_mapped
    from pipeline.sources.source_context import SourceContext
    from pipeline.workspace.progress import Progress
    from pipeline.workspace.workspace import Workspace
    from tests.unit.conftest import STORE_START
    from tests.unit.sources import made_shop as shop
    from tests.unit.sources.test_propose_mapping import RATES, rows_lost

    refused = lost = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder) / "store")
        raw = simulate(
            place, load_config(place.folder), Progress(), orders=200, first=STORE_START, days=200
        )
        whole = shop.write_shop(raw, Path(folder) / "shop")
        propose_mapping(whole)
        files = {path: path.read_bytes() for path in whole.glob("*.csv")}
        for _ in range(count):
            for path, data in files.items():
                path.write_bytes(b"".join(data.splitlines(keepends=True)[:40]))
            shop.spoiled(whole, rng)
            try:
                lost += len(rows_lost(read_mapped(SourceContext(whole, RATES))))
            except BadInput:
                refused += 1
    return refused, lost


def spoil_sheets(count: int, rng: Random) -> int:
    """How many rows `count` spoiled order sheets had, all of them accounted for."""
    from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
    from pipeline.sources.source_context import SourceContext
    from tests.unit.sources import aliexpress_dumps as made
    from tests.unit.sources import order_sheet as sheet

    rows = 0
    for _ in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            raw = sheet.write_csv(Path(folder) / "orders-2024-11-05.csv", sheet.FULL)
            for number in range(AT_ONCE):
                (raw / f"spoiled-2024-11-06-{number}.csv").write_bytes(sheet.spoiled(rng))
            rows += made.account(read_aliexpress(SourceContext(raw)))
    return rows


def spoil_bodies(count: int, rng: Random) -> int:
    """The same of tracking bodies."""
    from tests.unit.sources import tracking_bodies as bodies

    rows = 0
    for _ in range(0, count, AT_ONCE):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "tracking").mkdir()
            for number in range(AT_ONCE):
                (Path(folder) / "tracking" / f"spoiled-2018-02-01-{number}.json").write_bytes(
                    bodies.spoiled(rng)
                )
            rows += bodies.account(Path(folder))
    return rows


def main(count: int) -> None:
    rng = Random(SEED)
    refused, lost = spoil_shops(count, rng)
    sys.stdout.write(
        f"{count:,} spoiled shops: no traceback, {refused:,} refused as a whole, {lost} rows lost\n"
    )
    rows = spoil_sheets(count, rng)
    sys.stdout.write(
        f"{count:,} spoiled order sheets: no traceback; {rows:,} rows, each good or in quarantine\n"
    )
    rows = spoil_bodies(count, rng)
    sys.stdout.write(
        f"{count:,} spoiled tracking bodies: no traceback; {rows:,} rows, each a scan or in quarantine\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
