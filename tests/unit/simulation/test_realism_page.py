"""The page of the simulated store: self-contained, the same every time, honest about what is
outside its range."""

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
from pipeline.simulation.realism_page import (
    CHARTS,
    PAGE,
    TABLE,
    Figure,
    figures,
    render,
    summary,
    world_page,
)
from pipeline.simulation.realism_ranges import LEAST_ROWS, PUBLISHED, measures
from pipeline.simulation.realism_sample import LONGEST_LIFE_DAYS, Sample, draw_sample
from pipeline.simulation.simulate import simulate
from pipeline.simulation.world.simulated_orders import World, build_world
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

FIRST_DAY = date(2024, 1, 1)
# Known to lie outside in a store of 30,000 orders of two years, seed 7.
EXPECTED_OUTSIDE = {
    # handling is an assumption of our own, quicker than a parcel guide's
    "China Post to Russia: handling, median",
    # the survey is about all cross-border buying; this is a shop of small, cheap goods
    "baskets below 50 euro",
    "parcels below 500 g",
    # which of some 500 products sell best is drawn by lot; inside in larger stores
    "clothing, shoes and bags",
}


@pytest.fixture(scope="module")
def large() -> tuple[World, Sample]:
    world = build_world(count_orders=30_000, seed=7, first_day=FIRST_DAY, days=731)
    return world, draw_sample(world)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A simulated store of 3,000 orders with its page. Shared: only read it."""
    place = Workspace(tmp_path_factory.mktemp("world"))
    config = load_config(place.folder)
    simulate(place, config, Progress(), orders=3000, first=FIRST_DAY, days=400)
    assert world_page(place, config, Progress()) == place.folder / PAGE
    return place


def read_specs(page: str) -> list[dict]:
    found = re.search(r"^const specs = (.*);$", page, re.MULTILINE)
    assert found
    return json.loads(found[1])


def encodings(spec: dict) -> list[dict]:
    """Those of a chart, its layers and its facets."""
    inner = [*spec.get("layer", []), *([spec["spec"]] if "spec" in spec else [])]
    return [spec.get("encoding", {}), *(found for part in inner for found in encodings(part))]


def test_the_page_needs_nothing_from_elsewhere(small: Workspace) -> None:
    page = (small.folder / PAGE).read_text(encoding="utf-8")
    assert len(page) < 5_000_000
    markup = re.sub(r"<(script|style)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//|<link|@import|\bsrc=|\bhref=|url\(", markup)
    assert page.count("window.vegaEmbed") == 1
    assert not re.search(r"(src|href)\s*=\s*[\"']?https?://", page)
    assert '"url":' not in json.dumps(read_specs(page))


def test_every_chart_has_its_place_titles_and_units(small: Workspace) -> None:
    page = (small.folder / PAGE).read_text(encoding="utf-8")
    specs = read_specs(page)
    assert len(specs) == len(CHARTS)
    for number, spec in enumerate(specs, start=1):
        assert f'id="chart-{number}"' in page
        assert spec["description"]
        # an axis without a title would be named after its column
        for axis in ("x", "y"):
            assert any(encoding.get(axis, {}).get("title") for encoding in encodings(spec)), spec[
                "description"
            ]


def test_made_again_by_another_process_it_is_the_same(small: Workspace, run_step: Callable) -> None:
    before = [(small.folder / name).read_bytes() for name in (PAGE, TABLE)]
    told = run_step("world-page", "--workspace", small.folder)
    assert told.returncode == 0, told.stderr
    assert [(small.folder / name).read_bytes() for name in (PAGE, TABLE)] == before


def test_the_table_tells_every_quantity_with_its_range_and_source(small: Workspace) -> None:
    table = pl.read_csv(small.folder / TABLE)
    assert table["quantity"].to_list() == [line.quantity for line in PUBLISHED]
    assert table["quantity"].is_unique().all()
    assert (table["published_low"] <= table["published_high"]).all()
    assert set(table["quality"]) <= {"A", "B", "C", "assumption"}
    assert table["source"].null_count() == 0
    told = table.filter(pl.col("count_orders") >= LEAST_ROWS)
    is_between = (told["got"] >= told["published_low"]) & (told["got"] <= told["published_high"])
    assert told["is_inside"].to_list() == is_between.to_list()
    assert (
        table.filter(pl.col("count_orders") < LEAST_ROWS)["is_inside"].null_count()
        == table.height - told.height
    )


def test_what_is_outside_is_known_and_said(large: tuple[World, Sample]) -> None:
    world, sample = large
    table = measures(sample.matured)
    outside = table.filter(~pl.col("is_inside"))["quantity"].to_list()
    assert table["is_inside"].null_count() == 0
    assert set(outside) <= EXPECTED_OUTSIDE
    assert {line.quantity for line in PUBLISHED} >= EXPECTED_OUTSIDE
    page = render("t", world, sample, table, [])
    assert page.count(">outside: too ") == len(outside)
    assert all(name in summary(table) for name in outside)


def test_a_measure_by_hand() -> None:
    """Two of sixty disputed orders were withdrawn; of nothing else there is enough to tell."""
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


def test_matured_orders_are_chosen_by_their_day_alone(large: tuple[World, Sample]) -> None:
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


def test_a_store_too_short_to_tell_says_so() -> None:
    world = build_world(count_orders=500, seed=1, first_day=FIRST_DAY, days=60)
    sample = draw_sample(world)
    table = measures(sample.matured)
    assert table["is_inside"].null_count() == table.height
    page = render("t", world, sample, table, figures(sample))
    assert f"{len(PUBLISHED)} rest on fewer than {LEAST_ROWS} orders" in page
    assert len(read_specs(page)) == 2  # orders a day and late news


def test_hostile_text_stays_text(large: tuple[World, Sample]) -> None:
    world, sample = large
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    table = measures(sample.matured).with_columns(quantity=pl.lit(evil), source=pl.lit(evil))
    page = render(evil, world, sample, table, [Figure(evil, evil, {"description": evil})])
    assert "<script>alert" not in page
    plain = render("t", world, sample, measures(sample.matured), [])
    assert page.count("<img") == plain.count("<img")  # those of the library
    assert page.count("<script") == page.count("</script>") == 2
    assert read_specs(page) == [{"description": evil}]


@pytest.mark.parametrize(
    "told", [None, "{", '{"seed": 7}', '{"count_orders": 9, "seed": 7, "first_day": 3, "days": 9}']
)
def test_without_its_truth_there_is_no_page(tmp_path: Path, told: str | None) -> None:
    if told:
        (tmp_path / "truth").mkdir()
        (tmp_path / "truth" / "world.json").write_text(told)
    with pytest.raises(BadInput, match="make simulate WORKSPACE="):
        world_page(Workspace(tmp_path), load_config(tmp_path), Progress())
    assert not list(tmp_path.glob("*.html"))
