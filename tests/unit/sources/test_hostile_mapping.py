"""Mapping files and other TOML files of unknown origin: no traceback, no calculation without end,
no file from outside the folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipeline.settings import toml_model
from pipeline.settings.errors import BadInput
from pipeline.settings.toml_model import read_toml
from pipeline.sources.canonical import read_canonical
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.source_context import SourceContext

TIMES = 'order_id = "id"\noccurred_at = '
REPEATED = ", ".join(['"at"'] * 101)


def read(folder: Path, columns: str = TIMES + '"at"', more: str = "", file: str = "o.csv") -> None:
    (folder / "o.csv").write_text("id,at,x\n1,2024-01-01,a\n2,2024-01-02,b\n")
    (folder / "mapping.toml").write_text(
        f'[store]\nname = "s"\nzone = "UTC"\n[[fact]]\ntable = "orders"\nfile = "{file}"\n'
        f"{more}\n[fact.columns]\n{columns}\n"
    )
    read_mapped(SourceContext(folder, {"USD": 1.0}))


@pytest.mark.parametrize("file", ["../o.csv", "/etc/passwd", "**/../../o.csv", "[" * 300])
def test_a_pattern_cannot_name_a_file_outside_the_folder(tmp_path: Path, file: str) -> None:
    inner = tmp_path / "raw"
    inner.mkdir()
    (tmp_path / "o.csv").write_text("id,at\n1,2024-01-01\n")
    with pytest.raises(BadInput, match="no such file in"):
        read(inner, file=file)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("known_after_hours = inf", "known_after_hours"),
        ("known_after_hours = nan", "known_after_hours"),
        ("known_after_hours = 1e300", "known_after_hours"),
        ('per = ["id", "id"]', "names id twice"),
        (f"per = [{REPEATED}]", "at most 100 items"),
    ],
)
def test_a_fact_out_of_bounds_is_named(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, more=more)


@pytest.mark.parametrize("key", ["column", "plus", "minus", "format"])
def test_a_cell_of_very_many_parts_is_refused(tmp_path: Path, key: str) -> None:
    source = "" if key == "column" else "value = 'x', "
    with pytest.raises(BadInput, match="at most 100 items"):
        read(tmp_path, f"{TIMES}{{{source}{key} = [{REPEATED}]}}")


def test_a_mapping_of_very_many_facts_is_refused(tmp_path: Path) -> None:
    fact = '\n[[fact]]\ntable = "orders"\nfile = "o.csv"\n'
    fact += 'columns = {order_id = "id", occurred_at = "at"}'
    with pytest.raises(BadInput, match="at most 200 items"):
        read(tmp_path, TIMES + '"at"' + fact * 200)


@pytest.mark.parametrize("name", ["a\\u0000b", "zip", "rot13", "undefined", "x" * 10_000])
def test_an_encoding_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"o\.csv: cannot be read as"):
        read(tmp_path, f'{TIMES}"at"\n[[form]]\nfile = "o.csv"\nencoding = "{name}"')


def test_a_pattern_of_many_stars_does_not_take_for_ever(tmp_path: Path) -> None:
    (tmp_path / ("a" * 240 + ".csv")).write_text("id,at\n1,2024-01-01\n")
    started = time.process_time()
    with pytest.raises(BadInput, match="no such file in"):
        read(tmp_path, file="*a" * 40 + "*b*")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        "a." * 100_000 + "a = 1",
        "a . " * 100_000 + "a = 1",
        "[" + "a." * 2_000 + "a]\n",
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 50_000,
        "a = " + "9" * 5_000,
        "a = '" + "x" * toml_model.MOST_BYTES + "'",
    ],
    ids=["name", "spaces", "table", "lists", "tables", "number", "size"],
)
def test_toml_that_would_take_for_ever_ends_soon(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    started = time.process_time()
    with pytest.raises(BadInput, match=r"config\.toml"):
        read_toml(tmp_path / "config.toml")
    assert time.process_time() - started < 5


def test_names_of_some_parts_and_long_texts_are_read(tmp_path: Path) -> None:
    text = "a.b.c.d = 'See www.example.com... and 1.2.3.4, v1.2'\nb = '" + "x" * 100_000 + "'"
    (tmp_path / "config.toml").write_text(text)
    assert read_toml(tmp_path / "config.toml")["a"]["b"]["c"]["d"].startswith("See")


@pytest.mark.parametrize(
    "text",
    ["zone = " + "[" * 10_000, 'zone = "\\ud800"', "zone", "zone = 5", "a." * 9_000 + "b = 1"],
)
def test_a_broken_file_of_a_canonical_store_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.toml").write_text(text)
    with pytest.raises(BadInput, match=r"store\.toml"):
        read_canonical(SourceContext(tmp_path))
