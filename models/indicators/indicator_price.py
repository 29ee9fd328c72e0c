"""What one dispute prevented is worth for the store's grade: the price of the platform's rates.

A store that breaches a rate on the day of assessment loses its grade for a month. One event less in
the numerator of a rate (a dispute filed, an escalation, a ruling against the seller) lowers the
chance of that; the fall times what the grade is worth is the price of the event.

Two choices need a reason:

* The fall is the mean over a small block of events, not that of the very next one. The numerator is
  a whole number and the forecast a sample of draws, so a single event may carry many draws over the
  limit, or none: the price would be large or 0 by chance.
* The grade is lost once, however many rates are breached. With the rates treated as independent,
  the chance that any is breached is 1 - (1 - p1)(1 - p2)(1 - p3), and its fall per event of rate 1
  is the fall of p1 times (1 - p2)(1 - p3). So an event has no price where another rate is sure to
  be breached. In truth the rates rise and fall together, which makes the chance of any breach
  smaller than this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from features.clock import calendar_day
from features.sentence import Sentence, sentence
from models.indicators.rate_forecast import Forecast

# the block is a quarter of the forecast's standard deviation, within which the chance of a breach
# is nearly a straight line, but at least so many events
LEAST_BLOCK = 5
BLOCK_SHARE = 0.25
# a price below this is nothing: a cent
LEAST_USD = 0.01
Missing = Literal["", "no_limit", "no_forecast"]


@dataclass(frozen=True)
class RatePrice:
    """What one event less in the numerator of a rate is worth.

    Attributes
    ----------
    name : the rate
    breach : the chance that it is breached on the day of assessment; None: not known
    fall : how much one event less lowers that chance (0 to 1)
    usd : the fall of the chance of losing the grade, times what the grade is worth; never negative
    missing : why the rate has no price; empty if it has one
    forecast, limit : what the chance rests on

    """

    name: str
    breach: float | None = None
    fall: float = 0.0
    usd: float = 0.0
    missing: Missing = ""
    forecast: Forecast | None = None
    limit: float | None = None

    def events_per_dispute(self, escalation: float, liability: float) -> float:
        """How many events of this rate one dispute is expected to add.

        `escalation`: the chance that a dispute goes to the platform; `liability`: that it does and
        the seller is found liable.
        """
        chances = {"filed": 1.0, "escalated": escalation, "seller_liable": liability}
        events = self.forecast.rate.numerator if self.forecast else ()
        return max((chances.get(event, 0.0) for event in events), default=0.0)


@dataclass(frozen=True)
class DisputePrice:
    """What one dispute prevented is worth for the grade.

    Attributes
    ----------
    usd : USD per dispute
    breach : the chance that any rate with a price is breached
    rates : the rates with their prices
    says : one sentence with the price and its reason
    notes : one sentence for each part that has no price

    """

    usd: float
    breach: float
    rates: tuple[RatePrice, ...]
    says: Sentence
    notes: tuple[Sentence, ...] = ()


def rate_prices(
    forecasts: Mapping[str, Forecast | None],
    limits: Mapping[str, float | None],
    grade_loss_usd: float,
) -> tuple[RatePrice, ...]:
    """The price of each rate in `forecasts`, in its order.

    Parameters
    ----------
    forecasts
        By rate; None where there is too little history.
    limits
        By rate; None, or no entry, where no limit is known.
    grade_loss_usd
        What losing the grade costs a month, in USD.

    Raises
    ------
    ValueError
        `grade_loss_usd` is negative or not a number.

    """
    if not grade_loss_usd >= 0.0:
        raise ValueError(f"grade_loss_usd must be 0 or more, not {grade_loss_usd}")
    rates = [_breach(name, each, limits.get(name)) for name, each in forecasts.items()]
    return tuple(
        replace(
            rate,
            usd=grade_loss_usd
            * rate.fall
            * _none_breached(each for k, each in enumerate(rates) if k != number),
        )
        for number, rate in enumerate(rates)
    )


def price_dispute(
    rates: Sequence[RatePrice], escalation: float | None, liability: float | None
) -> DisputePrice:
    """The price of a dispute: of its filing, and of the escalation and ruling that it may lead to.

    `escalation`: the chance that a dispute goes to the platform; `liability`: that it does and the
    seller is found liable. None means not known and adds nothing.
    """
    parts = [
        rate.usd * rate.events_per_dispute(escalation or 0.0, liability or 0.0) for rate in rates
    ]
    notes = [_missing_note(rate) for rate in rates if rate.missing]
    if rates and escalation is None:
        text = "what escalations and rulings do to the grade is not counted: none is on record"
        notes.append(sentence("grade_price.no_escalation", text))
    return DisputePrice(
        sum(parts), 1.0 - _none_breached(rates), tuple(rates), _says(rates, parts), tuple(notes)
    )


def no_price() -> DisputePrice:
    """The price where a seller states no loss: 0, and the sentence says so."""
    text = "What losing the store's grade costs is not stated, so it adds nothing to a dispute"
    return DisputePrice(0.0, 0.0, (), sentence("grade_price.not_stated", text))


def _breach(name: str, forecast: Forecast | None, limit: float | None) -> RatePrice:
    """The chance of a breach, and its fall per event prevented."""
    if limit is None:
        return RatePrice(name, missing="no_limit")
    if forecast is None:
        return RatePrice(name, missing="no_forecast", limit=limit)
    block = block_size(forecast)
    chance = forecast.breach_probability(limit)
    fall = (chance - forecast.breach_probability(limit, block)) / block
    return RatePrice(name, chance, fall, forecast=forecast, limit=limit)


def block_size(forecast: Forecast) -> int:
    """The number of events that the fall of the chance is averaged over, at least 1.

    Not more than the forecast expects: events that do not come cannot be prevented.
    """
    wanted = max(LEAST_BLOCK, math.ceil(BLOCK_SHARE * float(forecast.numerators.std())))
    return max(min(wanted, round(float(forecast.numerators.mean()))), 1)


def _none_breached(rates: Iterable[RatePrice]) -> float:
    return math.prod(1.0 - (rate.breach or 0.0) for rate in rates)


def _missing_note(rate: RatePrice) -> Sentence:
    if rate.missing == "no_limit":
        return sentence(
            "grade_price.no_limit",
            "{rate} adds nothing to a dispute: it has no limit; set it in [limits]",
            rate=rate.name,
        )
    return sentence(
        "grade_price.no_forecast",
        "{rate} adds nothing to a dispute: there is no forecast of it",
        rate=rate.name,
    )


def _says(rates: Sequence[RatePrice], parts: Sequence[float]) -> Sentence:
    """The price, and the rate that adds most to it or else is likeliest to be breached."""
    known = [number for number, rate in enumerate(rates) if not rate.missing]
    if not known:
        return sentence(
            "grade_price.no_rate",
            "The store's grade adds nothing to a dispute: no rate has a limit and a forecast",
        )
    rate = rates[max(known, key=lambda number: (parts[number], rates[number].breach or 0.0))]
    chance = sentence(
        "grade_price.breach",
        "{rate} has a chance of {chance} to breach its limit of {limit} on {day}",
        rate=rate.name,
        chance=f"{rate.breach or 0.0:.0%}",
        limit=f"{rate.limit or 0.0:.2%}",
        day=calendar_day(rate.forecast.assessed_day).isoformat() if rate.forecast else "",
    )
    if sum(parts) < LEAST_USD:
        return sentence(
            "grade_price.nothing",
            "The store's grade adds nothing to a dispute: {breach}, and one less changes nothing",
            breach=chance,
        )
    return sentence(
        "grade_price.per_dispute",
        "The store's grade adds {usd} USD to a dispute: {breach}, and one less lowers that by "
        "{points} points",
        usd=f"{sum(parts):.2f}",
        breach=chance,
        points=f"{100 * rate.fall:.2f}",
    )
