"""What a feature is: its name, its unit, why it should matter, and how it is said to a seller."""

from __future__ import annotations

import re
from dataclasses import dataclass

HIGH, LOW, EITHER = "high", "low", "either"


@dataclass(frozen=True)
class Feature:
    """`says`: a sentence for the reason column; `{value}` is the order's own number. Its stage's
    median is told beside.

    An empty `says` keeps the feature out of the reasons: it helps the model but tells a seller
    nothing to act on. `says_below_zero` is said, with the number's size, when the number is
    negative: overdue instead of days left. `worse` is the side on which the number is a reason to
    worry; on the other side of the usual nothing is said. `norm`: what the number is when nothing
    is the matter, for one that tells by itself what is usual (1 for a ratio to it): at it, or on
    its better side, nothing is said, and no median beside it. `theme`: what a seller would call one
    reason; features of a theme raise the risk together and one speaks for them. Empty: that of its
    family, by whose name it goes.
    """

    name: str
    unit: str
    why: str
    says: str = ""
    says_below_zero: str = ""
    worse: str = HIGH
    norm: float | None = None
    theme: str = ""

    @property
    def lookback(self) -> str:
        found = re.search(r"_(\d+)d$", self.name)
        return f"{found.group(1)} days" if found else "-"

    def sentence(self, value: float, usual: float | None) -> str:
        """The sentence with the order's own number; empty where the number is no reason to
        worry."""
        if not self.says or self._is_no_worse(value, usual) or self._is_no_worse(value, self.norm):
            return ""
        is_below = bool(self.says_below_zero) and value < 0
        text = (
            self.says_below_zero.format(value=-value) if is_below else self.says.format(value=value)
        )
        # days late beside a usual that is days early would need two sentences
        is_other_side = usual is not None and bool(self.says_below_zero) and (usual < 0) != is_below
        if usual is not None and self.norm is None and not is_other_side:
            text += f" (usual: {self._number(-usual if is_below else usual)})"
        return re.sub(
            r"(?<![\d.,])1 (day|unit|product|scan|photo|time|supplier|exception|dispute)s\b",
            r"1 \1",
            text,
        )

    def _is_no_worse(self, value: float, than: float | None) -> bool:
        """Also where both are written alike: nobody sees a difference then."""
        if than is None:
            return False
        is_better = (self.worse == HIGH and value <= than) or (self.worse == LOW and value >= than)
        return is_better or self._number(value) == self._number(than)

    def _number(self, value: float) -> str:
        """`value` as the sentence writes its own number; a rounded nothing has no sign."""
        found = re.search(r"\{value(:[^}]*)?\}", self.says)
        text = found.group(0).format(value=value) if found else f"{value:g}"
        return re.sub(r"^[-+](?=[0.,%]*$)", "", text)
