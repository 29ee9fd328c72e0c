"""Read thousands of broken exports: a mapped made-up shop, AliExpress sheets, tracking files.

There must be no traceback, and every row must be in a table or in quarantine.

PYTHONPATH=. python tests/bench/spoiled_sheets.py [FILES]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

SEED, AT_ONCE = 7, 50


def spoil_shops(count: int, rng: Random) -> tuple[int, int]:
    """(shops refused, rows lost) for `count` shops with one broken file each."""
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
        workspace = Workspace(Path(folder) / "store")
        config = load_config(workspace.folder)
        raw = simulate(workspace, config, Progress(), orders=200, first=STORE_START, days=200)
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
    """The number of rows in `count` broken order sheets, all of them accounted for."""
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
    """The number of rows in `count` broken tracking files, all of them accounted for."""
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
        f"{count:,} broken shops: no traceback, {refused:,} refused completely, {lost} rows lost\n"
    )
    rows = spoil_sheets(count, rng)
    sys.stdout.write(
        f"{count:,} broken order sheets: no traceback; {rows:,} rows, each in a table or in "
        "quarantine\n"
    )
    rows = spoil_bodies(count, rng)
    sys.stdout.write(
        f"{count:,} broken tracking files: no traceback; {rows:,} rows, each a scan or in "
        "quarantine\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
