"""Find the order of a row whose id a spreadsheet has rounded (8E+15) or shortened (00123 to 123):
the published list of that night has the true id at the same rank and buyer."""

from __future__ import annotations

import re
from decimal import Decimal

# a spreadsheet keeps this many digits of a number and writes 0 for the others
KEPT_DIGITS = 15
ROUNDED_ID = (
    "the spreadsheet has rounded this id, and no list of that night has this rank and buyer; "
    "copy the id again from contact_list.csv into a column formatted as text"
)
OTHER_BUYER = (
    "this order is of another buyer: the spreadsheet may have rounded the id; "
    "copy it again from contact_list.csv into a column formatted as text"
)
_POWER = re.compile(r"(\d)(?:[.,](\d+))?[eE]\+?(\d{1,3})")
_WHOLE = re.compile(r"(\d{1,100})(?:[.,]0+)?")


def is_rounded(text: str) -> bool:
    """Whether a spreadsheet may have rounded this id: a power of ten, or more than 15 digits of
    which those after the 15th are 0."""
    if _POWER.fullmatch(text):
        return True
    match = _WHOLE.fullmatch(text)
    return match is not None and _unit(match[1]) > 1


def could_be(text: str, true_id: str) -> bool:
    """Whether a spreadsheet may show `true_id` as `text`."""
    if text == true_id:
        return True
    if not (true_id.isascii() and true_id.isdigit()):
        return False
    if match := _POWER.fullmatch(text):
        digits, decimals, power = match[1], match[2] or "", int(match[3])
        unit = Decimal(10) ** (power - len(decimals))
        value = Decimal(digits + decimals) * unit
        # with all its digits, a spreadsheet cuts a number; with fewer, it rounds it
        limit = unit if len(digits + decimals) >= KEPT_DIGITS else unit / 2
        return abs(Decimal(true_id) - value) <= limit
    if match := _WHOLE.fullmatch(text):
        return abs(int(match[1]) - int(true_id)) < _unit(match[1])
    return False


def _unit(digits: str) -> int:
    """The step between two numbers that a spreadsheet can show: 1 if it keeps all digits."""
    lost = len(digits.lstrip("0")) - KEPT_DIGITS
    return 10**lost if lost > 0 and digits.endswith("0" * lost) else 1
