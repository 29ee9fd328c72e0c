"""The first pull of a simulated store of two years within an allowance, day by day: what tonight's
list needs comes first, and the history when it is there.

The store goes on while its history is fetched. Prints one line per day, and fails if a later day
leaves something that its list needs. Requests are answered in the process (`pulled_night.py`).

PYTHONPATH=. python tests/bench/first_pull.py [ORDERS] [DAILY] [SHARE]
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.config import Config
from pipeline.simulation.simulate import simulate
from pipeline.sources.openplatform import gateway
from pipeline.sources.openplatform.pull_jobs import OPEN_TRACKING
from pipeline.sources.openplatform.pull_store import pull_store
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.bench.pulled_night import SECRETS, DirectWeb
from tests.unit.sources.openplatform.fake_platform import FakePlatform
from tests.unit.sources.openplatform.fake_store import FakeStore, read_store
from tests.unit.sources.openplatform.moving_orders import MovingOrders
from tests.unit.sources.openplatform.night_clock import NightClock, store_settings
from tests.unit.sources.openplatform.store_changes import ChangedNight, StoreChanges

FIRST, DAYS, MOST_DAYS = date(2025, 9, 1), 730, 30
DETAIL = "aliexpress.solution.order.info.get"


def main(orders: int, daily: int, share: float, folder: Path) -> int:
    """The number of days after the first that lacked something for their list."""
    start = FIRST - timedelta(days=DAYS)
    raw = simulate(
        Workspace(folder / "w"),
        Config(),
        Progress(),
        orders=orders,
        first=start,
        days=DAYS + MOST_DAYS,
    )
    platform = FakePlatform(FakeStore(), share=share, draw=random.Random(1), keeps_former=True)
    folders = StoreFolders.of(folder / "shop", "main")
    days = [FIRST + timedelta(days=nth) for nth in range(MOST_DAYS)]
    wrong = 0
    os.environ.update(SECRETS)
    with (folder / "state").open("wb") as file:
        web = DirectWeb(platform, MovingOrders(), file.fileno())
        gateway.WebClient = lambda settings: web  # type: ignore[assignment,misc]
        os.fsync = lambda handle: None  # type: ignore[assignment]
        for nth, night in enumerate(StoreChanges(raw, folder).nights(days), 1):
            needed, history = pull_day(nth, night, platform, folders, daily)
            wrong += nth > 1 and needed > 0
            if not history and not needed:
                break
    return wrong


def pull_day(
    nth: int, night: ChangedNight, platform: FakePlatform, folders: StoreFolders, daily: int
) -> tuple[int, int]:
    """Pull once. Returns the requests left for the list, and for the history."""
    platform.store.merge(read_store(night.dumps))
    platform.seconds = night.moment.timestamp
    platform.requests.clear()
    settings = store_settings("http://127.0.0.1", daily_requests=daily)
    report = pull_store("main", settings, folders, lambda text: None, NightClock(night.moment))
    with sqlite3.connect(folders.state / "state.sqlite") as state:
        rows = state.execute("SELECT rank, kind, count(*) FROM jobs GROUP BY rank, kind").fetchall()
        known = dict(
            state.execute(
                "SELECT key, content LIKE '%\"parcels\"%' FROM known WHERE kind = 'orders'"
            )
        )
    is_open = {o["order_id"]: o["order_status"] != "FINISH" for o in platform.store.orders}
    detailed = {int(key) for key, has_detail in known.items() if has_detail}
    needed = sum(count for rank, _, count in rows if rank <= OPEN_TRACKING)
    history = sum(count for rank, _, count in rows if rank > OPEN_TRACKING)
    count_open = sum(is_open.values())
    sys.stdout.write(
        f"day {nth}: {report.count_requests:,} requests, "
        f"{platform.requests[DETAIL]:,} of them for details; details of "
        f"{sum(is_open[key] for key in detailed):,} of {count_open:,} open orders and of "
        f"{sum(not is_open[key] for key in detailed):,} of {len(is_open) - count_open:,} others; "
        f"left: {needed:,} for the list, {history:,} of the history so far {dict_of(rows)}\n"
    )
    sys.stdout.flush()
    return needed, history


def dict_of(rows: list[tuple[int, str, int]]) -> dict[str, int]:
    return {f"{kind} ({rank})": count for rank, kind, count in rows}


if __name__ == "__main__":
    given = sys.argv[1:] + ["20000", "5000", "0.0"][len(sys.argv) - 1 :]
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(int(given[0]), int(given[1]), float(given[2]), Path(temporary)) > 0)
