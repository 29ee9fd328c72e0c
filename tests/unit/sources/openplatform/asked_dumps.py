"""The store's own dumps without the answers for which a nightly pull does not ask: the rules that
docs/reference/aliexpress-fields.md lists, computed from these dumps alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.sources.openplatform.pull_jobs import TIME, platform_time
from tests.unit.sources.openplatform.fake_store import Row

# as documented; not read from the pull, so that a pull that asks for less is a difference
DOCUMENTED_LATE_SCANS = timedelta(days=15)
SCANS, DETAILS, RECEIPTS = "late answers about scans", "late details", "receipts in late details"
OF_A_RECEIPT = ("gmt_received", "receive_status")


@dataclass
class AskedDumps:
    """Copies the dumps of one night after the other, oldest first, into `folder`. `unasked`: the
    answers left out."""

    folder: Path
    unasked: Counter[str] = field(default_factory=Counter)
    _changed: dict[int, str] = field(default_factory=dict)
    _details: dict[int, Row] = field(default_factory=dict)

    def add_all(self, own: Path, moments: Sequence[datetime]) -> None:
        """Copy the dumps that `own` has of the pulls at `moments`, and its other files."""
        self.folder.mkdir()
        for moment in moments:
            self._add(own, moment)
        for path in own.iterdir():
            if path.suffix != ".jsonl":
                shutil.copy(path, self.folder)

    def _add(self, own: Path, moment: datetime) -> None:
        paths = {
            path.name.removesuffix(f"-{moment:%Y-%m-%dT%H%M}.jsonl"): path
            for path in own.glob(f"*-{moment:%Y-%m-%dT%H%M}.jsonl")
        }
        late = self._late(paths["order-list"], moment)
        for kind, path in paths.items():
            with path.open() as lines, (self.folder / path.name).open("w") as kept:
                for line in lines:
                    answer = json.loads(line)
                    if kind == "order-tracking" and answer["request"]["ae_order_id"] in late:
                        self.unasked[SCANS] += 1
                    elif kind != "order-details" or self._is_asked(answer, late):
                        kept.write(line)

    def _late(self, path: Path, moment: datetime) -> set[int]:
        """The finished orders that last changed so long ago, and not since the last pull."""
        start = (platform_time(moment) - DOCUMENTED_LATE_SCANS).strftime(TIME)
        late = set()
        with path.open() as lines:
            for line in lines:
                result = json.loads(line)["aliexpress_solution_order_get_response"]["result"]
                for order in result["target_list"]["order_dto"]:
                    key, changed = order["order_id"], order["gmt_update"]
                    is_finished = order["order_status"] == "FINISH"
                    if is_finished and changed < start and self._changed.get(key) == changed:
                        late.add(key)
                    self._changed[key] = changed
        return late

    def _is_asked(self, answer: Row, late: set[int]) -> bool:
        """Whether a detail is fetched. One with other news than a receipt counts as fetched."""
        data = answer["aliexpress_solution_order_info_get_response"]["result"]["data"]
        key, before = data["id"], self._details.get(data["id"])
        self._details[key] = data
        if key not in late or not before or _without_receipts(before) != _without_receipts(data):
            return True
        self.unasked[DETAILS] += 1
        self.unasked[RECEIPTS] += before != data
        return False


def _without_receipts(data: Row) -> Row:
    parcels = data["logistic_info_list"].get("global_aeop_tp_logistic_info_dto", [])
    shown = [{k: v for k, v in parcel.items() if k not in OF_A_RECEIPT} for parcel in parcels]
    return {**data, "logistic_info_list": shown}
