"""What a run of a pull did, and what it left."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class PullReport:
    """What a run did. `left`: jobs by kind that are left, and how many of them failed. `stop`: why
    it ended early. `missing`: kinds that the account may not call."""

    count_answers: int = 0
    count_requests: int = 0
    left: dict[str, tuple[int, int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    stop: str = ""
    count_dropped: int = 0
