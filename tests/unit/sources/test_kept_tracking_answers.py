"""Kept answers and pushes of a tracking service: a scan is known since its line arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.connections.answer_dumps import dump_line
from pipeline.connections.secret_values import SecretValues
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.unit.sources.tracking_bodies import AFTERSHIP, SEVENTEEN, store

EVENING = datetime(2018, 1, 25, 23, 59, 59, tzinfo=UTC)
MORNING = datetime(2018, 1, 26, 0, 0, 1, tzinfo=UTC)
PUSH = {"pushed_by": "seventeentrack.main"}


@pytest.fixture
def known(tmp_path: Path) -> Callable[..., set[datetime]]:
    """When the scans of one file of these lines are known, in a store with nightly dumps."""

    def load(*lines: tuple[Mapping[str, Any], datetime, Mapping[str, Any]]) -> set[datetime]:
        (tmp_path / "tracking").mkdir(exist_ok=True)
        text = "".join(
            dump_line(json.dumps(body), at, request, SecretValues()) + "\n"
            for body, at, request in lines
        )
        (tmp_path / "tracking" / "answers-20180125T2359-0001.jsonl").write_text(text)
        data = replace(store(), is_known_late=True)
        read = with_tracking(data, SourceContext(tmp_path))
        assert read.files[-1].quarantine().is_empty()
        return set(read.frames["tracking"]["known_at"])

    return load


def test_an_answer_after_midnight_is_known_after_midnight(known: Callable) -> None:
    """The name of the file says when the run began."""
    assert known((SEVENTEEN, MORNING, {"method": "gettrackinfo"})) == {MORNING}


def test_the_first_answer_that_shows_a_scan_counts(known: Callable) -> None:
    lines = [(SEVENTEEN, at, {"method": "gettrackinfo"}) for at in (MORNING, EVENING)]
    assert known(*lines) == {EVENING}


def test_a_push_that_was_sent_again_for_days_is_known_since_it_arrived(known: Callable) -> None:
    assert AFTERSHIP["ts"] < EVENING.timestamp()
    assert known((AFTERSHIP, EVENING, PUSH)) == {EVENING}


def test_a_push_that_says_only_that_tracking_ended_is_no_fault(known: Callable) -> None:
    ended = {"event": "TRACKING_STOPPED", "data": {"number": "h-1", "carrier": 3011}}
    assert known((ended, EVENING, PUSH)) == set()
