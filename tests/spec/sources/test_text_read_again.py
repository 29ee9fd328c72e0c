"""The text of a file is not kept in memory; it is read again once a row is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.settings.errors import BadInput
from pipeline.sources.checked_file import CheckedFile, open_checked
from pipeline.sources.source_context import SourceContext

TEXT = "order_id,total\no-1,5\no-2,many\n"


def opened(folder: Path) -> CheckedFile:
    (folder / "orders.csv").write_text(TEXT)
    file = open_checked(SourceContext(folder), "orders.csv", ["order_id", "total"])
    file.number("total")
    return file


def test_the_quarantine_has_the_text_of_refused_rows(tmp_path: Path) -> None:
    [fault] = opened(tmp_path).quarantine().rows(named=True)
    assert (fault["row"], fault["value"]) == (3, "many")
    assert fault["record"] == '{"order_id": "o-2", "total": "many"}'


def test_a_file_that_was_changed_meanwhile_is_named(tmp_path: Path) -> None:
    file = opened(tmp_path)
    (tmp_path / "orders.csv").write_text(TEXT.replace("o-1", "o-9"))
    with pytest.raises(BadInput, match=r"orders\.csv: was changed while it was loaded\. Load"):
        file.quarantine()


def test_a_file_without_refused_rows_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(TEXT.replace("many", "7"))
    file = open_checked(SourceContext(tmp_path), "orders.csv", ["order_id", "total"])
    file.number("total")
    (tmp_path / "orders.csv").unlink()
    assert file.quarantine().is_empty()
