"""In which language a buyer is written to, and who writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from features.calendars_and_countries import language_of
from models.contact.agents import Agent, share_out
from models.contact.decide import HELD_OUT

LANGUAGES = ("en", "es", "pt", "fr", "ru", "de", "ar", "ko", "zh")
FALLBACK = "en"
# A national currency tells the buyer's country better than a code that may be a region of it (Olist
# has states)
CURRENCY_COUNTRY = {
    "BRL": "BR",
    "RUB": "RU",
    "KRW": "KR",
    "MXN": "MX",
    "CLP": "CL",
    "COP": "CO",
    "PEN": "PE",
    "ARS": "AR",
    "GBP": "GB",
    "AUD": "AU",
    "NZD": "NZ",
    "PLN": "PL",
    "SAR": "SA",
    "AED": "AE",
    "EGP": "EG",
    "MAD": "MA",
}


def message_language(in_english: Collection[str]) -> pl.Expr:
    """Of an order's `currency` and `country`; English where there are no drafts, or the team writes
    English instead."""
    by_currency = pl.col("currency").replace_strict(
        CURRENCY_COUNTRY, default=None, return_dtype=pl.String
    )
    language = language_of(pl.coalesce(by_currency, "country"))
    written = [name for name in LANGUAGES if name not in in_english]
    return pl.when(language.is_in(written)).then(language).otherwise(pl.lit(FALLBACK))


def who_writes(
    leads: pl.DataFrame, assigned: pl.DataFrame, agents: Sequence[Agent]
) -> dict[str, Any]:
    """A night's `agents` (messages by agent and language) and `nobody_writes` (by language, the
    buyers worth a message who are left out because no agent writes it; without the held out, who
    get none anyhow).

    `leads`: who is worth a message; `assigned`: who was listed, explored or held out of them.
    """
    spoken = frozenset().union(*(agent.languages for agent in agents))
    unwritten = leads.filter(~pl.col("is_held"), ~pl.col("message_language").is_in(list(spoken)))
    counts = (
        unwritten["message_language"]
        .value_counts()
        .sort(["count", "message_language"], descending=[True, False])
    )
    sent = assigned.filter(pl.col("arm") != HELD_OUT)
    return {
        "agents": share_out(sent["message_language"], agents),
        "nobody_writes": dict(counts.iter_rows()),
    }


def say_who_writes(told: Mapping[str, Any]) -> str:
    """One line for people."""

    def counts(of: Mapping[str, int]) -> str:
        return ", ".join(f"{count} {language}" for language, count in of.items())

    agents = "; ".join(f"{agent} {counts(of)}" for agent, of in told["agents"].items())
    line = f"Who writes what: {agents or 'nothing to write'}."
    if left_out := told["nobody_writes"]:
        line += f" Buyers worth a message who are left out because no agent writes their language: {counts(left_out)}."
    return line
