"""What was sent becomes a contact on record, through the same door as the sheets of agents."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from pipeline.deliver.delivery_record import FILE, SENT, DeliveryRecord, open_record
from pipeline.load.contacts import take_contacts
from pipeline.settings.errors import UserError
from pipeline.workspace.progress import Progress, warn
from pipeline.workspace.workspace import Workspace

BULK = "bulk:channel"


def record_contacts(workspace: Workspace, progress: Progress) -> None:
    """Take the contacts of all messages that were sent and are not yet on record. A process that
    was killed after sending leaves some; taking one twice changes nothing."""
    if not (workspace.folder / FILE).exists():
        return
    with open_record(workspace.folder) as record:
        for night, sent in _unrecorded(record).items():
            with tempfile.TemporaryDirectory() as folder:
                sheet = Path(folder) / f"sent-{night}.csv"
                sheet.write_text(_sheet(night, sent), encoding="utf-8")
                take_contacts(workspace, progress, file=sheet)
            with record.connection:
                record.connection.executemany(
                    "UPDATE deliveries SET is_contact = 1 WHERE night = ? AND target = ? "
                    "AND order_id = ?",
                    [(night, BULK, order_id) for order_id, _ in sent],
                )


def recover_contacts(workspace: Workspace, progress: Progress) -> None:
    """`record_contacts` before a night. What goes wrong is only said: it is no reason to have no
    list tonight."""
    try:
        record_contacts(workspace, progress)
    except UserError as error:
        warn(f"contacts of the last bulk send are not on record: {error}")


def _unrecorded(record: DeliveryRecord) -> dict[str, list[tuple[str, str]]]:
    """night -> order id and UTC moment of each message without a contact."""
    rows = record.connection.execute(
        "SELECT night, order_id, changed_at FROM deliveries WHERE target = ? AND state = ? "
        "AND is_contact = 0 ORDER BY night, order_id",
        (BULK, SENT),
    )
    nights: dict[str, list[tuple[str, str]]] = {}
    for night, order_id, moment in rows:
        nights.setdefault(str(night), []).append((str(order_id), str(moment)))
    return nights


def _sheet(night: str, sent: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("as_of", "order_id", "contacted_at", "outcome"))
    writer.writerows((night, order_id, moment, "") for order_id, moment in sent)
    return text.getvalue()
