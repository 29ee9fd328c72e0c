"""Draft answers to open disputes, from plain text files that a seller edits: `answers/<case>.txt` in the workspace goes
before the one that comes with the program.

A line that asks for a fact nobody has is left out, so that no draft has a hole; the others stay as they are.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from features.clock import days_between
from features.dispute_clock import ON_ITS_WAY
from pipeline.errors import BadInput

SHIPPED = Path(__file__).parent / "answers"
CASES = ("not_received_delivered", "not_received_in_transit", "not_received_no_trace", "not_as_described", "other")
FACTS = (
    "order_id", "amount", "shipment_id", "carrier", "sent_on", "last_scan_on", "delivered_on", "promised_on",
)  # fmt: skip
# a parcel without a scan for longer is not told to be on its way
SILENT_DAYS = 14.0

# the lines of a template, each with the facts it asks for
Template = tuple[tuple[str, tuple[str, ...]], ...]


def case_of() -> pl.Expr:
    """Which template answers a dispute (`cause`, `delivered_at`, `last_status`, `last_scan_at`, `as_of`)."""
    is_moving = pl.col("last_status").is_in(ON_ITS_WAY) & (
        days_between(pl.col("last_scan_at"), pl.col("as_of")) <= SILENT_DAYS
    )
    is_lost = pl.col("cause") == "not_received"
    return (
        pl.when(is_lost & pl.col("delivered_at").is_not_null()).then(pl.lit(CASES[0]))
        .when(is_lost & is_moving).then(pl.lit(CASES[1]))
        .when(is_lost).then(pl.lit(CASES[2]))
        .when(pl.col("cause") == "not_as_described").then(pl.lit(CASES[3]))
        .otherwise(pl.lit(CASES[4]))
    )  # fmt: skip


def load_templates(workspace: Path) -> dict[str, Template]:
    """The template of every case."""
    own = workspace / "answers"
    return {
        case: _read(own / f"{case}.txt" if (own / f"{case}.txt").is_file() else SHIPPED / f"{case}.txt")
        for case in CASES
    }


def _read(path: Path) -> Template:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text ({error}).") from None
    return tuple((line, _facts_of(line, f"{path}, line {number}")) for number, line in enumerate(lines, 1) if line)


def _facts_of(line: str, where: str) -> tuple[str, ...]:
    try:
        parts = list(string.Formatter().parse(line))
    except ValueError as error:
        raise BadInput(f"{where}: {error}. A brace as text is written twice: {{{{ }}}}.") from None
    names = tuple(name for _, name, _, _ in parts if name is not None)
    wrong = [name for name in names if name not in FACTS]
    if wrong or any(spec or conversion for _, _, spec, conversion in parts):
        raise BadInput(f"{where}: {{{(wrong or ['...'])[0]}}} is no fact. There are: {', '.join(FACTS)}.")
    return names


def draft(template: Template, facts: Mapping[str, str | None]) -> str:
    """The lines whose facts are all there."""
    return " ".join(line.format(**facts) for line, names in template if all(facts.get(name) for name in names))
