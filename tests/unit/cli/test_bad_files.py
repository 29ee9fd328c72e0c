"""A source that is faulty as a whole is refused with exit code 10, and the tables stay as they
are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.settings.errors import BadInput
from pipeline.workspace.workspace import Workspace
from tests.unit.cli.loading import ITEMS, ORDERS, digest, load, quarantined
from tests.unit.cli.row_faults import BOUGHT


@pytest.mark.parametrize(
    ("kind", "file", "change"),
    [
        ("olist", ORDERS, {BOUGHT: "?"}),
        ("olist", ITEMS, {"price": "-1"}),
        ("canonical", "orders.csv", {"total_usd": "-1"}),
        ("canonical", "tracking.csv", {"order_id": "no-such"}),
    ],
)
def test_over_five_percent_of_faulty_rows_are_refused_and_the_tables_kept(
    make_source: Callable, tmp_path: Path, kind: str, file: str, change: dict
) -> None:
    load(tmp_path / "w", kind, make_source(kind).write(tmp_path / "raw"))
    before = digest(tmp_path / "w/tables")
    source = make_source(kind)
    for row in source.files[file][10:13]:
        row.update(change)
    load(tmp_path / "at-limit", kind, source.write(tmp_path / "raw"))
    source.files[file][13].update(change)
    with pytest.raises(BadInput) as refused:
        load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    assert refused.value.exit_code == 10
    for words in (
        file,
        "row 12",
        repr(next(iter(change.values()))),
        "6.7%",
        "5%",
        "previous tables stay",
    ):
        assert words in str(refused.value)
    assert digest(tmp_path / "w/tables") == before
    assert [row["row"] for row in quarantined(tmp_path / "w", file)] == ["12", "13", "14", "15"]


@pytest.mark.parametrize(
    ("kind", "file", "column"),
    [
        ("olist", ORDERS, BOUGHT),
        ("olist", ITEMS, "price"),
        ("olist", "olist_sellers_dataset.csv", "seller_state"),
        ("canonical", "orders.csv", "total_usd"),
        ("canonical", "promises.csv", "promised_at"),
        ("canonical", "disputes.csv", "cause"),
    ],
)
def test_a_missing_column_or_file_is_refused_and_the_tables_kept(
    make_source: Callable, tmp_path: Path, kind: str, file: str, column: str
) -> None:
    source = make_source(kind)
    load(tmp_path / "w", kind, source.write(tmp_path / "raw"))
    before = digest(tmp_path / "w/tables")
    damaged = source.write(tmp_path / "damaged")
    header = (damaged / file).read_text()
    (damaged / file).write_text(header.replace(column, "colour", 1))
    with pytest.raises(BadInput, match=f"{file}: column {column} is missing. Found: .*colour"):
        load(tmp_path / "w", kind, damaged)
    (damaged / file).unlink()
    if file == "disputes.csv":
        load(tmp_path / "w", kind, damaged)
        assert Workspace(tmp_path / "w").read_tables()["disputes"].is_empty()
        return
    with pytest.raises(BadInput, match=f"{file}: no such file"):
        load(tmp_path / "w", kind, damaged)
    assert digest(tmp_path / "w/tables") == before


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "zone =",
        "zone = 3",
        'zone = ""',
        'zone = "Mars/Base"',
        'zone = "../../etc"',
        'zone = "Factory"',
        "\udcff",
    ],
)
def test_a_store_file_without_a_valid_zone_is_refused(
    make_source: Callable, tmp_path: Path, text: str | None
) -> None:
    raw = make_source("canonical").write(tmp_path / "raw")
    (raw / "store.toml").unlink()
    if text is not None:
        (raw / "store.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=r"store\.toml: .*zone = \"Asia/Shanghai\""):
        load(tmp_path / "w", "canonical", raw)


def test_a_source_whose_exchange_rate_is_missing_is_refused(
    make_source: Callable, tmp_path: Path
) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/config.toml").write_text("usd_per = {USD = 1.0}\n")
    with pytest.raises(BadInput, match=r"config\.toml: usd_per has no BRL"):
        load(tmp_path / "w", "olist", make_source("olist").write(tmp_path / "raw"))


def test_the_command_line_reports_bad_input_without_a_traceback(
    make_source: Callable, run_step: Callable, tmp_path: Path
) -> None:
    source, options = (
        make_source("olist"),
        ("--workspace", tmp_path / "w", "--source", "olist", "--raw"),
    )
    for row in source.files[ORDERS][4:9]:
        row[BOUGHT] = "never"
    done = run_step("ingest", *options, source.write(tmp_path / "raw"))
    assert (done.returncode, "Traceback" in done.stderr) == (10, False)
    assert re.search(rf"{ORDERS}: 8\.3% .* row 6, {BOUGHT} = 'never': not a date", done.stderr)
    done = run_step("ingest", *options, tmp_path / "nowhere")
    assert (done.returncode, "Traceback" in done.stderr) == (10, False)
    (tmp_path / "w/config.toml").write_text("capacity_a_night = 3\n")
    done = run_step("ingest", *options, tmp_path / "raw")
    assert (done.returncode, "Traceback" in done.stderr) == (10, False)
    assert re.search(r"config\.toml: capacity_a_night: .*got 3", done.stderr)
