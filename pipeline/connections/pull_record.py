"""What the last pull of each store did, in one small file per store: a night and `doctor` read it.

pull/PLATFORM/NAME/last_pull.json
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.connections.call_faults import PlatformFault, PullStopped, SecretFault
from pipeline.connections.pull_clock import PullClock, utc_text
from pipeline.connections.pull_report import PullReport
from pipeline.connections.secret_values import SecretValues
from pipeline.settings.errors import PullFailed
from pipeline.workspace.workspace import write_json

FILE = "last_pull.json"
DEFECT = "the pull ended by a defect of the program"
STOPPED = "the pull was stopped"
# what a pull without its state does
BEGINS_AGAIN = "begins with the history again. What was pulled before stays."


@dataclass(frozen=True)
class PullRecord:
    """`failure`: why the pull failed, empty if it did not. `missing`: by method that the account
    may not call, what is missing without it and what the service said. `left`: the number of
    requests by kind that later runs will make. No text holds a secret."""

    platform: str
    store: str
    ended_at: str
    failure: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)


@contextmanager
def pull_failures(title: str, secrets: SecretValues, state: Path, lost: str) -> Iterator[None]:
    """Turn what stops a pull into `PullFailed`, without secrets.

    `state`: the database of the pull; `lost`: what removing it costs, as the end of a sentence.
    """
    try:
        yield
    except (PullStopped, PlatformFault, SecretFault) as fault:
        raise PullFailed(secrets.hide(f"{title}: {fault}")) from None
    except sqlite3.Error as error:
        raise PullFailed(
            f"{title}: {state} cannot be used ({error}). Unless the disk is full, remove this "
            f"file: the next pull then {lost}"
        ) from None


@contextmanager
def recorded_pull(
    folder: Path,
    store: tuple[str, str],
    clock: PullClock,
    report: PullReport,
    methods: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Keep for the night and for `doctor` what the pull inside did, however it ends.

    `folder`: the state folder of the `store` (platform, name); `report`: what the pull fills;
    `methods`: the name of the method by kind of job, where a kind is not named as the service does.
    """
    failure = f"{store[1]}: {DEFECT}"
    try:
        yield
        failure = ""
    except PullFailed as error:
        failure = str(error)
        raise
    except (KeyboardInterrupt, SystemExit):
        failure = f"{store[1]}: {STOPPED}"
        raise
    finally:
        missing = {(methods or {}).get(kind, kind): why for kind, why in report.missing.items()}
        left = {kind: count for kind, (count, _) in report.left.items()}
        record = PullRecord(*store, utc_text(clock.now()), failure, missing, left)
        write_json(folder / FILE, asdict(record))


def read_pull_records(workspace: Path) -> list[PullRecord]:
    """The records of all stores, by platform and name. A record that cannot be read is left out:
    the next pull writes it anew."""
    records = []
    for path in sorted((workspace / "pull").glob(f"*/*/{FILE}")):
        try:
            records.append(PullRecord(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return records
