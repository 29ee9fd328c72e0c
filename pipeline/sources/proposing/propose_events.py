"""Propose the `[[fact]]` sections for what happens to orders: payments, parcels, promises, messages
and reviews."""

from __future__ import annotations

import re

import polars as pl

from pipeline.sources.mapped.column_profile import Profile, Sheet
from pipeline.sources.proposing import column_guesses
from pipeline.sources.proposing.column_guesses import name_fit
from pipeline.sources.proposing.proposal import (
    FactGuess,
    Guess,
    Key,
    Proposal,
    best_column,
    cell_of,
    time_guess,
)
from pipeline.sources.proposing.propose_disputes import (
    add_dispute_rows,
    add_disputes,
    is_of_disputes,
    known_share,
    words_of,
)

# a promise of more days is no promise
MOST_DAYS = 180


def add_events(proposal: Proposal, sheet: Sheet, key: Key, *, is_main: bool) -> None:
    """Add the events in a table with order ids: one for each column with the time of an event.
    `is_main`: whether this is the table of the orders."""
    taken = [key.column]
    if not is_main:
        if is_of_disputes(sheet):
            add_disputes(proposal, sheet, key)
            return
        if add_dispute_rows(proposal, sheet, key):
            return
        if _add_messages(proposal, sheet, key) or _add_reviews(proposal, sheet, key):
            return
    else:
        taken += [
            str(guess.cell["column"])
            for guess in proposal.facts[0].columns
            if guess.name == "occurred_at"
        ]
    for table, constants, patterns in column_guesses.TIMES:
        profile, score = best_column(sheet, patterns, "time", taken)
        if profile is None:
            continue
        taken.append(profile.name)
        columns = [
            Guess("order_id", key.cell(), key.sure),
            *[Guess(name, {"value": value}, 1.0) for name, value in constants.items()],
            _promised_at(profile, score)
            if table == "promises"
            else time_guess("occurred_at", profile, score),
            *_parcel_columns(sheet, table),
        ]
        per = key.column if is_main and proposal.facts[0].per else ""
        proposal.facts.append(FactGuess(table, sheet.file, columns, per, joins=key.joins))
    if is_main:
        _add_promise_of_days(proposal, sheet, key)
    if not is_main:
        _date_promises([fact for fact in proposal.facts if fact.file == sheet.file])


def _promised_at(profile: Profile, score: float) -> Guess:
    """A promise for a date without a time of day lasts until the end of that day."""
    guess = time_guess("promised_at", profile, score)
    if not profile.is_day_only:
        return guess
    note = guess.note if profile.rivals else "until the end of that day"
    return Guess(guess.name, {**guess.cell, "plus_days": 1}, guess.sure, note)


def _add_promise_of_days(proposal: Proposal, sheet: Sheet, key: Key) -> None:
    """Add the promise of a column with the number of days from the order on."""
    orders = proposal.facts[0]
    placed = next((guess for guess in orders.columns if guess.name == "occurred_at"), None)
    for profile in sheet.columns.values():
        fit = name_fit(profile.words, column_guesses.PROMISED_DAYS)
        if not fit or placed is None or re.search(column_guesses.NOT_PROMISED, profile.words):
            continue
        days = sheet.values(profile.name).cast(pl.Float64, strict=False)
        if days.is_empty() or days.has_nulls() or not days.is_between(0, MOST_DAYS).all():
            continue
        is_dispatch = re.search(column_guesses.DISPATCH_DAYS, profile.words)
        columns = [
            Guess("order_id", key.cell(), key.sure),
            Guess("kind", {"value": "dispatch" if is_dispatch else "delivery"}, 1.0),
            Guess("promised_at", {**placed.cell, "days": profile.name}, 0.5 * fit + 0.4),
        ]
        proposal.facts.append(FactGuess("promises", sheet.file, columns, orders.per))
        return


def _date_promises(facts: list[FactGuess]) -> None:
    """A row in a file of parcels is written at dispatch, so its promise was known then, not when
    the order was placed."""
    dispatched_at = next(
        (
            guess
            for fact in facts
            if fact.table == "shipments"
            for guess in fact.columns
            if guess.name == "occurred_at"
        ),
        None,
    )
    for fact in facts:
        if fact.table == "promises" and dispatched_at is not None:
            note = "a promise in a file of parcels is known from dispatch on"
            fact.columns.append(Guess("occurred_at", dispatched_at.cell, dispatched_at.sure, note))


def _parcel_columns(sheet: Sheet, table: str) -> list[Guess]:
    if table not in ("shipments", "tracking"):
        return []
    guesses = []
    parcel, score = best_column(sheet, column_guesses.PARCEL, "text")
    if parcel is not None:
        guesses.append(Guess("shipment_id", cell_of(parcel), 0.5 * score + 0.5 * parcel.distinct))
    taken = [parcel.name] if parcel else []
    carrier, score = best_column(sheet, column_guesses.CARRIER, "text", taken)
    if carrier is not None and table == "shipments":
        guesses.append(Guess("carrier", cell_of(carrier), 0.5 * score + 0.5 * carrier.filled))
    return guesses


def _add_messages(proposal: Proposal, sheet: Sheet, key: Key) -> bool:
    """Add messages if the table has a sender and a time. Returns whether it did."""
    sender, score = best_column(sheet, column_guesses.SENDER, "text", [key.column])
    sent, sent_fit = best_column(sheet, column_guesses.SENT, "time", [key.column])
    if sender is None or sent is None:
        return False
    words = words_of(sheet, sender.name, column_guesses.SENDERS)
    known = known_share(words)
    if known < 0.5:
        return False
    cell = {"column": sender.name, "words": words, "otherwise": ""}
    columns = [
        Guess("order_id", key.cell(), key.sure),
        Guess("sender", cell, 0.4 * score + 0.5 * known),
        time_guess("occurred_at", sent, sent_fit),
    ]
    proposal.facts.append(FactGuess("messages", sheet.file, columns, joins=key.joins))
    return True


def _add_reviews(proposal: Proposal, sheet: Sheet, key: Key) -> bool:
    """Add reviews if the table has a score and a time. Returns whether it did."""
    score, score_fit = best_column(sheet, column_guesses.SCORE, "number", [key.column])
    rated, rated_fit = best_column(sheet, column_guesses.RATED, "time", [key.column])
    if score is None or rated is None:
        return False
    columns = [
        Guess("order_id", key.cell(), key.sure),
        Guess("score", cell_of(score), 0.5 * score_fit + 0.5),
        time_guess("occurred_at", rated, rated_fit),
    ]
    proposal.facts.append(FactGuess("reviews", sheet.file, columns, joins=key.joins))
    return True


def drop_duplicates(proposal: Proposal) -> None:
    """If two files give the same facts, such as the dispatch of orders, keep the file with more
    columns."""
    for table, constant in (
        ("shipments", ""),
        ("tracking", "Delivered"),
        ("products", ""),
        ("promises", "delivery"),
    ):
        same = [
            fact
            for fact in proposal.facts
            if fact.table == table
            and (not constant or any(guess.cell.get("value") == constant for guess in fact.columns))
        ]
        kept = max(same, key=lambda fact: len(fact.columns), default=None)
        proposal.facts = [
            fact
            for fact in proposal.facts
            if fact is kept or all(fact is not other for other in same)
        ]
