"""The words of a finding: shares, intervals, and what a difference lets a reader say."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.labels import LEAST_DISPUTED
from features.sentence import with_plurals
from pipeline.pages.page_words import english
from pipeline.pages.time_line import KINDS
from pipeline.settings.errors import Refused

TOO_EARLY = f"Too early: fewer than {LEAST_DISPUTED} orders were disputed."


def percent(share: float) -> str:
    """A share in [0, 1] as "3.9%", and from 10% on without decimals: "40%"."""
    return f"{share:.1%}" if abs(share) < 0.0995 else f"{share:.0%}"


def part_of(count: int, total: int) -> str:
    """A count with its share, such as "38 of 54 (70%)"; without the share if `total` is 0."""
    share = f" ({percent(count / total)})" if total else ""
    return f"{count:,} of {total:,}{share}"


def in_words(names: Sequence[str]) -> str:
    """Names as part of a sentence: "a", "a and b", "a, b and c"; "none" without a name."""
    if not names:
        return "none"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def difference(low: float, high: float, *, above: str, below: str, unclear: str) -> str:
    """The words for a difference whose interval is `low` to `high`.

    `above` if the whole interval is above zero, `below` if it is below, and `unclear` if it
    includes zero.
    """
    if low > 0.0:
        return above
    return below if high < 0.0 else unclear


def require(holds: bool, claim: str) -> None:
    """Raise `Refused` if the data does not support a sentence of a notebook."""
    if not holds:
        raise Refused(
            f"the data does not support what this notebook says: {claim}. "
            "Change the text of the notebook, or look for a fault in the data."
        )


def time_line_sentence(order_id: str, line: Sequence[int]) -> str:
    """One order's timeline in words. `line`: kind, day, kind, day, ... of `time_lines`."""
    events = [
        f"{english(f'event.{KINDS[kind]}')} {_when(days)}"
        for kind, days in zip(line[::2], line[1::2], strict=True)
    ]
    return f"Order {order_id}: {'; '.join(events)}."


def _when(days: int) -> str:
    if not days:
        return "on the night"
    words = f"{abs(days)} day(s)"
    return with_plurals(f"in {words}" if days > 0 else f"{words} ago")


def refused_sentence(reasons: Sequence[dict[str, object]]) -> str:
    """The refused rows in words. `reasons`: `quarantine_reasons`, most common first."""
    if not reasons:
        return "No row of the source files was refused."
    rows = int(pl.Series([reason["count"] for reason in reasons]).sum())
    first = reasons[0]
    return with_plurals(
        f"{rows:,} row(s) of the source files were refused. The most common reason: "
        f"{first['reason']} ({first['file']}, column {first['column']}, {first['count']:,} row(s))."
    )
