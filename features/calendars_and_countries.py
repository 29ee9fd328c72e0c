"""Time zones and languages of countries, and the dates of holidays and sales.

UTC offsets are in hours of standard time in the country's most populous zone. No feature is
sensitive to half an hour.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

# country code: (hours from UTC, language of most buyers)
COUNTRIES: dict[str, tuple[float, str]] = {
    "US": (-6.0, "en"),
    "CA": (-5.0, "en"),
    "GB": (0.0, "en"),
    "IE": (0.0, "en"),
    "AU": (10.0, "en"),
    "NZ": (12.0, "en"),
    "BR": (-3.0, "pt"),
    "PT": (0.0, "pt"),
    "ES": (1.0, "es"),
    "MX": (-6.0, "es"),
    "CL": (-4.0, "es"),
    "AR": (-3.0, "es"),
    "CO": (-5.0, "es"),
    "PE": (-5.0, "es"),
    "FR": (1.0, "fr"),
    "BE": (1.0, "fr"),
    "CH": (1.0, "de"),
    "DE": (1.0, "de"),
    "AT": (1.0, "de"),
    "IT": (1.0, "it"),
    "NL": (1.0, "nl"),
    "PL": (1.0, "pl"),
    "CZ": (1.0, "cs"),
    "SE": (1.0, "sv"),
    "NO": (1.0, "no"),
    "UA": (2.0, "uk"),
    "RU": (3.0, "ru"),
    "BY": (3.0, "ru"),
    "KZ": (5.0, "ru"),
    "TR": (3.0, "tr"),
    "SA": (3.0, "ar"),
    "AE": (4.0, "ar"),
    "EG": (2.0, "ar"),
    "MA": (1.0, "ar"),
    "IL": (2.0, "he"),
    "KR": (9.0, "ko"),
    "CN": (8.0, "zh"),
    "JP": (9.0, "ja"),
    "IN": (5.5, "en"),
    "ZA": (2.0, "en"),
}

# first days of the Chinese calendar year (source: conversion tables of the Hong Kong Observatory)
CHINESE_NEW_YEARS = tuple(
    date.fromisoformat(day)
    for day in (
        "2015-02-19",
        "2016-02-08",
        "2017-01-28",
        "2018-02-16",
        "2019-02-05",
        "2020-01-25",
        "2021-02-12",
        "2022-02-01",
        "2023-01-22",
        "2024-02-10",
        "2025-01-29",
        "2026-02-17",
        "2027-02-06",
        "2028-01-26",
        "2029-02-13",
        "2030-02-03",
        "2031-01-23",
        "2032-02-11",
        "2033-01-31",
        "2034-02-19",
        "2035-02-08",
    )
)
YEARS = range(CHINESE_NEW_YEARS[0].year, CHINESE_NEW_YEARS[-1].year + 1)


def language_of(country: pl.Expr) -> pl.Expr:
    """Language code of most buyers in a country; null for a country that is not listed."""
    languages = {c: language for c, (_, language) in COUNTRIES.items()}
    return country.replace_strict(languages, default=None, return_dtype=pl.String)


def utc_hours_of(country: pl.Expr) -> pl.Expr:
    """Hours from UTC (float64) of a country; null for a country that is not listed."""
    hours = {c: offset for c, (offset, _) in COUNTRIES.items()}
    return country.replace_strict(hours, default=None, return_dtype=pl.Float64)


def black_friday(year: int) -> date:
    """Black Friday of a year: the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


SALES = tuple(
    sorted(
        day
        for year in YEARS
        for day in (date(year, 11, 11), black_friday(year), date(year, 12, 12))
    )
)
CHRISTMASES = tuple(date(year, 12, 25) for year in YEARS)
