"""The mapping that `make map` proposes for an unknown shop, and what it loads."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.load.doctor import examine
from pipeline.load.propose_mapping import propose_mapping
from pipeline.night.nightly import nightly
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.sources.canonical import read_canonical
from pipeline.sources.enforce_contract import FILE, enforce_contract
from pipeline.sources.mapped.mapped_source import read_mapped
from pipeline.sources.mapped.mapping import load_mapping
from pipeline.sources.source_context import SourceContext
from pipeline.sources.store_data import StoreData
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.conftest import FAST, NIGHT
from tests.unit.sources.made_shop import LOCAL, RATE_EUR, spoiled, write_shop

RATES = {"USD": 1.0, "EUR": RATE_EUR}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, simulated_raw: Path) -> Path:
    """The made-up shop with its proposed mapping, in which only the zone was edited."""
    folder = write_shop(simulated_raw, tmp_path_factory.mktemp("shop"))
    path = propose_mapping(folder)
    path.write_text(path.read_text().replace('zone = "UTC"', f'zone = "{LOCAL}"'))
    return folder


def test_the_proposed_mapping_loads_the_events_of_the_shop(shop: Path, simulated_raw: Path) -> None:
    proposed, expected = (
        enforce_contract(read_mapped(SourceContext(shop, RATES))),
        enforce_contract(read_canonical(SourceContext(simulated_raw))),
    )
    assert all(file.quarantine().is_empty() for file in proposed.files)
    for name in ("orders", "order_lines", "products", "shipments", "messages"):
        assert proposed.frames[name].height == expected.frames[name].height, name
    same = {
        "orders": ["occurred_at", "country", "lane"],
        "order_lines": ["product_id", "supplier_id", "quantity"],
        "products": ["product_id", "category", "weight_g"],
    }
    for name, columns in same.items():
        ours, theirs = (
            data.frames[name].select(columns).with_columns(pl.col(pl.Datetime).dt.truncate("1s"))
            for data in (proposed, expected)
        )
        assert ours.sort(columns).equals(theirs.sort(columns)), name
    # the buyers of the shop are e-mail addresses
    buyers = [
        data.frames["orders"].sort("occurred_at", "total_usd")["buyer_id"]
        for data in (proposed, expected)
    ]
    assert not buyers[0].str.contains("@").any()
    assert buyers[0].n_unique() == buyers[1].n_unique()
    total, known = (
        float(data.frames["orders"]["total_usd"].sum()) for data in (proposed, expected)
    )
    assert total == pytest.approx(known, rel=1e-3)
    opened = [
        data.frames["disputes"].filter(step="opened").group_by("cause").len().sort("cause")
        for data in (proposed, expected)
    ]
    assert opened[0].rows() == opened[1].rows()


def test_a_night_from_the_proposal(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the folder to the contact list, following docs/guide/your-store/any-shop.md."""
    config = "usd_per = {USD = 1.0, EUR = 1.1}\n"
    (tmp_path / "config.toml").write_text(config + FAST)
    examine(load_config(tmp_path), source="mapped", raw=shop)
    assert "every row would be loaded" in capsys.readouterr().out
    workspace = Workspace(tmp_path)
    with workspace.locked():
        run = nightly(
            workspace,
            load_config(tmp_path),
            Progress(),
            as_of=NIGHT,
            source="mapped",
            raw=shop,
            is_forced=False,
        )
    assert pl.read_csv(run / "contact_list.csv").height > 0


def test_the_proposal_keeps_an_existing_file_and_lists_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("sku,stock\nA,3\n")
    with pytest.raises(BadInput, match="no table looks like orders"):
        propose_mapping(tmp_path)
    (tmp_path / "sales.csv").write_text(
        "Order ID,Order date,Total\nA1,2024-05-03,5.00\nA2,2024-05-04,6.00\n"
    )
    path = propose_mapping(tmp_path)
    mapping = tomllib.loads(path.read_text())
    assert [fact["table"] for fact in mapping["fact"]] == ["orders"]
    assert "# stock.csv: the whole file" in path.read_text()
    assert "plus_days = 30" in path.read_text()
    with pytest.raises(BadInput, match="exists already and is not replaced"):
        propose_mapping(tmp_path)


PROMISES = {
    "one row per order": "Order ID,Order date,Total\nA1,2024-05-03,5.00\nA2,2024-05-04,6.00\n",
    "a row per line, day first": "Order ID,Order date,Total,SKU,Quantity,Price\n"
    "A1,13.05.2024 10:00,5.00,mug,1,2.00\nA1,13.05.2024 10:00,5.00,tee,1,3.00\n"
    "A2,14.05.2024 10:00,6.00,mug,3,2.00\n",
}


@pytest.mark.parametrize("text", PROMISES.values(), ids=PROMISES)
def test_the_promise_in_the_comments_is_valid_once_they_are_removed(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "sales.csv").write_text(text)
    path = propose_mapping(tmp_path)
    before, lines = path.read_text().split("# [[fact]]")
    lines, rest = lines.split("\n\n", 1)
    path.write_text(f"{before}[[fact]]{lines.replace(chr(10) + '# ', chr(10))}\n\n{rest}")
    assert {"orders", "promises"} <= {fact.table for fact in load_mapping(path).fact}
    promises = enforce_contract(read_mapped(SourceContext(tmp_path, RATES))).frames["promises"]
    days = promises.select(pl.col("promised_at") - pl.col("occurred_at")).to_series()
    assert days.dt.total_days().to_list() == [30, 30]


def test_a_completed_order_of_a_shop_is_sent_and_not_closed(tmp_path: Path) -> None:
    """WooCommerce: the shop completes an order when it has sent it; the buyer may still dispute."""
    (tmp_path / "sales.csv").write_text(
        "Order Number,Order Date,Completed Date,Total,Order Item Id,SKU,Quantity,Price\n"
        "1,2026-05-03 10:00,2026-05-05 11:00,5.00,901,mug,1,5.00\n"
        "2,2026-05-04 10:00,,6.00,902,tee,1,6.00\n"
    )
    propose_mapping(tmp_path)
    frames = enforce_contract(read_mapped(SourceContext(tmp_path, RATES))).frames
    assert frames["shipments"]["order_id"].to_list() == ["1"]
    assert "order_events" not in frames or frames["order_events"].is_empty()
    assert sorted(frames["order_lines"]["product_id"]) == ["mug", "tee"]


def test_an_ambiguous_order_of_day_and_month_is_marked(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(
        "Order ID,Order date,Total\nA1,03/05/2024,5.00\nA2,04/05/2024,6.00\n"
    )
    text = propose_mapping(tmp_path).read_text()
    assert "may also be %m/%d/%Y: LOOK, does the day or the month come first?" in text


def test_hostile_names_do_not_break_the_mapping(tmp_path: Path) -> None:
    header = '"Order ""ID""\n[store]","Order\tdate",Total,"\x7f\\u0000"'
    (tmp_path / "sa'les].csv").write_text(f"{header}\nA1,2024-05-03,5.00,x\nA2,2024-05-04,6.00,y\n")
    load_mapping(propose_mapping(tmp_path))


def rows_lost(data: StoreData) -> set[tuple[str, int]]:
    """Rows of files that are neither in a table nor in quarantine."""
    checked = enforce_contract(data)
    kept = [frame.select(FILE, "__row__").drop_nulls() for frame in checked.frames.values()]
    refused = [
        file.quarantine().select(pl.col("file").alias(FILE), pl.col("row").alias("__row__"))
        for file in checked.files
    ]
    rows = pl.concat(
        [file.rows.select(pl.lit(file.name).alias(FILE), "__row__") for file in data.files]
    )
    return set(rows.join(pl.concat([*kept, *refused]), on=[FILE, "__row__"], how="anti").rows())


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=True))
def test_each_row_of_spoiled_files_is_in_a_table_or_in_quarantine(
    rng: Random, tmp_path: Path, make_small_shop: Callable[[Path], Path]
) -> None:
    """tests/bench/spoiled_sheets.py tries thousands of files."""
    folder = make_small_shop(tmp_path / "spoiled")
    spoiled(folder, rng)
    try:
        data = read_mapped(SourceContext(folder, RATES))
    except BadInput:
        return
    assert rows_lost(data) == set()


@pytest.fixture(scope="module")
def make_small_shop(tmp_path_factory: pytest.TempPathFactory, shop: Path) -> Callable[[Path], Path]:
    """Write the first orders of the shop into a new folder."""
    files = {
        path.name: path.read_bytes().splitlines(keepends=True)[:40]
        for path in shop.iterdir()
        if path.suffix == ".csv"
    }
    mapping = (shop / "mapping.toml").read_text()

    def make(folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, lines in files.items():
            (folder / name).write_bytes(b"".join(lines))
        (folder / "mapping.toml").write_text(mapping)
        return folder

    return make
