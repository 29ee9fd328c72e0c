"""What a database answers, as one file per query beside its database.toml; only new and changed
rows if it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.exc import DBAPIError

from pipeline.settings.errors import BadInput, WorkspaceBusy
from pipeline.sources.database.answer_files import FOLDER, Mark, Pulled, State
from pipeline.sources.database.connection import describe_error, opened
from pipeline.sources.database.normalise_text import text_columns
from pipeline.sources.database.queries import (
    NAME,
    OVERLAP_HOURS,
    OVERLAP_NUMBERS,
    Query,
    load_database,
)

# rows of a piece; so much is read again at most when a pull is killed
PIECE = 100_000
PROGRESS_EVERY = 1_000_000


def pull(raw: Path, say: Callable[[str], None], *, anew: bool = False) -> None:
    """Pull every query of the folder's `database.toml`, in one transaction; then replace the files.

    `anew`: all rows, also of queries with a watermark. Raises `BadInput` where file or query is
    wrong, `NoDatabase` where the database is; then the files are as before, and the next pull goes
    on behind the last whole piece.
    """
    database = load_database(raw)
    with _alone(raw):
        pulled = [Pulled(raw, query, database.url or "") for query in database.query]
        with opened(database, raw) as connection:
            for each in pulled:
                try:
                    _pull(connection, each, say, anew=anew)
                except DBAPIError as error:
                    if error.connection_invalidated:
                        raise
                    raise BadInput(
                        f"{raw / NAME}: query {each.query.name}: {describe_error(error)}. Mend the query. The former tables stay."
                    ) from None
        for each in pulled:
            say(f"{each.file.name}: {each.join():,} rows")


@contextmanager
def _alone(raw: Path) -> Iterator[None]:
    (raw / FOLDER).mkdir(exist_ok=True)
    lock = FileLock(raw / FOLDER / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkspaceBusy(
            f"{raw}: another run pulls into this folder. Wait until it is done."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _pull(
    connection: sa.Connection, pulled: Pulled, say: Callable[[str], None], *, anew: bool
) -> None:
    query = pulled.query
    names = _columns(connection, query)
    state = pulled.open(anew=anew)
    if state.pieces:
        say(
            f"{query.name}: {state.pieces} pieces are there from a pull that did not end; goes on behind them"
        )
    count = 0
    for rows, mark in _answers(connection, query, names, _start(query, state)):
        pulled.add(text_columns(names, rows), mark)
        count += len(rows)
        if count % PROGRESS_EVERY == 0:
            say(f"{query.name}: {count:,} rows so far")
    if not pulled.state.pieces and not pulled.state.has_file:
        pulled.add(text_columns(names, []), None)
    say(f"{query.name}: {count:,} rows read")


def _columns(connection: sa.Connection, query: Query) -> list[str]:
    """The names of the answer's columns, before anything is read."""
    with connection.execute(_statement(connection, query, "WHERE 1 = 0")) as result:
        names = list(result.keys())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(
            f"{NAME}: query {query.name}: two columns are named {', '.join(twice)}; tell them apart by AS."
        )
    wanted = [*query.key, *([query.watermark] if query.watermark else [])]
    if missing := [name for name in wanted if name not in names]:
        raise BadInput(
            f"{NAME}: query {query.name}: no column {', '.join(missing)}; there are: {', '.join(names)}."
        )
    return names


def _answers(
    connection: sa.Connection, query: Query, names: list[str], start: Mark | None
) -> Iterator[tuple[Sequence[Sequence[Any]], Mark | None]]:
    """The rows in pieces, each with its last watermark; those without a watermark at the end, every
    time."""
    if query.watermark is None:
        for rows in _streamed(connection, _statement(connection, query)):
            yield rows, None
        return
    column, place = _quoted(connection, query.watermark), names.index(query.watermark)
    order = f"ORDER BY {column}"
    since = _statement(connection, query, f"WHERE {column} IS NOT NULL {order}")
    if start is not None:
        since = _statement(connection, query, f"WHERE {column} >= :start {order}").bindparams(
            start=start
        )
    for rows in _streamed(connection, since):
        yield rows, _mark(query, rows[-1][place])
    for rows in _streamed(connection, _statement(connection, query, f"WHERE {column} IS NULL")):
        yield rows, None


def _streamed(
    connection: sa.Connection, statement: sa.TextClause
) -> Iterator[Sequence[Sequence[Any]]]:
    options = {"stream_results": True, "max_row_buffer": PIECE}
    with connection.execute(statement, execution_options=options) as result:
        yield from result.partitions(PIECE)


def _statement(connection: sa.Connection, query: Query, rest: str = "") -> sa.TextClause:
    """The seller's query as a table to ask of; a colon in it is a colon, and a comment at its end
    ends."""
    bare = query.sql.replace(":", "\\:")
    return sa.text(f"SELECT * FROM ({bare}\n) AS answer {rest}")


def _quoted(connection: sa.Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name).replace(":", "\\:")


def _mark(query: Query, value: object) -> Mark:
    if isinstance(value, datetime | date | str) or (
        isinstance(value, int) and not isinstance(value, bool)
    ):
        return value
    raise BadInput(
        f"{NAME}: query {query.name}: watermark {query.watermark} is a {type(value).__name__}; it must be a time, "
        "a whole number or a text that sorts like one. Cast it in the query."
    )


def _start(query: Query, state: State) -> Mark | None:
    """Where to go on: where a killed pull stopped; else so much before the last watermark, since a
    change may be written under an earlier watermark than one that was seen already."""
    mark = state.mark
    if mark is None or state.pieces:
        return mark
    if isinstance(mark, int):
        return mark - int(OVERLAP_NUMBERS if query.overlap is None else query.overlap)
    back = timedelta(hours=OVERLAP_HOURS if query.overlap is None else query.overlap)
    if isinstance(mark, datetime):
        return mark - back
    if isinstance(mark, date):
        return mark - max(back, timedelta(days=1))
    return _earlier(mark, back)


def _earlier(text: str, back: timedelta) -> str:
    """A time kept as text, as SQLite does, in the same writing; a text that is none stays."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment - back).isoformat(sep=text[10] if len(text) > 10 else " ")[: max(len(text), 10)]
