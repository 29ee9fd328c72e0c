"""Disputes and their rules from text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from features.indicators.policy import Policy
from features.tables import Tables
from pipeline.settings.policy_files import load_policy

PACIFIC = "America/Los_Angeles"
MakeTables = Callable[..., Tables]


def lines(drawing: str) -> list[tuple[str, ...]]:
    """The rows of a table that is written as text, without its header."""
    rows = [line for line in drawing.strip().splitlines() if set(line.strip()) - set("-+| ")]
    return [tuple(cell.strip() for cell in row.split("|")) for row in rows[1:]]


def made_policy(**clock: object) -> Policy:
    """The classic rules with some values changed."""
    classic = load_policy("aliexpress-classic").model_dump()
    rules = {
        name: value if isinstance(value, list) else {"value": value, "unconfirmed": True}
        for name, value in clock.items()
    }
    return Policy(**classic | {"clock": classic["clock"] | rules})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def filed(at: str) -> str:
    return f"order_id | dispute_id | step | cause | occurred_at\na | d1 | opened | other | {at}"
