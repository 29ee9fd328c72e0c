"""The text of a proposed mapping file, with comments on what to check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from pipeline.output.safe_text import one_line
from pipeline.sources.mapped.column_profile import Sheet
from pipeline.sources.mapped.mapping import REQUIRED
from pipeline.sources.proposing.presets import presets
from pipeline.sources.proposing.proposal import FactGuess, Guess, Proposal

UNSURE = 0.75
NO_PROMISES = """
# No column gives the promised delivery date, and lateness is computed from it. If you promise, for
# example, 30 days from the order, remove the "# " from these lines:
# [[fact]]
# table = "promises"
# file = {file}{per}
# [fact.columns]
# order_id = {order_id}
# kind = {{value = "delivery"}}
# promised_at = {promised_at}
"""


def mapping_lines(proposal: Proposal, sheets: Sequence[Sheet], zone: str | None) -> Iterator[str]:
    """The lines of the mapping file. `zone`: that of the store, if it is known."""
    yield from _first_lines(proposal, sheets)
    yield from _store_lines(proposal, zone)
    for fact in proposal.facts:
        yield ""
        yield from _fact_lines(fact, proposal.patterns[fact.file])
    if not any(
        fact.table == "promises" and "delivery" in _constants(fact) for fact in proposal.facts
    ):
        yield from _no_promises(proposal).rstrip("\n").split("\n")
    if proposal.causes:
        yield ""
        yield "# reason of the dispute -> not_received, not_as_described, other;"
        yield "# disputes with the cause unknown are counted and reported"
        yield "[causes]"
        for reason, cause in proposal.causes.items():
            yield f"{_text(reason)} = {_text(cause)}" + ("  # LOOK" if cause == "unknown" else "")
    yield ""
    yield "# What is left out is at the top of this file."


def left_out(proposal: Proposal, sheets: Sequence[Sheet]) -> list[Sheet]:
    """The files that the mapping does not use at all, not even through a join."""
    used = {fact.file for fact in proposal.facts}
    joined = {join.file for fact in proposal.facts for join in fact.joins}
    return [each for each in sheets if each.file not in used and each.patterns not in joined]


def _first_lines(proposal: Proposal, sheets: Sequence[Sheet]) -> Iterator[str]:
    """What the mapping uses and leaves out, and what to do next."""
    yield "# Proposed by make map. Format: docs/reference/mapping.md."
    yield "# sure: how well a column fits, from 0 to 1."
    yield "# Check every line marked LOOK, then run: make doctor SOURCE=mapped RAW=..."
    for file, kind in proposal.kinds.items():
        yield f"# {_comment(file)}: recognised as {_comment(kind)}"
    yield "#"
    yield "# Left out:"
    whole = left_out(proposal, sheets)
    for sheet in sheets:
        unused = _comment(", ".join(proposal.unused.get(sheet.file, [])) or "nothing")
        unused = "the whole file" if sheet in whole else unused
        for name in sheet.names:
            yield f"# {_comment(name)}: {unused}"
    for hint in proposal.hints:
        yield f"# {_comment(hint)}"


def _store_lines(proposal: Proposal, zone: str | None) -> Iterator[str]:
    offsets = " (the times have their own offsets)" if proposal.has_offsets else ""
    sure = "sure 0.9" if proposal.currency else "LOOK: no column has it"
    yield ""
    yield "[store]"
    yield 'name = "store"'
    if zone is not None:
        yield f"zone = {_text(zone)}  # of ZONE; times without an offset are in it{offsets}"
    else:
        yield (
            'zone = "UTC"  # LOOK: set your own, such as "Asia/Shanghai", or run make map with '
            f"ZONE=; times without an offset are in this zone{offsets}"
        )
    yield (
        f"currency = {_text(proposal.currency or 'USD')}  # {sure}; "
        "if it is not USD, add its rate to usd_per in config.toml"
    )
    yield f"decimal = {_text(proposal.decimal)}"


def skeleton_lines(sheets: Sequence[Sheet], zone: str | None) -> Iterator[str]:
    """The lines of a mapping to fill in, for files in which no orders were recognised."""
    yield "# make map recognised no orders in these files. It looked for a table with a column of"
    yield "# order numbers (such as Order ID, Order Number, Name) and one with the time of the"
    yield "# order (such as Order Date, Created at, Purchase Date) in each row, or for one of"
    yield "# these exports:"
    yield f"# {', '.join(kind.name for kind in presets())}."
    yield "# Fill in every line marked LOOK. Format: docs/reference/mapping.md."
    yield "#"
    yield "# The files and their columns (T: times, N: numbers):"
    for sheet in sheets:
        marked = (
            f"{profile.name}{' (T)' if profile.is_time else ' (N)' if profile.is_number else ''}"
            for profile in sheet.columns.values()
        )
        for name in sheet.names:
            yield f"# {_comment(name)}: {_comment(', '.join(marked))}"
    yield from _store_lines(Proposal(decimal="."), zone)
    pattern = sheets[0].patterns if sheets else ("orders*.csv",)
    yield ""
    yield "[[fact]]"
    yield 'table = "orders"'
    yield f"file = {_toml(_one_or_many(pattern))}  # LOOK: the file that lists the orders"
    yield "[fact.columns]"
    yield 'order_id = "?"  # LOOK: the column with the order number'
    yield 'occurred_at = "?"  # LOOK: the column with the time of the order'
    yield '# buyer_id = "?"'
    yield '# country = "?"'
    yield '# total = "?"'
    yield ""
    yield "# [[fact]]"
    yield '# table = "disputes"'
    yield '# file = "?"'
    yield "# [fact.columns]"
    yield '# order_id = "?"'
    yield '# step = {value = "opened"}'
    yield '# occurred_at = "?"'
    yield '# reason = "?"'


def _constants(fact: FactGuess) -> list[object]:
    return [guess.cell.get("value") for guess in fact.columns]


def _fact_lines(fact: FactGuess, patterns: Sequence[str]) -> Iterator[str]:
    yield "[[fact]]"
    yield f'table = "{fact.table}"'
    yield f"file = {_toml(_one_or_many(patterns))}"
    if fact.note:
        yield f"# {_comment(fact.note)}"
    if fact.per:
        yield f"per = {_text(fact.per)}"
    for name, value in fact.settings.items():
        yield f"{name} = {_toml(value)}"
    for join in fact.joins:
        yield "[[fact.join]]"
        yield f"file = {_toml(_one_or_many(join.file))}"
        yield f"match = {_toml(join.match)}"
        yield f"columns = {_toml(join.columns)}"
    yield "[fact.columns]"
    for guess in fact.columns:
        yield _column_line(guess)
    mapped = {guess.name for guess in fact.columns}
    for name in REQUIRED[fact.table]:
        if name not in mapped:
            yield f'{name} = {{value = "unknown"}}  # LOOK: no column fits; enter one'


def _column_line(guess: Guess) -> str:
    cell = dict(guess.cell)
    toml = _toml(cell["column"]) if list(cell) == ["column"] else _toml(cell)
    if "value" in cell:
        return f"{guess.name} = {toml}"
    look = "LOOK: " if guess.sure < UNSURE and "LOOK" not in guess.note else ""
    note = f"; {_comment(guess.note)}" if guess.note else ""
    return f"{guess.name} = {toml}  # {look}sure {guess.sure:.2f}{note}"


def _no_promises(proposal: Proposal) -> str:
    orders = next(fact for fact in proposal.facts if fact.table == "orders")
    cells = {guess.name: guess.cell for guess in orders.columns}
    return NO_PROMISES.format(
        file=_toml(_one_or_many(proposal.patterns[orders.file])),
        per=f"\n# per = {_text(orders.per)}" if orders.per else "",
        order_id=_toml(cells["order_id"]),
        promised_at=_toml({**cells["occurred_at"], "plus_days": 30}),
    )


def _one_or_many(patterns: Sequence[str]) -> str | list[str]:
    return patterns[0] if len(patterns) == 1 else list(patterns)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        items = (f"{_key(str(name))} = {_toml(item)}" for name, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else _text(str(value))


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML. It has the escapes of JSON, and DEL must be escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return one_line(text, 1000)
