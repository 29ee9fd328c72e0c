"""Facts in the form in which a buyer reads them: the order, the parcel's number, money and days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import polars as pl
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from pipeline.drafts.plain_names import plain_city, plain_title

# Ids and carriers come from files that anyone may have written: text that does not look like one
# counts as missing.
_ID, _CARRIER = re.compile(r"[\w.#-]{1,64}"), re.compile(r"[\w .,&()'+/-]{1,40}")
_POSTAL, _POSTAL_WEIGHTS = re.compile(r"[A-Z]{2}(\d{9})[A-Z]{2}"), (8, 6, 4, 2, 3, 5, 9, 7)
_UPS = re.compile(r"1Z([0-9A-Z]{15})(\d)")
_LINES = re.compile(r"LP\d{11,16}(?:[A-Z]{2})?|YT\d{16}")

# by language; a French one has its space
_QUOTES = {
    "ar": ("«", "»"),
    "de": ("„", "“"),
    "es": ("«", "»"),
    "fr": ("«\u00a0", "\u00a0»"),
    "ko": ("‘", "’"),
    "ru": ("«", "»"),
}
_BRACKETS = {"ko": ("(", ")"), "zh": ("（", "）")}
# what says that the order has more products
_MORE = {"ar": "، …", "ko": " 외", "zh": "等"}

# what sources write where they do not know the carrier
UNKNOWN = "unknown"


def plain_id(text: str | None) -> str | None:
    """The id, or None if it does not look like one."""
    return text if text is not None and _ID.fullmatch(text) else None


def order_name(row: Mapping[str, Any], language: str) -> str | None:
    """The order's id and the title of its product, as `12 (“Mug”)`; with "…" if it has more
    products. None if the id does not look like one."""
    number, title = plain_id(row["order_id"]), plain_title(row["product_title"])
    if number is None or title is None:
        return number
    start, end = _QUOTES.get(language, ("“", "”"))
    more = _MORE.get(language, ", …") if (row["count_products"] or 0) > 1 else ""
    return number + _in_brackets(f"{start}{title}{end}{more}", language)


def _in_brackets(text: str, language: str) -> str:
    start, end = _BRACKETS.get(language, (" (", ")"))
    return f"{start}{text}{end}"


def tracking_number(row: Mapping[str, Any]) -> str | None:
    """The number under which the buyer can look the parcel up; None if it is not known.

    A source without tracking numbers names its parcels after the order: `1203`, `1203-1`, `1203.1`.
    Such a name is no tracking number.
    """
    number, order_id = plain_id(row["shipment_id"]), str(row["order_id"])
    if number is None or re.fullmatch(rf"#?{re.escape(order_id)}(\W.*)?", number):
        return None
    return number


def with_known_numbers(rows: pl.DataFrame, tracking_numbers: bool | None) -> pl.DataFrame:
    """The rows with `shipment_id` only where it is known as a carrier's tracking number.

    `tracking_numbers`: whether the source says that shipment ids are; None if it does not say it.
    Then only numbers in a form that carriers give out count: another may be the shop's own.
    """
    if tracking_numbers:
        return rows
    known = [
        number if tracking_numbers is None and has_carriers_form(number) else None
        for number in rows["shipment_id"]
    ]
    return rows.with_columns(shipment_id=pl.Series(known, dtype=pl.String))


def has_carriers_form(number: str | None) -> bool:
    """Whether this is a postal number (UPU S10) or a number of UPS, Cainiao or Yun Express. The
    first two have a check digit."""
    text = number or ""
    if postal := _POSTAL.fullmatch(text):
        *digits, check = map(int, postal[1])
        rest = 11 - sum(a * b for a, b in zip(digits, _POSTAL_WEIGHTS, strict=True)) % 11
        return check == {10: 0, 11: 5}.get(rest, rest)
    if ups := _UPS.fullmatch(text):
        values = [int(sign) if sign.isdigit() else (ord(sign) - 63) % 10 for sign in ups[1]]
        return (sum(values[::2]) + 2 * sum(values[1::2]) + int(ups[2])) % 10 == 0
    return bool(_LINES.fullmatch(text))


def parcel(row: Mapping[str, Any], language: str) -> str | None:
    """Tracking number and carrier, as `RX1 (Post)`."""
    number, carrier = tracking_number(row), row["carrier"]
    if number is None:
        return None
    is_known = carrier and carrier.lower() != UNKNOWN and _CARRIER.fullmatch(carrier)
    return number + _in_brackets(carrier, language) if is_known else number


def buyers_money(usd: float | None, row: Mapping[str, Any], locale: Locale) -> str | None:
    """An amount of USD in the currency in which the buyer paid the order."""
    total_usd, currency = row["total_usd"], row["currency"] or ""
    if usd is None or not total_usd or not re.fullmatch("[A-Z]{3}", currency):
        return None
    text = format_currency(usd * row["total_source"] / total_usd, currency, locale=locale)
    # no line may break within an amount, and not every font has the narrow space
    text = re.sub(r"[\u200e\u200f]", "", text).replace("\u202f", "\u00a0")
    # a code in place of a symbol needs a space
    text = re.sub(r"^([A-Z]{3})(?=\d)", "\\1\u00a0", text)
    # the abbreviation of a currency may end with a full stop, and the sentence has its own
    return text.rstrip(".")


def long_date(day: date | None, locale: Locale, location: str | None = None) -> str | None:
    """The day in words, such as May 1, 2026; with the city of the location, if it has one, in
    brackets."""
    if day is None:
        return None
    # the full stop of the abbreviation would double the sentence's
    text = re.sub(r"\s*г\.$", " года", str(format_date(day, "long", locale=locale)))
    # no language writes a zero before a day in words, but some locales of English have it
    text = text.removeprefix("0")
    # the first of a month is an ordinal in French and in Brazil
    if locale.language == "fr":
        text = re.sub(r"^1(?= )", "1er", text)
    elif locale.language == "pt" and locale.territory != "PT":
        text = re.sub(r"^1(?= )", "1º", text)
    city = plain_city(location)
    return text + _in_brackets(city, locale.language) if city else text


@cache
def locale_of(language: str, country: str | None) -> Locale:
    """The locale of a buyer; that of the language alone if the country has none."""
    try:
        return Locale(language, country) if country else Locale(language)
    except (UnknownLocaleError, ValueError):
        return Locale(language)
