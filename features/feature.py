"""What a feature is: its name, its unit, why it should matter, and its sentence for sellers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from features.sentence import NO_SENTENCE, Sentence, sentence

HIGH, LOW, EITHER = "high", "low", "either"
# the first word of a feature's name -> the column of the order that its sentence rests on
_ENTITY_OF = {
    "supplier": "supplier_id",
    "category": "category",
    "buyer": "buyer_id",
    "country": "country",
}
_PLACEHOLDER = re.compile(r"\{value(:[^}]*)?\}")


@dataclass(frozen=True)
class Feature:
    """A column of the feature table.

    - `name`: `<family>_<measure>_<lookback>`.
    - `unit`: unit of the value, and what null means.
    - `why`: why the feature should matter.
    - `says`: the sentence in the reason column of the contact list. `{value}` is the order's own
      number, and "day(s)" becomes "1 day" or "3 days". The median of the order's stage is added.
      If `says` is empty, the feature is never a reason: it helps the model, but gives the seller
      nothing to act on.
    - `says_below_zero`: the sentence for a negative number, with its absolute value (days overdue
      instead of days left).
    - `worse`: the side on which a number is a reason to worry. No sentence is written for a number
      on the other side of the median.
    - `norm`: the normal value, for a number that is already relative to it (1 for a ratio). No
      sentence is written for a number at the norm or on its better side, and no median is added.
    - `needs`: the feature that must be above zero for the sentence to be true: a share of a buyer's
      orders is none if the buyer has no other order.
    - `about`: what the order must have for the sentence to be true, if the name does not say so.
      See `entity`.
    - `is_monotone`: whether the model must not let the risk fall while the number gets worse. It is
      true of past complaints and delays, where a fall can only be noise of few disputes.
    - `theme`: a group of features that a seller would call one reason. The features of a theme
      raise the risk together, and one sentence stands for all. Empty: the name of the family.
    """

    name: str
    unit: str
    why: str
    says: str = ""
    says_below_zero: str = ""
    worse: str = HIGH
    norm: float | None = None
    theme: str = ""
    needs: str = ""
    about: str = ""
    is_monotone: bool = False

    @property
    def direction(self) -> int:
        """The sign that the learner holds the risk to as the number grows: 1, -1, or 0 for none."""
        if not self.is_monotone:
            return 0
        return -1 if self.worse == LOW else 1

    @property
    def entity(self) -> str:
        """The column of the order that the sentence rests on, such as `supplier_id`; "" if none."""
        return self.about or _ENTITY_OF.get(self.name.split("_")[0], "")

    @property
    def lookback(self) -> str:
        """The lookback in words, such as "90 days"; "-" without one."""
        match = re.search(r"_(\d+)d$", self.name)
        return f"{match.group(1)} days" if match else "-"

    def sentence(self, value: float, usual: float | None) -> Sentence:
        """The sentence for an order's number; empty if the number is no reason to worry.

        `usual` is the median of the order's stage, or None to leave it out.
        """
        if not self.says or self._is_no_worse(value, usual) or self._is_no_worse(value, self.norm):
            return NO_SENTENCE
        is_below = bool(self.says_below_zero) and value < 0
        template = self.says_below_zero if is_below else self.says
        written = _written(_placeholder(template), abs(value) if is_below else value)
        side = "below_zero" if is_below else "above_zero"
        reason = sentence(
            f"feature.{self.name}.{side}", _PLACEHOLDER.sub("{value}", template), value=written
        )
        # days late next to a median of days early would need two sentences
        is_other_side = usual is not None and bool(self.says_below_zero) and (usual < 0) != is_below
        if usual is None or self.norm is not None or is_other_side:
            return reason
        usual_text = self._number(-usual if is_below else usual)
        return sentence(
            "feature.usually", "{reason} (usually {usual})", reason=reason, usual=usual_text
        )

    def _is_no_worse(self, value: float, than: float | None) -> bool:
        """Whether `value` is no worse than `than`, or looks the same when written."""
        if than is None:
            return False
        is_better = (self.worse == HIGH and value <= than) or (self.worse == LOW and value >= than)
        return is_better or self._number(value) == self._number(than)

    def _number(self, value: float) -> str:
        """`value` in the format of the sentence."""
        return _written(_placeholder(self.says), value)


def _placeholder(template: str) -> str:
    """The placeholder of the number in a template; a plain one if the template has none."""
    match = _PLACEHOLDER.search(template)
    return match.group(0) if match else "{value:g}"


def _written(placeholder: str, value: float) -> str:
    """`value` in the placeholder's format: 2 instead of 2.0, and no sign on a rounded zero."""
    text = re.sub(r"\.0$", "", placeholder.format(value=value))
    return re.sub(r"^[-+](?=[0.,%]*$)", "", text)
