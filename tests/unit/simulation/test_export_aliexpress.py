"""A simulated store as dumps of the Open Platform: loaded, it is the store, but for what its
answers cannot carry."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.build.registry import build_features
from features.clock import day_number
from features.spine import build_spine
from features.tables import TABLES, Tables
from pipeline.load.ingest import ingest
from pipeline.settings.config import Config
from pipeline.settings.source_settings import SourceSettings
from pipeline.simulation.export_aliexpress import PAGE, WORDS, write_dumps
from pipeline.simulation.export_disputes import REASONS
from pipeline.simulation.simulate import simulate
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.markets import REASONS as SHORT
from pipeline.simulation.world.scans import SLOTS
from pipeline.sources.phrases import cause_of, status_of
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

# docs/sources.md, "What the exports of a simulated store leave out": which columns are the same,
# fact for fact
SAME = {
    "orders": [name for name in TABLES["orders"].schema if name != "count_installments"],
    "order_lines": list(TABLES["order_lines"].schema),
    "order_events": ["order_id", "event", "occurred_at", "known_at"],
    "shipments": list(TABLES["shipments"].schema),
    "products": ["product_id", "category", "title", "weight_g"],
}
STEPS = ["order_id", "step", "cause", "reason", "liable", "amount_usd", "occurred_at", "known_at"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders enough for disputes of every kind; it ends before the hour that California counts
    twice."""
    place = Workspace(tmp_path_factory.mktemp("store"))
    return simulate(place, Config(), Progress(), orders=4_000, first=date(2025, 1, 1), days=300)


@pytest.fixture(scope="module")
def dumps(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dumps")
    write_dumps(raw, folder)
    return folder


@pytest.fixture(scope="module")
def stores(
    raw: Path, dumps: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tables, Tables]:
    """The store out of its canonical files, and out of its dumps with our numbers put back."""
    config = Config(sources=SourceSettings(history="as_it_happened"))
    found = []
    for source, folder in (("canonical", raw), ("aliexpress", dumps)):
        place = Workspace(tmp_path_factory.mktemp(source))
        with place.locked():
            ingest(place, config, Progress(), source=source, raw=folder)
            assert not list(place.quarantine.glob("*.csv"))
            found.append(place.read_tables())
    canonical, told = found
    frames = {name: _renamed(frame) for name, frame in told.frames.items()}
    return canonical, Tables(frames, told.zone)


def _renamed(frame: pl.DataFrame) -> pl.DataFrame:
    """Sixteen digits -> what the store calls it."""

    def ours(column: str, prefix: str, width: int) -> pl.Expr:
        number = pl.col(column).cast(pl.Int64)
        place = pl.when(number % 10 > 0).then(
            pl.concat_str(pl.lit("-"), (number % 10).cast(pl.String))
        )
        own = (number % 10**14 // 10).cast(pl.String).str.zfill(width)
        return pl.concat_str(pl.lit(f"{prefix}-"), own, place.otherwise(pl.lit(""))).alias(column)

    numbers = (("order_id", "o", 6), ("line_id", "o", 6), ("product_id", "p", 5))
    return frame.with_columns(ours(*number) for number in numbers if number[0] in frame.columns)


@pytest.mark.parametrize("name", SAME)
def test_what_the_answers_carry(name: str, stores: tuple[Tables, Tables]) -> None:
    columns = SAME[name]
    true, told = (tables[name].select(columns).sort(columns) for tables in stores)
    if name == "products":
        # a product that was never ordered is in no answer
        true = true.join(stores[0]["order_lines"], on="product_id", how="semi").sort(columns)
    assert told.equals(true)
    assert told.height > 100


def test_the_steps_of_disputes(stores: tuple[Tables, Tables]) -> None:
    true, told = (tables["disputes"].select(*STEPS, "dispute_id", "actor") for tables in stores)
    chinese = {words: short for short, (words, _) in REASONS.items()}
    told = told.with_columns(pl.col("reason").replace_strict(chinese))
    # that it went there by itself is seen by the ruling, and from then on
    ruled = true.filter(step="ruled").select("order_id", "occurred_at")
    alone = true.filter(step="escalated", actor="platform").drop("occurred_at", "known_at")
    alone = alone.join(ruled, on="order_id", how="inner").with_columns(known_at="occurred_at")
    by_others = true.filter((pl.col("step") != "escalated") | (pl.col("actor") != "platform"))
    expected = pl.concat([by_others, alone.select(true.columns)])
    assert told.select(STEPS).sort(STEPS).equals(expected.select(STEPS).sort(STEPS))
    assert set(told["step"]) == {
        "opened",
        "answered",
        "withdrawn",
        "escalated",
        "ruled",
        "refunded",
    }
    assert set(told["liable"].drop_nulls()) == {"seller", "buyer"}
    assert not alone.is_empty()
    # one dispute is one; whoever pays back, the platform carries it out
    assert told["dispute_id"].n_unique() == true["dispute_id"].n_unique()
    actors = [
        frame.filter(pl.col("step") != "refunded").select("order_id", "step", "actor")
        for frame in (expected, told)
    ]
    assert actors[0].sort(pl.all()).equals(actors[1].sort(pl.all()))


def test_the_scans(stores: tuple[Tables, Tables]) -> None:
    """But for those told twice, and when they were known."""
    columns = ["order_id", "shipment_id", "status", "sub_status", "occurred_at"]
    true, told = (tables["tracking"].select(columns).unique().sort(columns) for tables in stores)
    assert told.equals(true)
    assert stores[1]["tracking"].select((pl.col("known_at") == pl.col("occurred_at")).all()).item()


def test_the_promises(stores: tuple[Tables, Tables]) -> None:
    """To send: the same. To arrive: so many days from the payment, and then from the day of
    sending."""
    true, told = (tables["promises"] for tables in stores)
    columns = ["order_id", "promised_at", "occurred_at", "known_at"]
    ready = [
        promises.filter(kind="dispatch").select(columns).sort(columns) for promises in (true, told)
    ]
    assert ready[0].equals(ready[1])
    there = true.filter(kind="delivery").select("order_id", placed="occurred_at", by="promised_at")
    days = there.join(
        ready[0].select("order_id", paid="occurred_at", ready="promised_at"), on="order_id"
    )
    way = (pl.col("by") - pl.col("placed")) - (pl.col("ready") - pl.col("paid"))
    sent = stores[0]["shipments"].select("order_id", sent="occurred_at")
    expected = (
        pl.concat(
            [
                days.select("order_id", promised_at=pl.col("ready") + way, occurred_at="paid"),
                days.join(sent, on="order_id").select(
                    "order_id", promised_at=pl.col("sent") + way, occurred_at="sent"
                ),
            ]
        )
        .with_columns(known_at="occurred_at")
        .select(columns)
    )
    assert told.filter(kind="delivery").select(columns).sort(columns).equals(expected.sort(columns))


def test_what_is_not_carried_is_empty(stores: tuple[Tables, Tables]) -> None:
    for name in ("messages", "reviews", "contacts"):
        assert stores[1][name].is_empty(), name


def test_with_what_is_not_carried_put_in_a_night_sees_the_same(
    stores: tuple[Tables, Tables],
) -> None:
    """So the lists of the two stores differ for the reasons that are told, and for no other."""
    true, told = stores
    lacking = ("messages", "reviews", "promises", "tracking", "products")
    mended = Tables({**told.frames, **{name: true[name] for name in lacking}}, true.zone)
    night = day_number(date(2025, 10, 20))
    seen = [build_features(tables, build_spine(tables, [night])) for tables in (true, mended)]
    assert_frame_equal(seen[0], seen[1], check_row_order=False, check_exact=True)
    assert seen[0].height > 100


def test_every_word_is_read_as_what_it_is_meant_for() -> None:
    """Both languages of a reason, and each line of a carrier."""
    for short, cause in (
        (short, cause) for cause, of_cause in zip(CAUSES, SHORT, strict=True) for short in of_cause
    ):
        words = pl.DataFrame({"words": REASONS[short]}).with_columns(
            nothing=pl.lit(None, pl.String)
        )
        assert words.select(cause_of(pl.col("words"), pl.col("nothing"))).to_series().to_list() == [
            cause,
            cause,
        ], short
    for status, sub_status, _ in SLOTS:
        found = status_of(pl.lit(" / ".join(WORDS[sub_status])))
        assert pl.select(a=found[0], b=found[1]).row(0) == (status, sub_status)


def test_the_answers_are_as_the_platform_gives_them(dumps: Path) -> None:
    """At most fifty orders a page; a status without disputes is a page that says so."""
    (path,) = dumps.glob("order-list-*.jsonl")
    pages = [
        json.loads(line)["aliexpress_solution_order_get_response"]["result"]
        for line in path.read_text().splitlines()
    ]
    orders = [order for page in pages for order in page["target_list"]["order_dto"]]
    assert [page["current_page"] for page in pages] == list(range(1, pages[0]["total_page"] + 1))
    assert max(len(page["target_list"]["order_dto"]) for page in pages) == PAGE
    assert len({order["order_id"] for order in orders}) == pages[0]["total_count"] == len(orders)
    assert {len(str(order["order_id"])) for order in orders} == {16}
    finished = [order for order in orders if order["order_status"] == "FINISH"]
    assert finished
    assert not any("gmt_send_goods_time" in order for order in finished)


def test_simulate_writes_a_store_of_each_kind_also_without_disputes_and_scans(
    tmp_path: Path,
) -> None:
    place = Workspace(tmp_path / "w")
    simulate(
        place, Config(), Progress(), orders=3, first=date(2025, 1, 1), days=2, is_exported=True
    )
    exports = place.folder / "exports"
    found = [
        json.loads(path.read_text()) for path in (exports / "aliexpress").glob("issue-list-*.jsonl")
    ]
    assert (exports / "sheet" / "tracking").is_dir()
    assert [
        answer["aliexpress_issue_issuelist_get_response"]["total_item"] for answer in found
    ] == [0, 0, 0]
