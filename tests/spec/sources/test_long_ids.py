"""An id of thousands of letters is a damaged cell or a text, and no id: every reader refuses it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from features.tables import TABLES
from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.canonical import read_canonical
from pipeline.sources.enforce_contract import enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.olist.olist_source import read_olist
from pipeline.sources.reading.long_ids import MOST_LETTERS, TOO_LONG, is_too_long
from pipeline.sources.source_context import SourceContext
from pipeline.sources.tracking.tracking_source import with_tracking
from tests.spec.sources.refused_cells import refused
from tests.unit.source_folders import sound_source
from tests.unit.sources import aliexpress_answers as answers
from tests.unit.sources.tracking_bodies import SEVENTEEN

LONG = "a" * (MOST_LETTERS + 1)


def test_the_longest_id_that_is_read() -> None:
    texts = ["é" * MOST_LETTERS, f" {'a' * MOST_LETTERS} ", LONG, "a" * 100_000, None, ""]
    series = pl.Series(texts, dtype=pl.String)
    assert is_too_long(series).to_list() == [False, False, True, True, False, False]


@pytest.mark.parametrize("table", ["orders", "order_lines", "products", "disputes"])
def test_canonical_files(tmp_path: Path, table: str) -> None:
    written = sound_source("canonical").write(tmp_path / "raw")
    path = written / f"{table}.csv"
    rows = pl.read_csv(path, infer_schema=False)
    ids = [name for name in TABLES[table].schema if name.endswith("_id")]
    for column in [name for name in ids if name in rows.columns]:
        first = pl.int_range(pl.len()) == 0
        rows.with_columns(
            pl.when(first).then(pl.lit(LONG)).otherwise(column).alias(column)
        ).write_csv(path)
        data = enforce_contract(read_canonical(SourceContext(written)))
        assert (column, TOO_LONG) in refused(data)
        assert LONG not in data.frames[table][column].to_list()


def test_olist_files(tmp_path: Path) -> None:
    raw = sound_source("olist").write(tmp_path / "raw")
    path = raw / "olist_orders_dataset.csv"
    rows = pl.read_csv(path, infer_schema=False)
    long = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(LONG)).otherwise("order_id")
    rows.with_columns(order_id=long).write_csv(path)
    data = enforce_contract(read_olist(SourceContext(raw, {"BRL": 0.31})))
    assert ("order_id", TOO_LONG) in refused(data)
    assert LONG not in data.frames["orders"]["order_id"].to_list()


MAPPING = """
[store]
zone = "UTC"
[[fact]]
table = "orders"
file = "orders*"
[fact.columns]
order_id = "No"
buyer_id = "Mail"
occurred_at = "When"
total = "Sum"
[[fact]]
table = "order_lines"
file = "orders*"
[fact.columns]
order_id = "No"
product_id = "SKU"
unit_price = "Sum"
"""


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_tables_with_a_mapping(tmp_path: Path, kind: str) -> None:
    rows = [
        ("1", "a@b.example", "2024-05-03", "5", "A"),
        ("2", LONG, "2024-05-03", "5", "A"),
        (LONG, "a@b.example", "2024-05-03", "5", "A"),
        ("4", "a@b.example", "2024-05-03", "5", LONG),
    ]
    frame = pl.DataFrame(rows, schema=["No", "Mail", "When", "Sum", "SKU"], orient="row")
    (tmp_path / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    path = tmp_path / f"orders.{kind}"
    if kind == "xlsx":
        frame.write_excel(path)
    else:
        frame.write_parquet(path) if kind == "parquet" else frame.write_csv(path)
    data = enforce_contract(read_mapped(SourceContext(tmp_path)))
    assert data.frames["orders"]["order_id"].to_list() == ["1"]
    assert refused(data) == {("No", TOO_LONG), ("Mail", TOO_LONG), ("SKU", TOO_LONG)}


@pytest.mark.parametrize("id_", [answers.ORDER, answers.LINE, answers.PRODUCT, "LP00612345678901"])
def test_answers_of_the_platform(tmp_path: Path, id_: int | str) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    text = json.dumps([answers.order_list(), answers.order_detail()])
    quoted = f'"{id_}"' if isinstance(id_, str) else str(id_)
    (raw / "orders-2024-11-05.json").write_text(text.replace(quoted, f'"{LONG}"'), encoding="utf-8")
    data = enforce_contract(read_aliexpress(SourceContext(raw)))
    assert TOO_LONG in {reason for _, reason in refused(data)}
    for frame in data.frames.values():
        for column in (name for name in frame.columns if name.endswith("_id")):
            assert not frame[column].str.contains(LONG, literal=True).any()


@pytest.mark.parametrize("name", ["17track.csv", "body.json"])
def test_files_of_tracking_providers(tmp_path: Path, name: str) -> None:
    raw = sound_source("canonical").write(tmp_path / "raw")
    (raw / "tracking").mkdir()
    texts = {
        "17track.csv": (
            f"Number,Package Status,Latest Event Time\n{LONG},Delivered,2018-01-21 10:00\n"
        ),
        "body.json": json.dumps(SEVENTEEN).replace('"h-1"', f'"{LONG}"'),
    }
    (raw / "tracking" / name).write_text(texts[name], encoding="utf-8")
    context = SourceContext(raw)
    data = with_tracking(enforce_contract(read_canonical(context)), context)
    assert ("number", TOO_LONG) in refused(data)
