"""How a call of the Open Platform can fail, by what helps: wait, renew the token, or ask a person.

An error comes with status 200, in `error_response` or, from system methods, at the top of the
answer. The newer gateway has words as codes, the older router numbers. Their meanings come from
public SDKs and bug reports (docs/reference/aliexpress-fields.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.connections.call_faults import (
    ClockDiffers,
    ForbiddenCall,
    PlatformFault,
    RefusedCall,
    StaleToken,
    Throttled,
    Unanswered,
)
from pipeline.output.safe_text import one_line

LONGEST_TEXT = 200


_KINDS: tuple[tuple[type[PlatformFault], re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (
            Throttled,
            r"calllimit|call-limit|call limited|access-count|flow.?control|too.?fast|"
            r"too many request|frequency|code 7\b",
        ),
        (
            StaleToken,
            r"illegalaccesstoken|accesstoken|access token|invalidsession|invalid.session|"
            r"missing session|session.*(expired|invalid)|code (26|27)\b",
        ),
        (ClockDiffers, r"timestamp|code 31\b"),
        (ForbiddenCall, r"permission|not.?authori[sz]ed|code 1[123]\b"),
        # a signature is refused at times although it is right: by tries with a new time
        (
            Unanswered,
            r"signature|type (system|isp)\b|\bisp\.|service.*(unavailable|timeout|error)|"
            r"internal.?error|system.?error|timed?.?out|code 10\b",
        ),
    )
)
_SECONDS = re.compile(r"(\d{1,7})\s*seconds?", re.I)


def fault_in(content: Mapping[str, Any]) -> PlatformFault | None:
    """The fault that an answer reports, or None."""
    error = content.get("error_response")
    if not isinstance(error, Mapping):
        # system methods have their code at the top; "0" is success
        is_error = str(content.get("code", "0")) not in ("0", "", "None")
        if error is None and not is_error:
            return None
        error = content
    parts = {
        name: one_line(str(error.get(name)), LONGEST_TEXT)
        for name in ("code", "type", "msg", "message", "sub_code", "sub_msg")
        if error.get(name) not in (None, "")
    }
    text = " ".join(f"{name} {value}" for name, value in parts.items()).lower()
    shown = ", ".join(
        parts[name] for name in ("code", "sub_code", "msg", "message", "sub_msg") if name in parts
    )
    message = one_line(f"the platform answered {shown or 'with an error'}", LONGEST_TEXT)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(text)), RefusedCall)
    if kind is Throttled:
        seconds = _SECONDS.search(text)
        return Throttled(message, float(seconds[1]) if seconds else None)
    return kind(message)
