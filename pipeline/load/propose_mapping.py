"""The step `map`: propose a mapping file for a folder of unknown tables, with a confidence for each
column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import polars as pl

from features.tables import TABLES
from pipeline.load.known_sources import warn_of_linked
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput
from pipeline.settings.regular_files import linked_folders
from pipeline.sources.mapped.column_profile import Sheet, sound_rows
from pipeline.sources.mapped.mapping import NAME, load_mapping
from pipeline.sources.mapped.mapping_cells import zone_name
from pipeline.sources.proposing.file_patterns import grouped_sheets
from pipeline.sources.proposing.mapping_text import UNSURE, left_out, mapping_lines, skeleton_lines
from pipeline.sources.proposing.proposal import Proposal
from pipeline.sources.proposing.propose import propose
from pipeline.sources.sheets import ENDS, table_files
from pipeline.workspace.progress import say, warn
from pipeline.workspace.workspace import write_whole

# columns that only our own format has together
CANONICAL = {"order_id", "buyer_id", "occurred_at", "total_usd"}
UNEDITED = "# As long as nothing above is edited, make map replaces this file: "
OLIST = "olist_orders_dataset"


def propose_mapping(raw: Path, file: Path | None = None, zone: str | None = None) -> Path:
    """Write `mapping.toml` into the folder `raw`, or write `file`. Returns the path. `zone`: the
    time zone of the store.

    Raises `BadInput` if the mapping file exists already, if the folder needs none, or, after a
    mapping to fill in was written, if no table looks like orders.
    """
    if not raw.is_dir():
        raise BadInput(f"{raw}: is not a folder. Set RAW to the folder with the shop's files.")
    path = file or raw / NAME
    if path.exists() and not _is_unedited(path):
        raise BadInput(
            f"{path}: exists already and is not replaced. "
            "Write to another file: MAPPING=file.toml; or remove this one first."
        )
    _check_zone(zone)
    warn_of_linked(linked_folders(raw), raw)
    tables = _read_tables(raw)
    _refuse_known_format(raw, tables)
    sheets = grouped_sheets(tables)
    proposal = propose(sheets)
    if proposal is None:
        lines = list(skeleton_lines(sheets, zone))
        _write(path, [*lines, UNEDITED + _digest(lines)])
        raise BadInput(_nothing_recognised(raw, path, sheets))
    _write(path, mapping_lines(proposal, sheets, zone))
    load_mapping(path)
    for line in _summary_lines(proposal, sheets):
        say(line)
    if zone is None:
        say("zone: UTC is assumed for days and for times without an offset; set it, or use ZONE=")
    if not proposal.currency:
        say("currency: USD is assumed, because no column has it; set it if it is another")
    say(f"proposed: {path}. Check and edit it, then run: make doctor SOURCE=mapped RAW={raw}")
    return path


def _check_zone(zone: str | None) -> None:
    try:
        zone_name(zone)
    except ValueError as error:
        raise BadInput(f"ZONE={zone}: {error}.") from None


def _write(path: Path, lines: Iterable[str]) -> None:
    write_whole(path, "".join(f"{line}\n" for line in lines))


def _digest(lines: Sequence[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()


def _is_unedited(path: Path) -> bool:
    """Whether the file is a mapping to fill in, in which nothing was filled in yet."""
    *lines, last = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1] or [""]
    return last == UNEDITED + _digest(lines)


def _read_tables(raw: Path) -> dict[str, pl.DataFrame]:
    """The tables of the folder by file. Unreadable files are left out with a warning."""
    paths = [
        path for path in table_files(raw) if "tracking" not in path.relative_to(raw).parts[:-1]
    ]
    if not paths:
        raise BadInput(
            f"{raw}: contains no table ({', '.join(ENDS)}). Put the exports of the shop there."
        )
    tables = {}
    for path in paths:
        try:
            tables[path.relative_to(raw).as_posix()] = sound_rows(path)
        except BadInput as error:
            warn(f"left out: {error}")
    return tables


def _refuse_known_format(raw: Path, tables: dict[str, pl.DataFrame]) -> None:
    """Raise `BadInput` for a folder that another source reads without a mapping."""
    source = ""
    for name, table in tables.items():
        if name == "orders.csv" and set(table.columns) >= CANONICAL:
            source = "canonical"
        elif Path(name).stem == OLIST:
            source = "olist"
    if source:
        raise BadInput(
            f"{raw}: these files are in the {source} format, which needs no mapping. "
            f"Run: make doctor SOURCE={source} RAW={raw}"
        )


def _nothing_recognised(raw: Path, path: Path, sheets: list[Sheet]) -> str:
    names = "; ".join(f"{sheet.file}: {', '.join(list(sheet.columns)[:12])}" for sheet in sheets)
    return (
        f"{raw}: no table looks like orders, with an order number and a time in each row. "
        f"The files have: {one_line(names, 600)}. {path} is a mapping to fill in, with what was "
        "looked for; docs/reference/mapping.md explains it."
    )


def _summary_lines(proposal: Proposal, sheets: list[Sheet]) -> Iterator[str]:
    if whole := left_out(proposal, sheets):
        names = ", ".join(name for sheet in whole for name in sheet.names)
        yield f"left out: {one_line(names, 600)}"
    for file, kind in proposal.kinds.items():
        yield f"recognised: {one_line(file)}: {kind}"
    for hint in proposal.hints:
        yield one_line(hint)
    for fact in proposal.facts:
        doubts = [guess.name for guess in fact.columns if guess.sure < UNSURE]
        unsure = f"; unsure: {', '.join(doubts)}" if doubts else ""
        yield f"{fact.table:<13} from {one_line(fact.file)}: {len(fact.columns)} columns{unsure}"
    for table in TABLES:
        if all(fact.table != table for fact in proposal.facts):
            yield f"{table:<13} no columns found"
