"""Propose the `[[fact]]` sections for disputes: files of disputes, returns and chargebacks, and
files of payments in which some rows are refunds or chargebacks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from pipeline.sources.mapped.column_profile import Sheet, plain
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


def is_of_disputes(sheet: Sheet) -> bool:
    """Whether each row of the file is a dispute, by the names of the file and its columns."""
    names = [profile.words for profile in sheet.columns.values()]
    return (
        re.search(column_guesses.DISPUTE_FILE, plain(sheet.file)) is not None
        or best_column(sheet, column_guesses.REASON[:1], "text")[0] is not None
        or any(re.search(column_guesses.DISPUTE_COLUMN, name) for name in names)
    )


def add_dispute_rows(proposal: Proposal, sheet: Sheet, key: Key) -> bool:
    """Add the refunds and chargebacks in a file of payments, by the column with the kind of each
    row. Returns whether the file has such rows."""
    for patterns in column_guesses.ROW_KIND:
        kind, score = best_column(sheet, [patterns], "text", [key.column])
        if kind is None:
            continue
        values = _common_values(sheet, kind.name)
        chosen = [value for value in values if _is_dispute_row(value)]
        taken = [key.column, kind.name]
        paid, fit = best_column(sheet, (*column_guesses.OPENED, r"date|time|\bat$"), "time", taken)
        if not chosen or len(values) >= MOST_WORDS or paid is None:
            continue
        amount, amount_fit = best_column(sheet, column_guesses.AMOUNT, "number", taken)
        columns = [
            Guess("order_id", key.cell(), key.sure),
            Guess("step", {"value": "opened"}, 1.0),
            time_guess("occurred_at", paid, fit),
            Guess("reason", cell_of(kind), 0.5 * score),
        ]
        if amount is not None:
            columns.append(Guess("amount", cell_of(amount), 0.5 * amount_fit + 0.5))
        where = {"where": {kind.name: chosen}}
        proposal.facts.append(
            FactGuess("disputes", sheet.file, columns, settings=where, joins=key.joins)
        )
        return True
    return False


def _is_dispute_row(value: str) -> bool:
    words = plain(value)
    return bool(re.search(column_guesses.DISPUTE_ROWS, words)) and not re.search(
        column_guesses.NO_DISPUTE_ROWS, words
    )


def _line_column(proposal: Proposal, sheet: Sheet, taken: Sequence[str]) -> list[Guess]:
    """The line of the order, if the lines have an id of the same name, or else the product."""
    lines = next((fact for fact in proposal.facts if fact.table == "order_lines"), None)
    for name in ("line_id", "product_id"):
        own = (
            next((guess for guess in lines.columns if guess.name == name), None) if lines else None
        )
        words = plain(str(own.cell.get("column"))) if own else ""
        for profile in sheet.columns.values():
            if words and profile.words == words and profile.name not in taken:
                return [Guess(name, cell_of(profile), 0.5 + 0.5 * profile.filled)]
    return []


def _common_values(sheet: Sheet, column: str) -> list[str]:
    """The most common values of a column, sorted."""
    counts = sheet.values(column).value_counts(sort=True)
    return sorted(counts[column].head(MOST_WORDS).to_list())


def words_of(sheet: Sheet, column: str, rules: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Our word for each of the common values of a column; empty where no rule fits."""
    return {value: our_word(value, rules) for value in _common_values(sheet, column)}


def known_share(words: dict[str, str]) -> float:
    return sum(map(bool, words.values())) / max(len(words), 1)


def add_disputes(proposal: Proposal, sheet: Sheet, key: Key) -> None:
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
    opening += [*amounts, *_line_column(proposal, sheet, taken)]
    proposal.facts.append(FactGuess("disputes", sheet.file, [*shared, *opening], joins=key.joins))
    outcome, score = best_column(sheet, column_guesses.OUTCOME, "text", taken)
    closed, closed_fit = best_column(sheet, column_guesses.CLOSED, "time", taken)
    if outcome is None or closed is None:
        return
    words = words_of(sheet, outcome.name, column_guesses.STEPS)
    cell = {"column": outcome.name, "words": words, "otherwise": ""}
    note = "how the dispute ended; rows with an empty word give no fact: LOOK"
    ending = [
        Guess("step", cell, 0.4 * score + 0.4 * known_share(words), note),
        time_guess("occurred_at", closed, closed_fit),
    ]
    proposal.facts.append(
        FactGuess("disputes", sheet.file, [*shared, *ending, *amounts], joins=key.joins)
    )


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
