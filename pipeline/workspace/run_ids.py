"""The ids of runs. A module of its own, so that the log needs no tables."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime


def new_id() -> str:
    """A new unique id. Ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
