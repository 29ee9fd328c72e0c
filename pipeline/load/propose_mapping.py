"""The step `map`: propose a mapping file for a folder of unknown tables, with a confidence for each
column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from features.tables import TABLES
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput
from pipeline.sources.mapped.column_profile import Sheet, profile_sheet
from pipeline.sources.mapped.mapping import NAME, REQUIRED, load_mapping
from pipeline.sources.proposing.proposal import FactGuess, Guess, Proposal
from pipeline.sources.proposing.propose import propose
from pipeline.sources.sheets import ENDS, table_files
from pipeline.workspace.progress import say, warn
from pipeline.workspace.workspace import write_whole

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


def propose_mapping(raw: Path, file: Path | None = None) -> Path:
    """Write `mapping.toml` into the folder `raw`, or write `file`. Returns the path.

    Raises `BadInput` if the mapping file exists already, or if no table looks like orders.
    """
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. Set RAW to the folder with the shop's files.")
    path = file or raw / NAME
    if path.exists():
        raise BadInput(
            f"{path}: exists already and is not replaced. "
            "Write to another file: MAPPING=file.toml; or remove this one first."
        )
    sheets = _read_sheets(raw)
    proposal = propose(sheets)
    if proposal is None:
        names = "; ".join(
            f"{sheet.file}: {', '.join(list(sheet.columns)[:12])}" for sheet in sheets
        )
        raise BadInput(
            f"{raw}: no table looks like orders, with an order number and a time in each row. "
            f"Found: {one_line(names, 600)}. Write the mapping by hand: docs/reference/mapping.md."
        )
    write_whole(path, "".join(f"{line}\n" for line in _lines(proposal, sheets)))
    load_mapping(path)
    for line in _summary_lines(proposal):
        say(line)
    say(f"proposed: {path}. Check and edit it, then run: make doctor SOURCE=mapped RAW={raw}")
    return path


def _read_sheets(raw: Path) -> list[Sheet]:
    """The tables of the folder and their column profiles. Unreadable files are left out with a
    warning."""
    paths = [
        path for path in table_files(raw) if "tracking" not in path.relative_to(raw).parts[:-1]
    ]
    if not paths:
        raise BadInput(
            f"{raw}: contains no table ({', '.join(ENDS)}). Put the exports of the shop there."
        )
    sheets = []
    for path in paths:
        try:
            sheets.append(profile_sheet(raw, path))
        except BadInput as error:
            warn(f"left out: {error}")
    return sheets


def _summary_lines(proposal: Proposal) -> Iterator[str]:
    for fact in proposal.facts:
        doubts = [guess.name for guess in fact.columns if guess.sure < UNSURE]
        unsure = f"; unsure: {', '.join(doubts)}" if doubts else ""
        yield f"{fact.table:<13} from {one_line(fact.file)}: {len(fact.columns)} columns{unsure}"
    for table in TABLES:
        if all(fact.table != table for fact in proposal.facts):
            yield f"{table:<13} no columns found"


def _lines(proposal: Proposal, sheets: list[Sheet]) -> Iterator[str]:
    """The lines of the mapping file."""
    yield from _store_lines(proposal)
    for fact in proposal.facts:
        yield ""
        yield from _fact_lines(fact)
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
    yield "# Left out:"
    for sheet in sheets:
        if any(fact.file == sheet.file for fact in proposal.facts):
            unused = _comment(", ".join(proposal.unused.get(sheet.file, [])) or "nothing")
        else:
            unused = "the whole file"
        yield f"# {_comment(sheet.file)}: {unused}"


def _store_lines(proposal: Proposal) -> Iterator[str]:
    offsets = " (the times have their own offsets)" if proposal.has_offsets else ""
    sure = "sure 0.9" if proposal.currency else "LOOK: no column has it"
    yield "# Proposed by make map from the names and values of columns."
    yield "# Format: docs/reference/mapping.md."
    yield "# sure: how well a column fits, from 0 to 1."
    yield "# Check every line marked LOOK, then run: make doctor SOURCE=mapped RAW=..."
    yield ""
    yield "[store]"
    yield 'name = "store"'
    yield (
        'zone = "UTC"  # LOOK: set your own, such as "Asia/Shanghai"; times without an offset are '
        f"in this zone{offsets}"
    )
    yield (
        f"currency = {_text(proposal.currency or 'USD')}  # {sure}; "
        "if it is not USD, add its rate to usd_per in config.toml"
    )
    yield f"decimal = {_text(proposal.decimal)}"


def _constants(fact: FactGuess) -> list[object]:
    return [guess.cell.get("value") for guess in fact.columns]


def _fact_lines(fact: FactGuess) -> Iterator[str]:
    yield "[[fact]]"
    yield f'table = "{fact.table}"'
    yield f"file = {_text(fact.file)}"
    if fact.per:
        yield f"per = {_text(fact.per)}" + (f"  # {fact.note}" if fact.note else "")
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
    orders = proposal.facts[0]
    cells = {guess.name: guess.cell for guess in orders.columns}
    return NO_PROMISES.format(
        file=_text(orders.file),
        per=f"\n# per = {_text(orders.per)}" if orders.per else "",
        order_id=_toml(cells["order_id"]),
        promised_at=_toml({**cells["occurred_at"], "plus_days": 30}),
    )


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
