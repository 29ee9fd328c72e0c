"""Pull a simulated store night by night from the test server of the Open Platform, with faults of
every kind and kills, and compare the tables with those from the store's own files.

The nights begin on FIRST, 120 days after the store's first order. Of the orders that changed, 3 %
are shown a night late, and some arrive, change or close between two pages of a search. On every
seventh night the platform's clock is two hours ahead. KILLS pulls are killed by SIGKILL after a
random number of requests. KIND is http, or forked: without a server (`pulled_night.py`).

Waits are left out, and so is waiting for the disk: a killed process does not lose what it wrote.
Prints one line per night and a summary. The exit code is 1 if tables or features differ from those
of the store's own files without the answers that docs/reference/aliexpress-fields.md lists as not
asked for.

PYTHONPATH=. python tests/bench/pulled_store.py
    [ORDERS] [NIGHTS] [SHARE] [KILLS] [SEED] [FIRST] [KIND]
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pipeline.connections.store_folders import StoreFolders
from pipeline.settings.config import Config
from pipeline.simulation.simulate import simulate
from pipeline.sources.openplatform.pull_jobs import TIME, platform_time
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.bench.fewest_requests import FewestRequests
from tests.bench.pulled_night import ForkedPull, HttpPull, PullTask
from tests.bench.pulled_tables import count_differences
from tests.unit.sources.openplatform.fake_platform import FakePlatform, fake_platform
from tests.unit.sources.openplatform.fake_store import FakeStore, read_store
from tests.unit.sources.openplatform.moving_orders import MovingOrders
from tests.unit.sources.openplatform.store_changes import ChangedNight, StoreChanges

HISTORY = timedelta(days=120)
LATE_SHARE = 0.03
# orders that come between pages, on a night with enough changes for two pages of each search
MOST_MOVING, LEAST_CHANGED = 8, 70
CLOCK_NIGHTS, CLOCK_SECONDS = 7, 7_200.0
MOST_RUNS = 12
COMPARE_NIGHTS = 20
SETTINGS = {"history_days": 200, "daily_requests": 10_000_000, "most_rows": 500}


@dataclass
class PulledStore:
    """The store as it is pulled into `folder`."""

    folder: Path
    kind: type[HttpPull] | type[ForkedPull]
    platform: FakePlatform
    draw: random.Random
    store: FakeStore = field(default_factory=FakeStore)
    moving: MovingOrders = field(default_factory=MovingOrders)
    fewest: FewestRequests = field(default_factory=FewestRequests)
    requests: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    # requests of the last night, among which the moments of the kills are drawn
    usual: int = 200

    def pull_night(self, nth: int, night: ChangedNight, kills: int) -> str:
        """Pull one night until nothing is left. Returns a line about it."""
        started, platform = time.monotonic(), self.platform
        changes = read_store(night.dumps)
        fewest = self.fewest.add(self.store, changes, night.moment)
        if nth:
            self._hold(changes, night.moment)
        self.store.merge(changes)
        self.moving.moved.clear()
        is_ahead = nth % CLOCK_NIGHTS == CLOCK_NIGHTS - 1
        shift = CLOCK_SECONDS if is_ahead else 0.0
        platform.store, platform.after_page = self.store, self._after_page
        platform.seconds = lambda: night.moment.timestamp() + shift
        platform.requests.clear()
        platform.queries.clear()
        platform.signatures.clear()
        before = platform.faults.total()
        for _ in range(kills):
            self._kill(night.moment)
        reports = self._start(night.moment, MOST_RUNS).reports()
        if reports[-1]["left"]:
            raise SystemExit(f"{night.moment}: not all was pulled: {reports[-1:]}")
        for order_id in [*self.moving.listed]:
            self.counts["unmoved"] += 1
            self.moving.come(self.store, order_id)
        used = platform.requests.total()
        self.requests += platform.requests
        self.usual = used
        self.counts += Counter(
            late=night.count_late, kills=kills, runs=len(reports) + kills, ahead=is_ahead
        )
        return (
            f"{night.moment:%Y-%m-%d}: {len(self.store.orders):6,} orders, "
            f"{len(changes.details):5,} changed, {used:6,} requests, {fewest:6,} at least, "
            f"{len(reports)} runs, {kills} kills, {platform.faults.total() - before:5,} faults, "
            f"{time.monotonic() - started:.0f} s"
        )

    def _hold(self, changes: FakeStore, moment: datetime) -> None:
        """Let a few orders come between pages: new ones, ones that end, and ones that no search of
        this night lists before they change."""
        start, new = (
            platform_time(moment - timedelta(days=days)).strftime(TIME) for days in (3, 1)
        )
        former = {order["order_id"]: order for order in self.store.orders}
        for is_open in (True, False):
            rows = [
                row
                for row in changes.orders
                if (row["order_status"] != "FINISH") == is_open and row["gmt_update"] >= new
            ]
            able = [
                row["order_id"]
                for row in rows
                if not is_open
                or row["order_id"] not in former
                or former[row["order_id"]]["gmt_update"] < start
            ]
            if len(rows) >= LEAST_CHANGED:
                for order_id in self.draw.sample(able, min(MOST_MOVING, len(able) // 4)):
                    self.moving.hold(changes, order_id)

    def _after_page(self, store: FakeStore, query: dict[str, int], total: int) -> None:
        if "issue_status" in query:
            return
        if query["current_page"] == 1 and total > SETTINGS["most_rows"]:
            self.moving.count_split += 1
        else:
            self.moving.after_page(store, query, total)

    def _start(self, moment: datetime, runs: int) -> HttpPull | ForkedPull:
        task = PullTask(self.folder, moment, runs, SETTINGS)
        return self.kind(task, self.platform, self.moving)

    def _kill(self, moment: datetime) -> None:
        limit = self.platform.requests.total() + self.draw.randrange(1, max(self.usual, 2))
        process = self._start(moment, 1)
        while not process.is_over() and process.count() < limit:
            time.sleep(0.002)
        time.sleep(self.draw.random() * 0.01)
        self.counts["hits"] += not process.is_over()
        process.kill()


def main(
    orders: int,
    nights: int,
    share: float,
    kills: int,
    seed: int,
    first: date,
    kind: type[HttpPull] | type[ForkedPull],
    folder: Path,
) -> int:
    """The number of tables and features that differ."""
    start = first - HISTORY
    days = (first - start).days + nights
    config = Config(random_seed=seed) if "random_seed" in Config.model_fields else Config()
    raw = simulate(
        Workspace(folder / "store"), config, Progress(), orders=orders, first=start, days=days
    )
    changes = StoreChanges(raw, folder / "nights", LATE_SHARE, seed)
    draw = random.Random(seed)
    killed = Counter(draw.randrange(nights) for _ in range(kills))
    own = folder / "own"
    own.mkdir()
    options = {"share": share, "draw": random.Random(seed), "keeps_former": True}
    with fake_platform(FakeStore(), **options) as platform:
        pulled = PulledStore(folder / "pulled", kind, platform, draw)
        dates = [first + timedelta(days=nth) for nth in range(nights)]
        moments, wrong = [], 0
        for nth, night in enumerate(changes.nights(dates)):
            moments.append(night.moment)
            say(pulled.pull_night(nth, night, killed[nth]))
            for path in night.dumps.iterdir():
                shutil.move(path, own / path.name)
            if nth % COMPARE_NIGHTS == COMPARE_NIGHTS - 1 and nth + 1 < nights:
                wrong += compare(pulled, raw, own, moments)
        report(pulled)
        return wrong + compare(pulled, raw, own, moments)


def compare(pulled: PulledStore, raw: Path, own: Path, moments: list[datetime]) -> int:
    """The number of tables and features that differ after a night."""
    dumps = pulled.folder / "pulled" / "aliexpress"
    shutil.copy(own / "products.csv", dumps)
    with tempfile.TemporaryDirectory(dir=pulled.folder) as folder:
        return count_differences(dumps, own, raw, moments, Path(folder), say)


def report(pulled: PulledStore) -> None:
    """Requests by method next to the fewest possible, and what occurred."""
    platform, counts = pulled.platform, pulled.counts
    state = StoreFolders.of(pulled.folder, "main").state / "state.sqlite"
    (tries,) = sqlite3.connect(state).execute("SELECT sum(count) FROM requests").fetchone()
    for method, count in sorted(pulled.requests.items()):
        say(f"{method}: {count:,} requests, at least {pulled.fewest.by_method[method]:,}")
    say(
        f"all: {tries:,} requests with refused ones, {pulled.requests.total():,} without; at least "
        f"{pulled.fewest.by_method.total():,}, or {pulled.fewest.knowing:,} if one knew in advance "
        "which parcels have news"
    )
    say(f"faults: {dict(sorted(platform.faults.items()))}, refused: {dict(platform.refused)}")
    say(
        f"{counts['runs']} runs, {counts['hits']} of {counts['kills']} kills hit; "
        f"{counts['late']} orders shown late, {pulled.moving.count_arrived} came between pages, "
        f"{pulled.moving.count_left} left a search between pages, "
        f"{pulled.moving.count_split} searches split, {counts['unmoved']} came after all pages, "
        f"{counts['ahead']} nights with another clock, {platform.tokens} tokens"
    )


def say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = (
        sys.argv[1:] + ["2000", "15", "0.05", "8", "1", "2025-10-25", "http"][len(sys.argv) - 1 :]
    )
    with tempfile.TemporaryDirectory() as temporary:
        wrong = main(
            int(given[0]),
            int(given[1]),
            float(given[2]),
            int(given[3]),
            int(given[4]),
            date.fromisoformat(given[5]),
            HttpPull if given[6] == "http" else ForkedPull,
            Path(temporary),
        )
    sys.exit(wrong > 0)
