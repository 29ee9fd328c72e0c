"""Messages for the terminal and the log: one line, and cut if a cell or a name of a file makes them
too long."""

from __future__ import annotations

import re

# characters; a message of ours is shorter, so only data in it is cut
LONGEST = 1_500
ENDING = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text on one line. A long one is cut in the middle: its end says what to do."""
    line = _CONTROL.sub(" ", text)
    if len(line) <= longest:
        return line
    ending = min(ENDING, longest // 3)
    cut = len(line) - longest
    return f"{line[: longest - ending]} [... {cut:,} characters left out ...] {line[-ending:]}"
