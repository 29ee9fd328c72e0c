"""A simulated store night by night, as dumps of what has changed: of 60 nights, each fact is
written once, so that a large store stays small.

Some changes are shown late: the platform still answers with the former state in the night after
the change, and with the new one a night later. The time of the change is then more than a day old.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.simulation.exports.export_aliexpress import write_dumps
from pipeline.simulation.exports.export_files import read_raw
from pipeline.simulation.exports.export_ids import PRODUCT, number
from pipeline.simulation.exports.export_messages import write_messages_dumps

# what the answers about an order show
OF_ORDERS = (
    "orders",
    "order_lines",
    "order_events",
    "promises",
    "shipments",
    "tracking",
    "disputes",
)
# how old a change may be that is shown a night later: searches overlap by a day
LATE_HOURS = 20
STAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class ChangedNight:
    """The end of a day, the dumps of what changed since the night before, and how many orders are
    shown late."""

    moment: datetime
    dumps: Path
    count_late: int


@dataclass
class StoreChanges:
    """The store in `raw`. `late_share`: of the orders that changed, as drawn from `seed`."""

    raw: Path
    folder: Path
    late_share: float = 0.0
    seed: int = 0
    tables: dict[str, pl.DataFrame] = field(init=False)
    _lines: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = {path.stem: read_raw(self.raw, path.stem) for path in self.raw.glob("*.csv")}
        self._draw = random.Random(self.seed)

    def nights(self, days: Sequence[date]) -> Iterator[ChangedNight]:
        """Write the dumps of each night when it is asked for."""
        former, late = "", set[str]()
        for day in days:
            moment = datetime.combine(day, datetime.min.time(), UTC) + timedelta(
                hours=23, minutes=59
            )
            until = moment.strftime(STAMP)
            changed = self._changed(former, until)
            before, late = late, self._late(changed, late, moment) if former else set()
            yield self._written(moment, (set(changed) | before) - late, until, len(late))
            former = until

    def _changed(self, former: str, until: str) -> dict[str, str]:
        """The orders with a new fact, and when the oldest new fact occurred."""
        rows = pl.concat(
            self.tables[name].select("order_id", "known_at", "occurred_at")
            if "occurred_at" in self.tables[name].columns
            else self.tables[name].select("order_id", "known_at", occurred_at="known_at")
            for name in OF_ORDERS
        ).filter(pl.col("known_at") > former, pl.col("known_at") <= until)
        oldest = rows.group_by("order_id").agg(pl.col("occurred_at").min())
        return dict(oldest.sort("order_id").iter_rows())

    def _late(self, changed: dict[str, str], before: set[str], moment: datetime) -> set[str]:
        start = (moment - timedelta(hours=LATE_HOURS)).strftime(STAMP)
        return {
            order_id
            for order_id, occurred_at in changed.items()
            if order_id not in before
            and occurred_at > start
            and self._draw.random() < self.late_share
        }

    def _written(
        self, moment: datetime, shown: set[str], until: str, count_late: int
    ) -> ChangedNight:
        dumps = self.folder / f"dumps-{moment:%Y-%m-%d}"
        part, talks = self.folder / "part", self.folder / "talks"
        for folder in (dumps, part, talks):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        for name, table in self.tables.items():
            known = table.filter(pl.col("known_at") <= until)
            if name in OF_ORDERS:
                known.filter(pl.col("order_id").is_in(list(shown))).write_csv(part / f"{name}.csv")
            elif name == "products":
                table.write_csv(part / f"{name}.csv")
            if name in ("orders", "messages"):
                known.write_csv(talks / f"{name}.csv")
        self.tables["messages"].head(0).write_csv(part / "messages.csv")
        write_dumps(part, dumps)
        for path in [*dumps.glob("conversations-*"), *dumps.glob("messages-*")]:
            path.unlink()
        write_messages_dumps(talks, talks, "now")
        for kind in ("conversations", "messages"):
            self._keep_changed(talks / f"{kind}-now.jsonl", dumps / f"{kind}-{moment:%Y}.jsonl")
        self._write_catalogue(dumps / "products.csv")
        # as if the dumps had been taken at the end of this day, whenever the last fact was
        for path in dumps.glob("*.jsonl"):
            kind = path.stem.rstrip("0123456789T-")
            path.rename(path.with_name(f"{kind}-{moment:%Y-%m-%dT%H%M}.jsonl"))
        return ChangedNight(moment, dumps, count_late)

    def _keep_changed(self, source: Path, target: Path) -> None:
        """The answers about conversations that differ from those of the night before."""
        with source.open() as lines, target.open("w") as kept:
            for line in lines:
                answer = json.loads(line)
                (response,) = (v for name, v in answer.items() if name.endswith("_response"))
                listed = response["result"].get("relation_list")
                if listed is not None:
                    rows = listed.get("relation_result", [])
                    rows[:] = [row for row in rows if self._is_new(("c", row["channel_id"]), row)]
                    if rows:
                        kept.write(f"{json.dumps(answer, ensure_ascii=False)}\n")
                    continue
                request = answer["request"]
                if self._is_new((request["channel_id"], str(request["current_page"])), answer):
                    kept.write(line)

    def _is_new(self, key: tuple[str, ...], content: Any) -> bool:
        before, self._lines[key] = self._lines.get(key), hash(json.dumps(content))
        return before != self._lines[key]

    def _write_catalogue(self, path: Path) -> None:
        self.tables["products"].select(
            number(PRODUCT, "product_id").alias("product_id"), "category", "weight_g"
        ).write_csv(path)
