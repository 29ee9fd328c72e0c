"""The language of a buyer's message, and which agent writes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from features.calendars_and_countries import language_of
from features.sentence import Sentence, sentence
from models.actions.agents import Agent

LANGUAGES = ("en", "es", "pt", "fr", "ru", "de", "ar", "ko", "zh")
FALLBACK = "en"
# A national currency identifies the buyer's country better than a code that may be a region of
# another country: Olist has the codes of Brazilian states.
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
    """The language of the message, from an order's `currency` and `country`.

    English where there are no drafts in the buyer's language, or where `in_english` has it.
    """
    by_currency = pl.col("currency").replace_strict(
        CURRENCY_COUNTRY, default=None, return_dtype=pl.String
    )
    language = language_of(pl.coalesce(by_currency, "country"))
    written = [name for name in LANGUAGES if name not in in_english]
    return pl.when(language.is_in(written)).then(language).otherwise(pl.lit(FALLBACK))


def who_writes(
    options: pl.DataFrame, assigned: pl.DataFrame, agents: Sequence[Agent]
) -> dict[str, Any]:
    """Who does what on one night.

    `agents`: actions by agent and language. `nobody_writes`: by language, the buyers worth an
    action who are left out because no agent writes it, without those who are listed or held out.

    `options`: those worth doing that a buyer could get; `assigned`: the buyers who are listed or
    held out, with the `agent` of each.
    """
    known = frozenset[str]().union(*(agent.languages for agent in agents))
    unwritten = (
        options.filter(pl.col("minutes") > 0, ~pl.col("message_language").is_in(list(known)))
        .join(assigned, on="buyer_id", how="anti")
        .unique("buyer_id")
    )
    counts = (
        unwritten["message_language"]
        .value_counts()
        .sort(["count", "message_language"], descending=[True, False])
    )
    # tasks for suppliers and carriers are in the common language
    language = pl.col("message_language").fill_null(FALLBACK)
    done = assigned.drop_nulls("agent").group_by("agent", language).len()
    by_agent: dict[str, dict[str, int]] = {}
    for agent, language, count in done.sort("agent", "message_language").iter_rows():
        by_agent.setdefault(agent, {})[language] = count
    return {"agents": by_agent, "nobody_writes": dict(counts.iter_rows())}


def writers_sentence(writers: Mapping[str, Any]) -> Sentence:
    """The result of `who_writes` as one line for people."""

    def counts(by_language: Mapping[str, int]) -> str:
        return ", ".join(f"{count} {language}" for language, count in by_language.items())

    agents = "; ".join(f"{agent} {counts(own)}" for agent, own in writers["agents"].items())
    shares = agents or sentence("writers.nothing", "nothing to write")
    if not (left_out := writers["nobody_writes"]):
        return sentence("writers.all", "Who writes what: {shares}.", shares=shares)
    return sentence(
        "writers.left_out",
        "Who writes what: {shares}. Buyers worth an action who are left out because no agent "
        "writes their language: {left_out}.",
        shares=shares,
        left_out=counts(left_out),
    )
