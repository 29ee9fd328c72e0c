"""What `doctor` says about a store that was pulled: what the account may not call, and what is
still to come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.connections.pull_record import PullRecord, read_pull_records
from pipeline.output.safe_text import one_line

LONGEST = 300
# the folder in pulled/ with what a night loads, where it is not the platform's own
FOLDERS = dict.fromkeys(("shopify", "woocommerce", "stripe", "paypal"), "shops")
FOLDERS |= dict.fromkeys(("seventeentrack", "aftership"), "tracking")


def pull_lines(raw: Path) -> Iterator[str]:
    """The lines about the stores whose answers are in `raw`, a folder that `pull` made. None for
    another folder."""
    folder = raw.resolve()
    if folder.parent.name != "pulled":
        return
    for record in read_pull_records(folder.parent.parent):
        if FOLDERS.get(record.platform, record.platform) == folder.name:
            yield from _record_lines(record)


def _record_lines(record: PullRecord) -> Iterator[str]:
    store = f"{record.platform} {record.store}"
    ended = f"last pulled {record.ended_at}"
    failed = f"; it failed: {one_line(record.failure, LONGEST)}" if record.failure else ""
    yield f"{store}: {ended}{failed}"
    for method, text in sorted(record.missing.items()):
        yield f"{store}: may not call {one_line(method, LONGEST)}: {one_line(text, LONGEST)}"
    for kind, count in sorted(record.left.items()):
        yield f"{store}: {count:,} {one_line(kind, LONGEST)} left for the next pull"
