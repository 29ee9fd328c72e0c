"""Render the board's own pages: nights, search, one order, the log, sign-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.pages.html import render

# the words that the scripts of these pages need
GROUPS = (
    "page",
    "board",
    "match",
    "desk",
    "entry",
    "step",
    "stage",
    "outcome",
    "action",
    "event",
    "cause",
    "language",
    "release",
    "release_state",
)


def board_page(
    template: str,
    *,
    scripts: Sequence[str] = ("page.js", "board.js"),
    data: Mapping[str, Any] | None = None,
    **context: Any,
) -> str:
    """A page of the board, which may send forms to the board."""
    return render(
        template,
        scripts=scripts,
        groups=GROUPS,
        data=data or {},
        has_charts=False,
        has_sentences=template == "order.html",
        form_action="'self'",
        **({"member": None, "token": "", "can_release": False} | context),
    )
