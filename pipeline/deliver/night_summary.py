"""A night in a few lines: what a mail or a chat shows of it. Ids, numbers and reasons, without
names or messages of buyers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.deliver.published_night import PublishedNight
from pipeline.output.safe_text import one_line

LONGEST = 200
_MONEY = ("stake_usd", "prevented_usd", "cost_usd", "expected_value_usd")


@dataclass(frozen=True)
class NightSummary:
    """`title`: one line; `warnings`: what the checks report; `facts`: the night in numbers; `rows`:
    the top of the list, one line each."""

    title: str
    warnings: tuple[str, ...]
    facts: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole of it as plain text."""
        warnings = [f"WARNING: {line}" for line in self.warnings]
        parts = [(self.title,), warnings, self.facts, self.rows]
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def summarise_night(night: PublishedNight, count_rows: int) -> NightSummary:
    """The summary with the top `count_rows` rows of the list."""
    listed = night.listed
    shown = listed.head(count_rows)
    rows = [row_line(row) for row in shown.iter_rows(named=True)]
    if 0 < shown.height < listed.height:
        rows.append(f"... and {listed.height - shown.height} more in the list")
    return NightSummary(
        f"{one_line(night.store)}: {_orders(listed.height)} to act on, night of {night.as_of}",
        tuple(one_line(str(line), 500) for line in night.manifest.get("banner", [])),
        tuple(_facts(night)),
        tuple(rows),
    )


def row_line(row: Mapping[str, Any]) -> str:
    """One row of the list on one line."""
    return one_line(
        f"{row['rank']}. order {row['order_id']} ({row['stage']}), by {row['contact_by']}: "
        f"{row['why_action']}",
        LONGEST,
    )


def _facts(night: PublishedNight) -> list[str]:
    listed = night.listed
    counts = listed["action"].value_counts().sort(["count", "action"], descending=[True, False])
    actions = ", ".join(f"{count} {name}" for name, count in counts.iter_rows())
    facts = [f"What to do: {actions}."] if actions else []
    if set(_MONEY) <= set(listed.columns) and listed.height:
        stake, prevented, cost, net = (listed[name].sum() for name in _MONEY)
        facts.append(
            f"At stake {stake:,.2f} USD; prevented {prevented:,.2f}; cost {cost:,.2f}; "
            f"net {net:,.2f} USD."
        )
    clock = night.manifest.get("clock", {})
    if "count_disputes" in clock:
        facts.append(
            f"Open disputes: {clock['count_disputes']}, {clock['count_owing_an_answer']} of them "
            "need an answer."
        )
    return facts


def _orders(count: int) -> str:
    return f"{count} order" if count == 1 else f"{count} orders"
