"""Run the queries of a database.toml and store one file per query next to it. Queries with a
watermark read only new and changed rows."""

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
from pipeline.sources.database.answer_files import FOLDER, Mark, PullState, QueryFiles
from pipeline.sources.database.connection import describe_error, open_read_only
from pipeline.sources.database.normalise_text import text_columns
from pipeline.sources.database.queries import (
    NAME,
    OVERLAP_HOURS,
    OVERLAP_NUMBERS,
    Query,
    load_database,
)

# rows per piece; a killed pull loses at most one piece
PIECE = 100_000
PROGRESS_EVERY = 1_000_000


def pull(raw: Path, say: Callable[[str], None], *, anew: bool = False) -> None:
    """Run every query of the `database.toml` in `raw` in one transaction, then replace the files.

    `say` prints a progress line. `anew`: read all rows, even if a query has a watermark. Raises
    `BadInput` if the file or a query is wrong, `NoDatabase` if the database fails, and
    `WorkspaceBusy` if another pull is running. The files then stay as they were, and the next pull
    continues after the last complete piece.
    """
    database = load_database(raw)
    with _locked(raw):
        pulled = [QueryFiles(raw, query, database.url or "") for query in database.query]
        with open_read_only(database, raw) as connection:
            for files in pulled:
                try:
                    _pull(connection, files, say, anew=anew)
                except DBAPIError as error:
                    if error.connection_invalidated:
                        raise
                    raise BadInput(
                        f"{raw / NAME}: query {files.query.name}: {describe_error(error)}. "
                        "Fix the query. The previous files stay in place."
                    ) from None
        for files in pulled:
            say(f"{files.file.name}: {files.join():,} rows")


@contextmanager
def _locked(raw: Path) -> Iterator[None]:
    (raw / FOLDER).mkdir(exist_ok=True)
    lock = FileLock(raw / FOLDER / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkspaceBusy(
            f"{raw}: another run is pulling into this folder. Wait until it ends."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _pull(
    connection: sa.Connection, files: QueryFiles, say: Callable[[str], None], *, anew: bool
) -> None:
    query = files.query
    names = _columns(connection, query)
    state = files.open(anew=anew)
    if state.pieces:
        say(f"{query.name}: continues after {state.pieces} pieces of a pull that did not finish")
    count = 0
    for rows, mark in _answers(connection, query, names, _start(query, state)):
        files.add(text_columns(names, rows), mark)
        count += len(rows)
        if count % PROGRESS_EVERY == 0:
            say(f"{query.name}: {count:,} rows so far")
    if not files.state.pieces and not files.state.has_file:
        files.add(text_columns(names, []), None)
    say(f"{query.name}: {count:,} rows read")


def _columns(connection: sa.Connection, query: Query) -> list[str]:
    """The column names of the answer, before any row is read. Raises `BadInput` if a name occurs
    twice or a key or watermark column is missing."""
    with connection.execute(_statement(connection, query, "WHERE 1 = 0")) as result:
        names = list(result.keys())
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(
            f"{NAME}: query {query.name}: two columns are named {', '.join(repeated)}; "
            "rename one with AS."
        )
    wanted = [*query.key, *([query.watermark] if query.watermark else [])]
    if missing := [name for name in wanted if name not in names]:
        raise BadInput(
            f"{NAME}: query {query.name}: no column {', '.join(missing)}; "
            f"the columns are: {', '.join(names)}."
        )
    return names


def _answers(
    connection: sa.Connection, query: Query, names: list[str], start: Mark | None
) -> Iterator[tuple[Sequence[Sequence[Any]], Mark | None]]:
    """The rows in pieces, each with its last watermark. Rows without a watermark come last, in
    every pull."""
    if query.watermark is None:
        for rows in _streamed(connection, _statement(connection, query)):
            yield rows, None
        return
    column, position = _quoted(connection, query.watermark), names.index(query.watermark)
    order = f"ORDER BY {column}"
    since = _statement(connection, query, f"WHERE {column} IS NOT NULL {order}")
    if start is not None:
        since = _statement(connection, query, f"WHERE {column} >= :start {order}").bindparams(
            start=start
        )
    for rows in _streamed(connection, since):
        yield rows, _mark(query, rows[-1][position])
    for rows in _streamed(connection, _statement(connection, query, f"WHERE {column} IS NULL")):
        yield rows, None


def _streamed(
    connection: sa.Connection, statement: sa.TextClause
) -> Iterator[Sequence[Sequence[Any]]]:
    options = {"stream_results": True, "max_row_buffer": PIECE}
    with connection.execute(statement, execution_options=options) as result:
        yield from result.partitions(PIECE)


def _statement(connection: sa.Connection, query: Query, rest: str = "") -> sa.TextClause:
    """Select from the query of the seller as a subquery. Colons in it are escaped, so that they are
    not parameters, and a comment at its end ends with the line."""
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
        f"{NAME}: query {query.name}: watermark {query.watermark} is a {type(value).__name__}; "
        "it must be a time, a whole number, or a text that sorts like one. Cast it in the query."
    )


def _start(query: Query, state: PullState) -> Mark | None:
    """The watermark from which to read.

    After a killed pull, this is where it stopped. Otherwise it is the last watermark less the
    overlap, because a change may be written under an earlier watermark than one already read.
    """
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
    """The earlier time for a time stored as text, as in SQLite, in the same format. Other texts are
    returned as they are."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (moment - back).isoformat(sep=text[10] if len(text) > 10 else " ")[: max(len(text), 10)]
