"""What a feature is: its name, its unit, why it should matter, and how it is said to a seller."""

from __future__ import annotations

import re
from dataclasses import dataclass

HIGH, LOW, EITHER = "high", "low", "either"


@dataclass(frozen=True)
class Feature:
    """`says`: a sentence for the reason column; `{value}` is the order's own number, `{usual}` its stage's median.

    An empty `says` keeps the feature out of the reasons: it helps the model but tells a seller nothing to act on.
    `says_below_zero` is said, with the number's size, when the number is negative: overdue instead of days left.
    `worse` is the side on which the number is a reason to worry; on the other side of the usual nothing is said.
    """

    name: str
    unit: str
    why: str
    says: str = ""
    says_below_zero: str = ""
    worse: str = HIGH

    @property
    def measure(self) -> str:
        """The name without its lookback: features of one measure tell the same thing."""
        return re.sub(r"_\d+d$", "", self.name)

    @property
    def lookback(self) -> str:
        found = re.search(r"_(\d+)d$", self.name)
        return f"{found.group(1)} days" if found else "-"

    def sentence(self, value: float, usual: float | None) -> str:
        """The sentence with the order's own number; empty where the number is no reason to worry."""
        if not self.says:
            return ""
        if usual is not None and ((self.worse == HIGH and value <= usual) or (self.worse == LOW and value >= usual)):
            return ""
        if value < 0 and self.says_below_zero:
            text = self.says_below_zero.format(value=-value)
        else:
            text = self.says.format(value=value)
            # days late beside a usual that is days early would need two sentences
            is_other_side = usual is not None and usual < 0 and self.says_below_zero
            if usual is not None and self.worse != EITHER and not is_other_side:
                text += f" (usual: {self._number(usual)})"
        return re.sub(r"\b1 (day|unit|product|scan|photo|time|supplier|exception|dispute)s\b", r"1 \1", text)

    def _number(self, value: float) -> str:
        """`value` as the sentence writes its own number."""
        found = re.search(r"\{value(:[^}]*)?\}", self.says)
        return found.group(0).format(value=value) if found else f"{value:g}"
