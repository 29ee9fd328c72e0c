"""map: propose a mapping file for a folder of unknown tables, and say how sure each column is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from features.tables import TABLES
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput
from pipeline.sources.mapped.column_profile import Sheet, look_at
from pipeline.sources.mapped.mapping import NAME, REQUIRED, load_mapping
from pipeline.sources.mapped.propose import FactGuess, Proposal, propose
from pipeline.sources.sheets import ENDS, table_files
from pipeline.workspace.progress import say, warn
from pipeline.workspace.workspace import write_whole

UNSURE = 0.75
NO_PROMISES = """
# No column says when the parcel was promised to arrive, and lateness is told from that. If you
# promise, say, 30 days from the order on, take the marks off here: [[fact]] table = "promises" file
# = {file} [fact.columns] order_id = {order_id} kind = {{value = "delivery"}} promised_at = {{column
# = {placed}, plus_days = 30}}
"""


def propose_mapping(raw: Path, file: Path | None = None) -> Path:
    """Write `mapping.toml` into the folder, or the file that is named; an existing one is never
    replaced."""
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. RAW names the folder with the shop's files.")
    path = file or raw / NAME
    if path.exists():
        raise BadInput(
            f"{path}: is there already and is kept. Name another: MAPPING=file.toml; or remove it first."
        )
    found = [
        each for each in table_files(raw) if "tracking" not in each.relative_to(raw).parts[:-1]
    ]
    if not found:
        raise BadInput(f"{raw}: holds no table ({', '.join(ENDS)}). Put the shop's exports there.")
    sheets = []
    for each in found:
        try:
            sheets.append(look_at(raw, each))
        except BadInput as error:
            warn(f"left out: {error}")
    made = propose(sheets)
    if made is None:
        names = "; ".join(
            f"{sheet.file}: {', '.join(list(sheet.columns)[:12])}" for sheet in sheets
        )
        raise BadInput(
            f"{raw}: no table looks like orders, with a number and a time of each. Found: {one_line(names, 600)}. "
            "Write the mapping by hand: docs/mapping.md."
        )
    write_whole(path, "".join(f"{line}\n" for line in _lines(made, sheets)))
    load_mapping(path)
    for line in _told(made):
        say(line)
    say(f"proposed: {path}. Read it, mend it, then: make doctor SOURCE=mapped RAW={raw}")
    return path


def _told(made: Proposal) -> Iterator[str]:
    for fact in made.facts:
        doubts = [guess.name for guess in fact.columns if guess.sure < UNSURE]
        say_doubts = f"; unsure: {', '.join(doubts)}" if doubts else ""
        yield f"{fact.table:<13} from {one_line(fact.file)}: {len(fact.columns)} columns{say_doubts}"
    for table in TABLES:
        if all(fact.table != table for fact in made.facts):
            yield f"{table:<13} nothing found"


def _lines(made: Proposal, sheets: list[Sheet]) -> Iterator[str]:
    yield "# Proposed by make map from names and values; docs/mapping.md says what may stand here. sure: 0 to 1."
    yield "# Look at every line marked LOOK, then: make doctor SOURCE=mapped RAW=..."
    yield ""
    yield "[store]"
    yield 'name = "store"'
    offsets = " (the times carry their own offsets)" if made.has_offsets else ""
    yield f'zone = "UTC"  # LOOK: your own, such as "Asia/Shanghai"; times without offset are taken in it{offsets}'
    sure = "sure 0.9" if made.currency else "LOOK: no column tells it"
    yield f"currency = {_text(made.currency or 'USD')}  # {sure}; if not USD, its rate: usd_per in config.toml"
    yield f"decimal = {_text(made.decimal)}"
    for fact in made.facts:
        yield ""
        yield from _fact(fact)
    if all(fact.table != "promises" or "delivery" not in _constants(fact) for fact in made.facts):
        yield from _no_promises(made).splitlines()
    if made.causes:
        yield ""
        yield "# why disputes were opened -> not_received, not_as_described, other; unknown is counted and said"
        yield "[causes]"
        for reason, cause in made.causes.items():
            yield f"{_text(reason)} = {_text(cause)}" + ("  # LOOK" if cause == "unknown" else "")
    yield ""
    yield "# Left out:"
    for sheet in sheets:
        left = made.unused.get(sheet.file, [])
        is_used = any(fact.file == sheet.file for fact in made.facts)
        yield f"# {_comment(sheet.file)}: {_comment(', '.join(left) or 'nothing') if is_used else 'the whole file'}"


def _constants(fact: FactGuess) -> list[object]:
    return [guess.cell.get("value") for guess in fact.columns]


def _fact(fact: FactGuess) -> Iterator[str]:
    yield "[[fact]]"
    yield f'table = "{fact.table}"'
    yield f"file = {_text(fact.file)}"
    if fact.per:
        yield f"per = {_text(fact.per)}" + (f"  # {fact.note}" if fact.note else "")
    yield "[fact.columns]"
    for guess in fact.columns:
        cell = dict(guess.cell)
        shown = _toml(cell["column"]) if list(cell) == ["column"] else _toml(cell)
        look = "LOOK: " if guess.sure < UNSURE and "LOOK" not in guess.note else ""
        note = f"; {_comment(guess.note)}" if guess.note else ""
        yield f"{guess.name} = {shown}" + (
            "" if "value" in cell else f"  # {look}sure {guess.sure:.2f}{note}"
        )
    has = {guess.name for guess in fact.columns}
    for name in REQUIRED[fact.table]:
        if name not in has:
            yield f'{name} = {{value = "unknown"}}  # LOOK: no column fits; name it'


def _no_promises(made: Proposal) -> str:
    cells = {guess.name: guess.cell for guess in made.facts[0].columns}
    return NO_PROMISES.format(
        file=_text(made.facts[0].file),
        order_id=_toml(cells["order_id"]),
        placed=_toml(cells["occurred_at"]["column"]),
    )


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{_key(str(name))} = {_toml(each)}" for name, each in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value) if isinstance(value, int | float) else _text(str(value))


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _text(name)


def _text(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own; DEL it wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return one_line(text, 1000)
