"""What a feature is: its name, its unit, why it should matter, and how it is said to a seller."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """`says`: a sentence for the reason column; `{value}` is the order's own number.

    An empty `says` keeps the feature out of the reasons: it helps the model but tells a seller nothing to act on.
    `says_below_zero` is said, with the number's size, when the number is negative: overdue instead of days left.
    """

    name: str
    unit: str
    why: str
    says: str = ""
    says_below_zero: str = ""

    @property
    def measure(self) -> str:
        """The name without its lookback: features of one measure tell the same thing."""
        return re.sub(r"_\d+d$", "", self.name)

    def sentence(self, value: float) -> str:
        """The sentence with the order's own number."""
        if value < 0 and self.says_below_zero:
            return self.says_below_zero.format(value=-value)
        return self.says.format(value=value)
