"""What happened to orders, guessed: payments, parcels, promises, disputes, messages, reviews."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from pipeline.sources.mapped import column_guesses
from pipeline.sources.mapped.column_guesses import ours
from pipeline.sources.mapped.column_profile import Profile, Sheet, plain
from pipeline.sources.mapped.proposal import (
    FactGuess,
    Guess,
    Key,
    Proposal,
    best,
    cell_of,
    time_guess,
)
from pipeline.sources.phrases import cause_of

MOST_WORDS = 40


def happenings(made: Proposal, sheet: Sheet, key: Key, *, is_main: bool) -> None:
    """What happened to orders, by the columns that say when."""
    file, taken = plain(sheet.file), [key.column]
    if not is_main:
        if (
            re.search(column_guesses.DISPUTE_FILE, file)
            or best(sheet, column_guesses.REASON[:1], "text")[0]
        ):
            _disputes(made, sheet, key)
            return
        if _spoken(made, sheet, key) or _rated(made, sheet, key):
            return
    else:
        taken += [
            str(each.cell["column"]) for each in made.facts[0].columns if each.name == "occurred_at"
        ]
    for table, said, patterns in column_guesses.TIMES:
        profile, score = best(sheet, patterns, "time", taken)
        if profile is None:
            continue
        taken.append(profile.name)
        columns = [
            Guess("order_id", key.cell(), key.sure),
            *[Guess(n, {"value": v}, 1.0) for n, v in said.items()],
            _promised(profile, score)
            if table == "promises"
            else time_guess("occurred_at", profile, score),
            *_parcel(sheet, table),
        ]
        made.facts.append(
            FactGuess(
                table, sheet.file, columns, key.column if is_main and made.facts[0].per else ""
            )
        )
    if not is_main:
        _date_promises([fact for fact in made.facts if fact.file == sheet.file])


def _promised(profile: Profile, score: float) -> Guess:
    guess = time_guess("promised_at", profile, score)
    if not profile.is_day_only:
        return guess
    return Guess(
        guess.name,
        {**guess.cell, "plus_days": 1},
        guess.sure,
        "until the end of that day" if not profile.rivals else guess.note,
    )


def _date_promises(facts: list[FactGuess]) -> None:
    """A row of parcels is written when they are sent: what it promises was known then, and not when
    it was ordered."""
    sent = next(
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
        if fact.table == "promises" and sent is not None:
            note = "a promise in a file of parcels is known since they were sent"
            fact.columns.append(Guess("occurred_at", sent.cell, sent.sure, note))


def _parcel(sheet: Sheet, table: str) -> list[Guess]:
    if table not in ("shipments", "tracking"):
        return []
    found = []
    parcel, score = best(sheet, column_guesses.PARCEL, "text")
    if parcel is not None:
        found.append(Guess("shipment_id", cell_of(parcel), 0.5 * score + 0.5 * parcel.distinct))
    carrier, score = best(sheet, column_guesses.CARRIER, "text", [parcel.name] if parcel else [])
    if carrier is not None and table == "shipments":
        found.append(Guess("carrier", cell_of(carrier), 0.5 * score + 0.5 * carrier.filled))
    return found


def _words(sheet: Sheet, column: str, rules: Sequence[tuple[str, str]]) -> dict[str, str]:
    told = sheet.values(column).value_counts(sort=True)[column].head(MOST_WORDS).to_list()
    return {value: ours(value, rules) for value in sorted(told)}


def _disputes(made: Proposal, sheet: Sheet, key: Key) -> None:
    taken = [key.column]
    opened, fits = best(sheet, column_guesses.OPENED, "time", taken)
    if opened is None:
        return
    taken.append(opened.name)
    shared = [Guess("order_id", key.cell(), key.sure)]
    for name, patterns in (
        ("dispute_id", column_guesses.DISPUTE_ID),
        ("reason", column_guesses.REASON),
    ):
        profile, score = best(sheet, patterns, "text", taken)
        if profile is not None:
            taken.append(profile.name)
            shared.append(Guess(name, cell_of(profile), 0.5 * score + 0.5 * profile.filled))
            if name == "reason":
                told = (
                    sheet.values(profile.name)
                    .value_counts(sort=True)[profile.name]
                    .head(MOST_WORDS)
                )
                frame = (
                    told.rename("r")
                    .sort()
                    .to_frame()
                    .with_columns(c=cause_of(pl.col("r"), pl.lit(None, pl.String)))
                )
                made.causes |= dict(frame.iter_rows())
    amount, score = best(sheet, column_guesses.AMOUNT, "number", taken)
    paid = [Guess("amount", cell_of(amount), 0.5 * score + 0.5)] if amount else []
    first = [Guess("step", {"value": "opened"}, 1.0), time_guess("occurred_at", opened, fits)]
    made.facts.append(FactGuess("disputes", sheet.file, [*shared, *first, *paid]))
    outcome, score = best(sheet, column_guesses.OUTCOME, "text", taken)
    closed, fits = best(sheet, column_guesses.CLOSED, "time", taken)
    if outcome is None or closed is None:
        return
    words = _words(sheet, outcome.name, column_guesses.STEPS)
    known = sum(map(bool, words.values())) / max(len(words), 1)
    note = "how it ended; what has no word of ours tells nothing: LOOK"
    last = [
        Guess(
            "step",
            {"column": outcome.name, "words": words, "otherwise": ""},
            0.4 * score + 0.4 * known,
            note,
        ),
        time_guess("occurred_at", closed, fits),
    ]
    made.facts.append(FactGuess("disputes", sheet.file, [*shared, *last, *paid]))


def _spoken(made: Proposal, sheet: Sheet, key: Key) -> bool:
    sender, score = best(sheet, column_guesses.SENDER, "text", [key.column])
    sent, fits = best(sheet, column_guesses.SENT, "time", [key.column])
    if sender is None or sent is None:
        return False
    words = _words(sheet, sender.name, column_guesses.SENDERS)
    known = sum(map(bool, words.values())) / max(len(words), 1)
    if known < 0.5:
        return False
    cell = {"column": sender.name, "words": words, "otherwise": ""}
    columns = [
        Guess("order_id", key.cell(), key.sure),
        Guess("sender", cell, 0.4 * score + 0.5 * known),
        time_guess("occurred_at", sent, fits),
    ]
    made.facts.append(FactGuess("messages", sheet.file, columns))
    return True


def _rated(made: Proposal, sheet: Sheet, key: Key) -> bool:
    score, named = best(sheet, column_guesses.SCORE, "number", [key.column])
    rated, fits = best(sheet, column_guesses.RATED, "time", [key.column])
    if score is None or rated is None:
        return False
    columns = [
        Guess("order_id", key.cell(), key.sure),
        Guess("score", cell_of(score), 0.5 * named + 0.5),
        time_guess("occurred_at", rated, fits),
    ]
    made.facts.append(FactGuess("reviews", sheet.file, columns))
    return True


def drop_weaker(made: Proposal) -> None:
    """Of two files that say the same of orders, such as when they were sent, the one that says more
    counts."""
    for table, said in (
        ("shipments", ""),
        ("tracking", "Delivered"),
        ("products", ""),
        ("promises", "delivery"),
    ):
        same = [
            fact
            for fact in made.facts
            if fact.table == table
            and (not said or any(each.cell.get("value") == said for each in fact.columns))
        ]
        kept = max(same, key=lambda fact: len(fact.columns), default=None)
        made.facts = [
            fact for fact in made.facts if fact is kept or all(fact is not each for each in same)
        ]
