"""A simulated store as dumps of the Open Platform: loading them gives the same store, except for
facts that the answers cannot contain."""

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
from pipeline.simulation.exports.export_aliexpress import PAGE, write_dumps
from pipeline.simulation.exports.export_disputes import REASONS
from pipeline.simulation.exports.export_ids import NO_LINE
from pipeline.simulation.exports.export_tracking import WORDS
from pipeline.simulation.simulate import simulate
from pipeline.simulation.world.markets import CAUSES
from pipeline.simulation.world.markets import REASONS as SHORT_REASONS
from pipeline.simulation.world.scans import SLOTS
from pipeline.sources.phrases import cause_of, status_of
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace

# columns that are the same, fact for fact; docs/reference/simulated-exports.md lists what the
# exports leave out
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
    """A store with disputes of every kind. It ends before the hour that occurs twice in
    California."""
    workspace = Workspace(tmp_path_factory.mktemp("store"))
    return simulate(workspace, Config(), Progress(), orders=4_000, first=date(2025, 1, 1), days=300)


@pytest.fixture(scope="module")
def dumps(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dumps")
    write_dumps(raw, folder)
    return folder


@pytest.fixture(scope="module")
def stores(
    raw: Path, dumps: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tables, Tables]:
    """The store loaded from its canonical files, and from its dumps with the store's own ids."""
    config = Config(sources=SourceSettings(history="as_it_happened"))
    loaded = []
    for source, folder in (("canonical", raw), ("aliexpress", dumps)):
        workspace = Workspace(tmp_path_factory.mktemp(source))
        with workspace.locked():
            ingest(workspace, config, Progress(), source=source, raw=folder)
            assert not list(workspace.quarantine.glob("*.csv"))
            loaded.append(workspace.read_tables())
    canonical, exported = loaded
    frames = {name: _renamed(frame) for name, frame in exported.frames.items()}
    return canonical, Tables(frames, exported.zone)


def _renamed(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace the numbers of sixteen digits by the store's own ids."""

    def own_id(column: str, prefix: str, width: int) -> pl.Expr:
        number = pl.col(column).cast(pl.Int64)
        line = pl.when(number % 10 != NO_LINE).then(
            pl.concat_str(pl.lit("-"), (number % 10).cast(pl.String))
        )
        own = (number % 10**14 // 10).cast(pl.String).str.zfill(width)
        return pl.concat_str(pl.lit(f"{prefix}-"), own, line.otherwise(pl.lit(""))).alias(column)

    ids = (("order_id", "o", 6), ("line_id", "o", 6), ("product_id", "p", 5))
    return frame.with_columns(own_id(*id_) for id_ in ids if id_[0] in frame.columns)


@pytest.mark.parametrize("name", SAME)
def test_the_columns_of_the_answers(name: str, stores: tuple[Tables, Tables]) -> None:
    columns = SAME[name]
    original, exported = (tables[name].select(columns).sort(columns) for tables in stores)
    if name == "products":
        # products without an order are not in the answers
        original = original.join(stores[0]["order_lines"], on="product_id", how="semi").sort(
            columns
        )
    assert exported.equals(original)
    assert exported.height > 100


def test_the_steps_of_disputes(stores: tuple[Tables, Tables]) -> None:
    original, exported = (
        tables["disputes"].select(*STEPS, "dispute_id", "actor") for tables in stores
    )
    chinese = {words: short for short, (words, _) in REASONS.items()}
    exported = exported.with_columns(pl.col("reason").replace_strict(chinese))
    # an automatic escalation becomes visible with the ruling
    ruled = original.filter(step="ruled").select("order_id", "occurred_at")
    automatic = original.filter(step="escalated", actor="platform").drop("occurred_at", "known_at")
    automatic = automatic.join(ruled, on="order_id", how="inner").with_columns(
        known_at="occurred_at"
    )
    others = original.filter((pl.col("step") != "escalated") | (pl.col("actor") != "platform"))
    expected = pl.concat([others, automatic.select(original.columns)])
    assert exported.select(STEPS).sort(STEPS).equals(expected.select(STEPS).sort(STEPS))
    assert set(exported["step"]) == {
        "opened",
        "answered",
        "withdrawn",
        "escalated",
        "ruled",
        "refunded",
    }
    assert set(exported["liable"].drop_nulls()) == {"seller", "buyer"}
    assert not automatic.is_empty()
    # the same number of disputes; the platform carries out every refund, whoever pays it
    assert exported["dispute_id"].n_unique() == original["dispute_id"].n_unique()
    actors = [
        frame.filter(pl.col("step") != "refunded").select("order_id", "step", "actor")
        for frame in (expected, exported)
    ]
    assert actors[0].sort(pl.all()).equals(actors[1].sort(pl.all()))


def test_the_scans(stores: tuple[Tables, Tables]) -> None:
    """Except scans reported twice, and `known_at`."""
    columns = ["order_id", "shipment_id", "status", "sub_status", "occurred_at"]
    original, exported = (
        tables["tracking"].select(columns).unique().sort(columns) for tables in stores
    )
    assert exported.equals(original)
    assert stores[1]["tracking"].select((pl.col("known_at") == pl.col("occurred_at")).all()).item()


def test_the_promises(stores: tuple[Tables, Tables]) -> None:
    """Promises to send are the same. Promises to deliver count from the payment, and later from the
    day of sending."""
    original, exported = (tables["promises"] for tables in stores)
    columns = ["order_id", "promised_at", "occurred_at", "known_at"]
    dispatch = [
        promises.filter(kind="dispatch").select(columns).sort(columns)
        for promises in (original, exported)
    ]
    assert dispatch[0].equals(dispatch[1])
    delivery = original.filter(kind="delivery").select(
        "order_id", placed="occurred_at", deliver_by="promised_at"
    )
    days = delivery.join(
        dispatch[0].select("order_id", paid="occurred_at", send_by="promised_at"), on="order_id"
    )
    transit = (pl.col("deliver_by") - pl.col("placed")) - (pl.col("send_by") - pl.col("paid"))
    sent = stores[0]["shipments"].select("order_id", sent="occurred_at")
    expected = (
        pl.concat(
            [
                days.select(
                    "order_id", promised_at=pl.col("send_by") + transit, occurred_at="paid"
                ),
                days.join(sent, on="order_id").select(
                    "order_id", promised_at=pl.col("sent") + transit, occurred_at="sent"
                ),
            ]
        )
        .with_columns(known_at="occurred_at")
        .select(columns)
    )
    assert (
        exported.filter(kind="delivery")
        .select(columns)
        .sort(columns)
        .equals(expected.sort(columns))
    )


def test_the_messages(stores: tuple[Tables, Tables]) -> None:
    """With the topic, which the platform does not say: it follows from the words."""
    columns = ["order_id", "sender", "topic", "text", "occurred_at", "known_at"]
    original, exported = (tables["messages"].select(columns).sort(columns) for tables in stores)
    assert exported.equals(original)
    assert exported.height > 100


def test_tables_that_the_answers_lack_are_empty(stores: tuple[Tables, Tables]) -> None:
    for name in ("reviews", "contacts"):
        assert stores[1][name].is_empty(), name


def test_with_the_lacking_tables_added_the_features_of_a_night_are_the_same(
    stores: tuple[Tables, Tables],
) -> None:
    """So the documented differences are the only ones between the two stores' lists."""
    original, exported = stores
    lacking = ("reviews", "promises", "tracking", "products")
    completed = Tables(
        {**exported.frames, **{name: original[name] for name in lacking}}, original.zone
    )
    night = day_number(date(2025, 10, 20))
    features = [
        build_features(tables, build_spine(tables, [night])) for tables in (original, completed)
    ]
    assert_frame_equal(features[0], features[1], check_row_order=False, check_exact=True)
    assert features[0].height > 100


@pytest.mark.parametrize(("cause", "reasons"), list(zip(CAUSES, SHORT_REASONS, strict=True)))
def test_both_languages_of_a_reason_are_read_as_its_cause(
    cause: str, reasons: tuple[str, ...]
) -> None:
    for short in reasons:
        words = pl.DataFrame({"words": REASONS[short]}).with_columns(
            nothing=pl.lit(None, pl.String)
        )
        causes = words.select(cause_of(pl.col("words"), pl.col("nothing"))).to_series()
        assert causes.to_list() == [cause, cause], short


def test_each_phrase_of_a_carrier_is_read_as_its_status() -> None:
    for status, sub_status, _ in SLOTS:
        read_status = status_of(pl.lit(" / ".join(WORDS[sub_status])))
        assert pl.select(a=read_status[0], b=read_status[1]).row(0) == (status, sub_status)


def test_the_answers_have_the_platforms_form(dumps: Path) -> None:
    """At most fifty orders per page. A status without disputes has one page, with a total of 0."""
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


def test_simulate_writes_both_exports_also_without_disputes_and_scans(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    simulate(
        workspace, Config(), Progress(), orders=3, first=date(2025, 1, 1), days=2, is_exported=True
    )
    exports = workspace.folder / "exports"
    answers = [
        json.loads(path.read_text()) for path in (exports / "aliexpress").glob("issue-list-*.jsonl")
    ]
    assert (exports / "sheet" / "tracking").is_dir()
    assert [
        answer["aliexpress_issue_issuelist_get_response"]["total_item"] for answer in answers
    ] == [0, 0, 0]
