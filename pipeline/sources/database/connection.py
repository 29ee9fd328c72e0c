"""A database opened for reading only, and its errors without what must not be said.

SQLAlchemy, because it is one way to all three kinds and its errors are plain. Five million rows
take it half a minute; ADBC takes an eighth of that, but has no MySQL; connectorx as little, but
ends with a Rust panic when the server goes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput, NoDatabase
from pipeline.sources.database.queries import Database, parsed

URL_VARIABLE, PASSWORD_VARIABLE = "DATABASE_URL", "DATABASE_PASSWORD"
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
SHOWN = 300
# a server that is gone without a word is noticed after a minute, not after hours; seconds
WAITS: dict[str, dict[str, int]] = {
    "postgresql": {
        "connect_timeout": 30,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    },
    "mysql": {"connect_timeout": 30, "read_timeout": 3600},
}
WAITS["mariadb"] = WAITS["mysql"]
# the queries are the seller's own, but a slip of the pen must not change the shop; times in UTC,
# where the server turns them into a zone
FIRST = {
    "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TIME ZONE 'UTC'"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone = '+00:00'"),
    "sqlite": (),
}
FIRST["mariadb"] = FIRST["mysql"]


@contextmanager
def opened(database: Database, folder: Path) -> Iterator[sa.Connection]:
    """One connection in which all queries see the same moment; what it may not do, it cannot.

    Raises `NoDatabase` with what the server or driver says. `folder`: where relative paths of
    SQLite start.
    """
    url, password = _address(database)
    engine = _engine(url, folder)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise NoDatabase(
            f"{_shown(url)}: {describe_error(error, password)}. What was pulled before stays, and so do the tables; "
            "run again to go on where it ended."
        ) from None
    finally:
        engine.dispose()


def _address(database: Database) -> tuple[URL, str | None]:
    text = database.url or os.environ.get(URL_VARIABLE)
    if not text:
        raise BadInput(
            f"database.toml has no url, and the environment has no {URL_VARIABLE}. Give one of them, "
            "like postgresql://reader@host/shop."
        )
    try:
        url = parsed(text)
    except ValueError as error:
        raise BadInput(f"{URL_VARIABLE}: {error}") from None
    password = os.environ.get(PASSWORD_VARIABLE) or url.password
    return (
        url.set(password=password) if password and url.drivername != "sqlite" else url
    ), password


def _engine(url: URL, folder: Path) -> sa.Engine:
    kind = url.drivername
    if kind == "sqlite":
        return _sqlite(url, folder)
    waits = {name: str(value) for name, value in WAITS[kind].items() if name not in url.query}
    there = url.set(drivername=DRIVERS[kind]).update_query_dict(waits)
    engine = sa.create_engine(there, isolation_level="REPEATABLE READ", poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for statement in FIRST[kind]:
                cursor.execute(statement)
        connection.commit()

    return engine


def _sqlite(url: URL, folder: Path) -> sa.Engine:
    path = folder / (url.database or "")
    if not path.is_file():
        raise BadInput(
            f"{path}: no such file, so no SQLite database. A relative path starts beside database.toml."
        )

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        # what is no UTF-8 shows as such instead of ending the pull
        connection.text_factory = lambda data: data.decode(errors="replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _shown(url: URL) -> str:
    """The address without user, password and options."""
    return f"{url.drivername}://{url.host or ''}/{url.database or url.query.get('service', '')}"


def describe_error(error: SQLAlchemyError, password: str | None = None) -> str:
    """What server or driver say, in one line, without SQLAlchemy's additions and the password."""
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    if (
        isinstance(error, DBAPIError)
        and isinstance(error.orig, Exception)
        and len(error.orig.args) > 1
    ):
        # MySQL's: (number, text)
        text = str(error.orig.args[1])
    return one_line(text.replace(password, "***") if password else text, SHOWN).strip().rstrip(".")
