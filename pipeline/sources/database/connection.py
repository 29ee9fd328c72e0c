"""Open a database for reading only, and report its errors without the password.

This uses SQLAlchemy because it covers all three kinds of databases and has clear errors. It reads
five million rows in half a minute. ADBC needs an eighth of that time but does not support MySQL.
connectorx is as fast but ends with a Rust panic when the server goes away.
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

from pipeline.installation.extras import require_package
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import BadInput, NoDatabase
from pipeline.sources.database.queries import Database, parse_url

URL_VARIABLE, PASSWORD_VARIABLE = "DATABASE_URL", "DATABASE_PASSWORD"
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
MOST_CHARACTERS = 300
# in seconds; a server that disappears silently is noticed after a minute, not after hours
TIMEOUTS: dict[str, dict[str, int]] = {
    "postgresql": {
        "connect_timeout": 30,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    },
    "mysql": {"connect_timeout": 30, "read_timeout": 3600},
}
TIMEOUTS["mariadb"] = TIMEOUTS["mysql"]
# The seller writes the queries, but a mistake in one must not change the shop. Times are in UTC
# where the server converts them to a zone.
SESSION_START = {
    "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TIME ZONE 'UTC'"),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone = '+00:00'"),
    "sqlite": (),
}
SESSION_START["mariadb"] = SESSION_START["mysql"]


@contextmanager
def open_read_only(database: Database, folder: Path) -> Iterator[sa.Connection]:
    """One read-only connection in which all queries see the same state of the database.

    `folder`: relative paths of SQLite files start here. Raises `BadInput` if the address is missing
    or wrong, `MissingExtra` if its driver is not installed, and `NoDatabase` with the message of
    the server or driver if the database fails.
    """
    url, password = _address(database)
    engine = _engine(url, folder)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise NoDatabase(
            f"{_shown(url)}: {describe_error(error, password)}. The files pulled before and the "
            "tables stay in place; run again to continue where the pull stopped."
        ) from None
    finally:
        engine.dispose()


def _address(database: Database) -> tuple[URL, str | None]:
    text = database.url or os.environ.get(URL_VARIABLE)
    if not text:
        raise BadInput(
            f"database.toml has no url, and the environment variable {URL_VARIABLE} is not set. "
            "Set one of them, for example postgresql://reader@host/shop."
        )
    try:
        url = parse_url(text)
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
    require_package(DRIVERS[kind].partition("+")[2])
    timeouts = {name: str(value) for name, value in TIMEOUTS[kind].items() if name not in url.query}
    driver_url = url.set(drivername=DRIVERS[kind]).update_query_dict(timeouts)
    engine = sa.create_engine(driver_url, isolation_level="REPEATABLE READ", poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for statement in SESSION_START[kind]:
                cursor.execute(statement)
        connection.commit()

    return engine


def _sqlite(url: URL, folder: Path) -> sa.Engine:
    path = folder / (url.database or "")
    if not path.is_file():
        raise BadInput(
            f"{path}: no such SQLite file. Relative paths start in the folder of database.toml."
        )

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        # bytes that are not UTF-8 are replaced instead of ending the pull
        connection.text_factory = lambda data: data.decode(errors="replace")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _shown(url: URL) -> str:
    """The address without user, password and options."""
    return f"{url.drivername}://{url.host or ''}/{url.database or url.query.get('service', '')}"


def describe_error(error: SQLAlchemyError, password: str | None = None) -> str:
    """The message of the server or driver in one line, without the additions of SQLAlchemy and
    without the password."""
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    if (
        isinstance(error, DBAPIError)
        and isinstance(error.orig, Exception)
        and len(error.orig.args) > 1
    ):
        # MySQL errors have (number, text)
        text = str(error.orig.args[1])
    return (
        one_line(text.replace(password, "***") if password else text, MOST_CHARACTERS)
        .strip()
        .rstrip(".")
    )
