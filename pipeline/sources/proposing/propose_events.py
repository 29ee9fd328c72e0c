"""Propose the `[[fact]]` sections for what happens to orders: payments, parcels, promises,
disputes, messages and reviews."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Profile, Sheet, plain
from pipeline.sources.phrases import cause_of
from pipeline.sources.proposing import column_guesses
from pipeline.sources.proposing.column_guesses import our_word
from pipeline.sources.proposing.proposal import (
    FactGuess,
    Guess,
    Key,
    Proposal,
    best_column,
    cell_of,
    time_guess,
)

MOST_WORDS = 40


def add_events(proposal: Proposal, sheet: Sheet, key: Key, *, is_main: bool) -> None:
    """Add the events in a table with order ids: one for each column with the time of an event.
    `is_main`: whether this is the table of the orders."""
    file, taken = plain(sheet.file), [key.column]
    if not is_main:
        has_reason = best_column(sheet, column_guesses.REASON[:1], "text")[0] is not None
        if re.search(column_guesses.DISPUTE_FILE, file) or has_reason:
            _add_disputes(proposal, sheet, key)
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
        proposal.facts.append(FactGuess(table, sheet.file, columns, per))
    if not is_main:
        _date_promises([fact for fact in proposal.facts if fact.file == sheet.file])


def _promised_at(profile: Profile, score: float) -> Guess:
    """A promise for a date without a time of day lasts until the end of that day."""
    guess = time_guess("promised_at", profile, score)
    if not profile.is_day_only:
        return guess
    note = guess.note if profile.rivals else "until the end of that day"
    return Guess(guess.name, {**guess.cell, "plus_days": 1}, guess.sure, note)


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


def _common_values(sheet: Sheet, column: str) -> list[str]:
    """The most common values of a column, sorted."""
    counts = sheet.values(column).value_counts(sort=True)
    return sorted(counts[column].head(MOST_WORDS).to_list())


def _words(sheet: Sheet, column: str, rules: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Our word for each of the common values of a column; empty where no rule fits."""
    return {value: our_word(value, rules) for value in _common_values(sheet, column)}


def _known_share(words: dict[str, str]) -> float:
    return sum(map(bool, words.values())) / max(len(words), 1)


def _add_disputes(proposal: Proposal, sheet: Sheet, key: Key) -> None:
    """Add the opening of disputes, and their end if the table has an outcome and its time."""
    taken = [key.column]
    opened, opened_fit = best_column(sheet, column_guesses.OPENED, "time", taken)
    if opened is None:
        return
    taken.append(opened.name)
    shared = [Guess("order_id", key.cell(), key.sure), *_dispute_columns(proposal, sheet, taken)]
    amount, score = best_column(sheet, column_guesses.AMOUNT, "number", taken)
    amounts = [Guess("amount", cell_of(amount), 0.5 * score + 0.5)] if amount else []
    opening = [
        Guess("step", {"value": "opened"}, 1.0),
        time_guess("occurred_at", opened, opened_fit),
    ]
    proposal.facts.append(FactGuess("disputes", sheet.file, [*shared, *opening, *amounts]))
    outcome, score = best_column(sheet, column_guesses.OUTCOME, "text", taken)
    closed, closed_fit = best_column(sheet, column_guesses.CLOSED, "time", taken)
    if outcome is None or closed is None:
        return
    words = _words(sheet, outcome.name, column_guesses.STEPS)
    cell = {"column": outcome.name, "words": words, "otherwise": ""}
    note = "how the dispute ended; rows with an empty word give no fact: LOOK"
    ending = [
        Guess("step", cell, 0.4 * score + 0.4 * _known_share(words), note),
        time_guess("occurred_at", closed, closed_fit),
    ]
    proposal.facts.append(FactGuess("disputes", sheet.file, [*shared, *ending, *amounts]))


def _dispute_columns(proposal: Proposal, sheet: Sheet, taken: list[str]) -> list[Guess]:
    """The dispute id and the reason. Adds the causes of the common reasons to the proposal."""
    guesses = []
    for name, patterns in (
        ("dispute_id", column_guesses.DISPUTE_ID),
        ("reason", column_guesses.REASON),
    ):
        profile, score = best_column(sheet, patterns, "text", taken)
        if profile is None:
            continue
        taken.append(profile.name)
        guesses.append(Guess(name, cell_of(profile), 0.5 * score + 0.5 * profile.filled))
        if name == "reason":
            reasons = pl.DataFrame(
                {"reason": _common_values(sheet, profile.name)}, schema={"reason": pl.String}
            )
            causes = reasons.with_columns(cause=cause_of(pl.col("reason"), pl.lit(None, pl.String)))
            proposal.causes |= dict(causes.iter_rows())
    return guesses


def _add_messages(proposal: Proposal, sheet: Sheet, key: Key) -> bool:
    """Add messages if the table has a sender and a time. Returns whether it did."""
    sender, score = best_column(sheet, column_guesses.SENDER, "text", [key.column])
    sent, sent_fit = best_column(sheet, column_guesses.SENT, "time", [key.column])
    if sender is None or sent is None:
        return False
    words = _words(sheet, sender.name, column_guesses.SENDERS)
    known = _known_share(words)
    if known < 0.5:
        return False
    cell = {"column": sender.name, "words": words, "otherwise": ""}
    columns = [
        Guess("order_id", key.cell(), key.sure),
        Guess("sender", cell, 0.4 * score + 0.5 * known),
        time_guess("occurred_at", sent, sent_fit),
    ]
    proposal.facts.append(FactGuess("messages", sheet.file, columns))
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
    proposal.facts.append(FactGuess("reviews", sheet.file, columns))
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
