"""A sender that is killed at random moments, and a receiver that fails: each thing arrives once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.deliver.killed_runs import WAYS, bulk_send


@pytest.mark.parametrize("kind", WAYS)
def test_a_killed_delivery_arrives_once(kind: str, tmp_path: Path) -> None:
    counted = WAYS[kind](tmp_path / "shop", 5, 0.2)
    assert counted.is_right, counted


def test_a_killed_bulk_send_gives_each_buyer_one_message(tmp_path: Path) -> None:
    counted, contacts = bulk_send(tmp_path / "shop", 40, 3, 0.2)
    assert counted.is_right, counted
    assert contacts == 40
