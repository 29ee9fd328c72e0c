"""The page of a simulated store: self-contained, reproducible, and it shows what is outside its
range."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.simulation.realism.parcel_ranges import LEAST_ROWS
from pipeline.simulation.realism.realism_figures import CHARTS, figures
from pipeline.simulation.realism.realism_measures import PUBLISHED, measures
from pipeline.simulation.realism.realism_page import PAGE, TABLE, render, summary, world_page
from pipeline.simulation.realism.realism_sample import LONGEST_LIFE_DAYS, Sample, draw_sample
from pipeline.simulation.realism.vega_charts import Figure
from pipeline.simulation.simulate import simulate
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST_DAY = date(2024, 1, 1)
# quantities outside their range in a store of 30,000 orders in two years, seed 7
EXPECTED_OUTSIDE = {
    # our assumption of handling is shorter than that of a parcel guide
    "China Post to Russia: handling, median",
    # the survey covers all cross-border shopping; this shop sells small, cheap goods
    "baskets below 50 euro",
    "parcels below 500 g",
    # chance decides which of about 500 products sell best; inside in larger stores
    "clothing, shoes and bags",
}


@pytest.fixture(scope="module")
def large() -> tuple[World, Sample]:
    world = build_world(count_orders=30_000, seed=7, first_day=FIRST_DAY, days=731)
    return world, draw_sample(world)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A simulated store of 3,000 orders with its page. Shared: only read it."""
    workspace = Workspace(tmp_path_factory.mktemp("world"))
    config = load_config(workspace.folder)
    simulate(workspace, config, Progress(), orders=3000, first=FIRST_DAY, days=400)
    assert world_page(workspace, config, Progress()) == workspace.folder / PAGE
    return workspace


def read_specs(page: str) -> list[dict]:
    match = re.search(r"^const specs = (.*);$", page, re.MULTILINE)
    assert match
    return json.loads(match[1])


def encodings(spec: dict) -> list[dict]:
    """The encodings of a chart, its layers and its facets."""
    inner = [*spec.get("layer", []), *([spec["spec"]] if "spec" in spec else [])]
    return [spec.get("encoding", {}), *(encoding for part in inner for encoding in encodings(part))]


def test_the_page_loads_nothing_from_outside(small: Workspace) -> None:
    page = (small.folder / PAGE).read_text(encoding="utf-8")
    assert len(page) < 5_000_000
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//|<link|@import|\bsrc=|\bhref=|url\(", markup)
    assert page.count("window.vegaEmbed") == 1
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?://", page)
    assert '"url":' not in json.dumps(read_specs(page))


def test_every_chart_has_an_element_a_description_and_axis_titles(small: Workspace) -> None:
    page = (small.folder / PAGE).read_text(encoding="utf-8")
    specs = read_specs(page)
    assert len(specs) == len(CHARTS)
    for number, spec in enumerate(specs, start=1):
        assert f'id="chart-{number}"' in page
        assert spec["description"]
        # an axis without a title would show the name of its column
        for axis in ("x", "y"):
            assert any(encoding.get(axis, {}).get("title") for encoding in encodings(spec)), spec[
                "description"
            ]


def test_another_process_writes_the_same_page(small: Workspace, run_step: Callable) -> None:
    before = [(small.folder / name).read_bytes() for name in (PAGE, TABLE)]
    process = run_step("world-page", "--workspace", small.folder)
    assert process.returncode == 0, process.stderr
    assert [(small.folder / name).read_bytes() for name in (PAGE, TABLE)] == before


def test_the_table_has_every_quantity_with_its_range_and_source(small: Workspace) -> None:
    table = pl.read_csv(small.folder / TABLE)
    assert table["quantity"].to_list() == [line.quantity for line in PUBLISHED]
    assert table["quantity"].is_unique().all()
    assert (table["published_low"] <= table["published_high"]).all()
    assert set(table["quality"]) <= {"A", "B", "C", "assumption"}
    assert table["source"].null_count() == 0
    judged = table.filter(pl.col("count_orders") >= LEAST_ROWS)
    is_between = judged["got"].is_between(judged["published_low"], judged["published_high"])
    assert judged["is_inside"].to_list() == is_between.to_list()
    assert (
        table.filter(pl.col("count_orders") < LEAST_ROWS)["is_inside"].null_count()
        == table.height - judged.height
    )


def test_quantities_outside_are_expected_and_shown(large: tuple[World, Sample]) -> None:
    world, sample = large
    table = measures(sample.matured)
    outside = table.filter(~pl.col("is_inside"))["quantity"].to_list()
    assert table["is_inside"].null_count() == 0
    assert set(outside) <= EXPECTED_OUTSIDE
    assert {line.quantity for line in PUBLISHED} >= EXPECTED_OUTSIDE
    page = render("t", world, sample, table, [])
    assert page.count(">outside: too ") == len(outside)
    assert all(name in summary(table) for name in outside)


def test_a_measure_computed_by_hand() -> None:
    """Two of sixty disputes were withdrawn."""
    world = build_world(count_orders=1_000, seed=1, first_day=FIRST_DAY, days=300)
    disputed = draw_sample(world).orders.filter("is_disputed").head(1)
    orders = pl.concat([disputed] * 60).with_columns(is_withdrawn=pl.int_range(pl.len()) < 2)
    table = measures(orders)
    row = table.row(by_predicate=pl.col("quantity") == "withdrawn", named=True)
    assert (row["got"], row["is_inside"], row["count_orders"]) == (
        pytest.approx(100 * 2 / 60),
        False,
        60,
    )
    assert (
        table.row(by_predicate=pl.col("quantity") == "disputed orders", named=True)["got"] == 100.0
    )


def test_matured_orders_depend_only_on_the_day_of_purchase(large: tuple[World, Sample]) -> None:
    world, sample = large
    placed, is_matured = sample.orders["placed"], sample.orders["is_matured"]
    assert (is_matured == (placed < world.days - LONGEST_LIFE_DAYS)).all()
    assert sample.matured["opened"].max() < world.days  # type: ignore[operator]
    assert sample.matured.height > 0.7 * sample.orders.height


def test_order_days_and_disputes_add_up(large: tuple[World, Sample]) -> None:
    _, sample = large
    by_cause = dict(sample.matured.drop_nulls("cause").group_by("cause").len().iter_rows())
    since_purchase = sample.days.filter(pl.col("clock") == "placed")
    assert since_purchase.select(by_cause.keys()).sum().row(0, named=True) == by_cause
    waiting = sample.days.filter(pl.col("clock") == "promised")
    assert waiting["not_received"].sum() == by_cause["not_received"]
    assert waiting["not_as_described"].sum() == 0


def test_a_large_world_is_thinned_evenly() -> None:
    world = build_world(count_orders=5_000, seed=3, first_day=FIRST_DAY, days=300)
    sample, whole = draw_sample(world, max_orders=1_000), draw_sample(world)
    assert (sample.step, sample.orders.height) == (5, 1_000)
    assert sample.orders.equals(whole.orders.gather_every(5))
    assert np.abs(sample.orders["placed"].mean() - whole.orders["placed"].mean()) < 1.0  # type: ignore[operator]


def test_the_page_of_a_short_store_shows_that_no_measure_is_judged() -> None:
    world = build_world(count_orders=500, seed=1, first_day=FIRST_DAY, days=60)
    sample = draw_sample(world)
    table = measures(sample.matured)
    assert table["is_inside"].null_count() == table.height
    page = render("t", world, sample, table, figures(sample))
    assert f"{len(PUBLISHED)} have fewer than {LEAST_ROWS} orders" in page
    assert len(read_specs(page)) == 2  # orders per day and late news


def test_hostile_text_stays_text(large: tuple[World, Sample]) -> None:
    world, sample = large
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    table = measures(sample.matured).with_columns(quantity=pl.lit(evil), source=pl.lit(evil))
    page = render(evil, world, sample, table, [Figure(evil, evil, {"description": evil})])
    assert "<script>alert" not in page
    plain = render("t", world, sample, measures(sample.matured), [])
    assert page.count("<img") == plain.count("<img")  # those in the chart library
    assert page.count("<script") == page.count("</script>") == 2
    assert read_specs(page) == [{"description": evil}]


@pytest.mark.parametrize(
    "world_json",
    [None, "{", '{"seed": 7}', '{"count_orders": 9, "seed": 7, "first_day": 3, "days": 9}'],
)
def test_without_the_truth_there_is_no_page(tmp_path: Path, world_json: str | None) -> None:
    if world_json:
        (tmp_path / "truth").mkdir()
        (tmp_path / "truth" / "world.json").write_text(world_json)
    with pytest.raises(BadInput, match="make simulate WORKSPACE="):
        world_page(Workspace(tmp_path), load_config(tmp_path), Progress())
    assert not list(tmp_path.glob("*.html"))
