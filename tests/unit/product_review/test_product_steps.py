"""The files of product reviews, and the errors for bad input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.tables import Tables
from pipeline.product_review.candidate import candidate
from pipeline.product_review.compare_products import compare_products
from pipeline.product_review.products import products
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Refused
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

DAY = date(2024, 9, 20)
HEADER = "candidate,category,supplier_id,price,currency,weight_g,promised_days,countries\n"


@pytest.fixture
def store(tmp_path: Path, make_tables: Callable[..., Tables]) -> Workspace:
    """Sixty orders of two products, every tenth disputed; the second's title and id are hostile."""
    number = range(60)
    days = [f"{3 + n // 20:02}-{1 + n % 20:02}" for n in number]
    product = ["shoe" if n % 2 else "=1+1" for n in number]
    late = [f"0{4 + n // 20}-{1 + n % 20:02}" for n in number]
    tables = make_tables(
        orders="order_id | occurred_at\n" + "\n".join(f"o{n} | {days[n]}" for n in number),
        order_lines="order_id | product_id | occurred_at\n"
        + "\n".join(f"o{n} | {product[n]} | {days[n]}" for n in number),
        products="product_id | category | occurred_at\nshoe | shoes | 01-01\n=1+1 | shoes | 01-01",
        disputes="order_id | occurred_at\n"
        + "\n".join(f"o{n} | {late[n]}" for n in range(0, 60, 10)),
        reviews="order_id | occurred_at\no1 | 09-18",
    )
    workspace = Workspace(tmp_path / "store")
    workspace.write_tables(tables, {"input_sha256": {}})
    return workspace


def run(store: Workspace, **options: object) -> pl.DataFrame:
    folder = products(store, load_config(store.folder), Progress(), as_of=DAY, **options)  # type: ignore[arg-type]
    return pl.read_csv(folder / "products.csv")


def test_a_repeated_review_gives_the_same_files_and_hostile_names_are_text(
    store: Workspace,
) -> None:
    reviewed = run(store)
    assert set(reviewed["product_id"]) == {"shoe", "'=1+1"}
    assert reviewed["count_disputes"].sum() == 6
    assert reviewed["rate_low"].is_between(0, reviewed["rate"]).all()
    folder = (store.folder / "runs" / DAY.isoformat() / "latest-products").resolve()
    assert {file.name for file in folder.iterdir()} == {
        "products.csv",
        "suppliers.csv",
        "categories.csv",
        "products.xlsx",
        "products.html",
        "manifest.json",
    }
    first = {
        name: (folder / name).read_bytes()
        for name in ("products.csv", "suppliers.csv", "products.xlsx", "products.html")
    }
    run(store)
    folder = (store.folder / "runs" / DAY.isoformat() / "latest-products").resolve()
    assert first == {name: (folder / name).read_bytes() for name in first}


def test_a_cost_gives_a_margin_and_one_without_a_currency_a_note(
    store: Workspace, tmp_path: Path
) -> None:
    costs = tmp_path / "costs.csv"
    costs.write_text("product_id,cost,currency\nshoe,5,USD\n=1+1,5,\n")
    rows = {row["product_id"]: row for row in run(store, costs=costs).iter_rows(named=True)}
    shoe = rows["shoe"]
    assert shoe["margin_per_100_units_usd"] == pytest.approx(
        1300 - shoe["loss_per_100_units_usd"], abs=1e-3
    )
    assert rows["'=1+1"]["margin_per_100_units_usd"] is None
    assert "cost without a currency" in rows["'=1+1"]["note"]


def test_a_what_if_of_an_unsold_product_is_refused(store: Workspace) -> None:
    with pytest.raises(BadInput, match="ghost did not sell"):
        run(store, dropped=["ghost"])
    with pytest.raises(BadInput, match="is not OLD LANE=NEW LANE"):
        run(store, moved="Std>US")
    with pytest.raises(BadInput, match="ghost: did not sell"):
        compare_products(
            store, load_config(store.folder), Progress(), as_of=DAY, first="shoe", other="ghost"
        )


def test_a_store_without_order_lines_is_refused(
    tmp_path: Path, make_tables: Callable[..., Tables]
) -> None:
    bare = Workspace(tmp_path / "bare")
    bare.write_tables(make_tables(orders="order_id | occurred_at\na | 09-18"), {"input_sha256": {}})
    with pytest.raises(Refused, match="nothing to review"):
        run(bare)


def test_candidates_that_cannot_be_judged_are_kept_with_a_reason(
    store: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "candidates.csv"
    file.write_text(
        HEADER
        + "a,shoes,u,20,USD,300,30,US\nb,unicorns,u,20,,300,30,US ZZ\nc,shoes,u,abc,USD,300,30,US\n"
    )
    folder = candidate(store, load_config(store.folder), Progress(), as_of=DAY, file=file)
    forecasts = {
        row["candidate"]: row
        for row in pl.read_csv(folder / "candidates.csv").iter_rows(named=True)
    }
    assert set(forecasts) == {"a", "b"}
    assert forecasts["a"]["rate_low"] < forecasts["a"]["rate"] < forecasts["a"]["rate_high"]
    assert "(" in forecasts["a"]["like_products"]
    for note in (
        "'unicorns' has never been sold here",
        "never sold to ZZ",
        "price without a currency",
    ):
        assert note in forecasts["b"]["note"]
    bad = pl.read_csv(folder / "candidates_rejected.csv").row(0, named=True)
    assert (bad["row"], bad["why_not"]) == (4, "price 'abc' is not a number above 0")


def test_a_missing_column_of_the_candidates_is_named(store: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "candidates.csv"
    file.write_text("category,price\nshoes,3\n")
    with pytest.raises(BadInput, match="has no column supplier_id, currency"):
        candidate(store, load_config(store.folder), Progress(), as_of=DAY, file=file)


def test_without_a_dispute_on_record_nothing_is_judged(
    tmp_path: Path, make_tables: Callable[..., Tables], capsys: pytest.CaptureFixture[str]
) -> None:
    """Disputes that were never mapped gave "keep" for all 71 products of a store."""
    days = [f"{3 + n // 20:02}-{1 + n % 20:02}" for n in range(60)]
    tables = make_tables(
        orders="order_id | occurred_at\n" + "\n".join(f"o{n} | {d}" for n, d in enumerate(days)),
        order_lines="order_id | product_id | occurred_at\n"
        + "\n".join(f"o{n} | p{n % 3} | {d}" for n, d in enumerate(days)),
        reviews="order_id | occurred_at\no1 | 09-18",
    )
    workspace = Workspace(tmp_path / "store")
    workspace.write_tables(tables, {"input_sha256": {}})
    reviewed = run(workspace)
    assert reviewed["verdict"].unique().to_list() == ["not judged"]
    assert reviewed["why"].str.contains("no dispute is on record").all()
    for column in ("rate", "chance_over_limit", "trend", "loss_per_100_units_usd"):
        assert reviewed[column].null_count() == reviewed.height
    assert "no dispute is on record" in "".join(capsys.readouterr())
    folder = workspace.folder / "runs" / DAY.isoformat() / "latest-products"
    assert pl.read_csv(folder / "suppliers.csv")["rate"].null_count() == 1
