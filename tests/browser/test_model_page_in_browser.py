"""The model page in a browser: charts as wide as the page, both languages, too few disputes.

Needs Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, Page, expect

from features.build.registry import FEATURE_NAMES
from features.tables import create_tables
from models.comparison.metrics import measure_by
from models.learner.gbm import fit_model
from pipeline.evaluation.judged_facts import InputFile, JudgedFacts
from pipeline.evaluation.model_page import JudgedNights, LastModel, model_page
from pipeline.registry.registered_versions import RegisteredVersion
from pipeline.settings.action_files import message_costs
from pipeline.settings.config import Config
from tests.browser.open_page import AXE, HOSTILE, PICTURES, needs_chromium, open_page
from tests.conftest import draw

pytestmark = needs_chromium

WIDTHS = (390, 1280)
NIGHTS, ORDERS = 6, 500
CHARTS = {"recall", "lift", "nights", "learning", "importance"}
DRAWN = "body[data-charts=drawn]"
# with the longest ids and names that a store has
CHAMPION = RegisteredVersion(
    "champion",
    "12",
    "344977cc065147249c54d536344a0bcd",
    {"trained_as_of": "2026-01-01", "git_revision": "f" * 40, "sha256.orders.csv": "0" * 64},
    {"num_leaves": "16", "seed": "7"},
    199_673,
    313,
    {"nights": "8, 2025-10-01 to 2025-11-20", "order_nights": "2,900", "disputed_orders": "61"},
)


def judged(disputed_share: float) -> JudgedNights:
    """Six nights; the risk of an order depends on one feature."""
    rng, count = np.random.default_rng(1), NIGHTS * ORDERS
    risk = rng.beta(1.0, 9.0, count)
    scored = pl.DataFrame({name: rng.random(count) for name in FEATURE_NAMES}).with_columns(
        order_id=pl.Series([f"o{number}" for number in range(count)]),
        as_of_day=pl.Series(20_000 + 7 * (np.arange(count) // ORDERS)).cast(pl.Int32),
        stage=pl.Series(["in_transit", "delivered"] * (count // 2)),
        order_value_usd=pl.Series(100 * risk),
        probability=pl.Series(risk),
        label=pl.Series((rng.random(count) < risk * disputed_share).astype(int)),
    )
    orders = draw("orders", "order_id | occurred_at | country\no0 | 05-01 | US")
    country = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit(HOSTILE)).otherwise(pl.lit("US"))
    orders = pl.concat([orders] * count).with_columns(scored["order_id"], country=country)
    config = Config(booster={"num_leaves": 4})
    recipe = config.recipe
    curve = {"orders": [300, 600], "average_precision": [0.2, 0.3], "log_loss": [0.5, 0.4]}
    has_many = disputed_share == 1.0
    last = LastModel(
        fit_model(scored, FEATURE_NAMES, recipe),
        scored,
        pl.DataFrame(curve).head(2 if has_many else 0),
    )
    by_night = measure_by(scored, 40, {}).filter(pl.col("night") != "pooled")
    days = [f"2025-06-{1 + 4 * number:02}" for number in range(NIGHTS)]
    files = [InputFile("orders.csv", 10_000, "a" * 64), InputFile(HOSTILE, None, "b" * 64)]
    facts = JudgedFacts(HOSTILE, files, "c" * 64, "d" * 40, {"num_leaves": "4"}, [CHAMPION])
    return JudgedNights(
        create_tables({"orders": orders}, zone="UTC"),
        config,
        scored,
        by_night.with_columns(night=pl.Series(days)),
        last,
        message_costs(Path("absent"), config),
        facts,
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page with every figure, and one of a store with too few disputes."""
    folder, written = tmp_path_factory.mktemp("model"), {}
    for name, share in {"many": 1.0, "few": 0.02}.items():
        written[name] = folder / f"model-page-{name}.html"
        written[name].write_text(model_page(judged(share)), encoding="utf-8")
    return written


def sized(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.reload()
    page.wait_for_selector(DRAWN)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_chart_is_as_wide_as_the_page(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    with open_page(browser, pages["many"], DRAWN) as opened:
        page = opened.page
        sized(page, width)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        wanted = page.evaluate("document.querySelector('main').clientWidth")
        drawn = page.evaluate(
            "[...document.querySelectorAll('.chart')].map((c) => "
            "[c.id, c.querySelector('svg').getBoundingClientRect().width])"
        )
        names = {name.removeprefix("chart-") for name, _ in drawn}
        assert names == CHARTS | {"bins-all", "bins-in_transit", "bins-delivered"}
        assert all(abs(size - wanted) <= 2 for _, size in drawn), drawn
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"model-page-{width}.png", full_page=True)


@pytest.mark.skipif(
    not AXE.exists(), reason="no axe-core on this machine: tests/browser/install.sh"
)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["many", "few"])
def test_axe_reports_nothing(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    with open_page(browser, pages[name], DRAWN if name == "many" else "#language") as opened:
        page = opened.page
        page.emulate_media(color_scheme="dark" if width == WIDTHS[0] else "light")
        page.set_viewport_size({"width": width, "height": 900})
        for summary in page.locator("summary").all():
            summary.click()
        page.evaluate(AXE.read_text(encoding="utf-8"))
        results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [f"{r['id']}: {r['nodes'][0]['html']}" for r in results["violations"]] == []


def test_both_languages_and_hostile_names(browser: Browser, pages: dict[str, Path]) -> None:
    with open_page(browser, pages["many"], DRAWN) as opened:
        page = opened.page
        assert HOSTILE in page.inner_text("#which")
        assert f"country: {HOSTILE}" in page.inner_text("#calibration")
        assert "num_leaves" in page.inner_text("#which")
        expect(page.locator("#chart-lift")).to_contain_text("the list")
        page.click("#language")
        assert (page.inner_text("#h-which"), page.get_attribute("html", "lang")) == (
            "哪个模型，哪些数据",
            "zh",
        )
        expect(page.locator("#chart-recall")).to_contain_text("召回率")
        expect(page.locator("#chart-nights")).to_contain_text("平均精确率")
        assert "{" not in page.inner_text("main").replace(HOSTILE, "")


def test_too_few_disputes_are_said_instead_of_shown(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with open_page(browser, pages["few"], "#language") as opened:
        page = opened.page
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        assert page.locator(".chart").count() == 0
        for section in ("money", "quality", "curves", "calibration", "importance", "changes"):
            text = page.inner_text(f"#{section} .needed >> nth=0")
            assert "at least 20 are needed" in text
        page.click("#language")
        assert "至少需要 20 个" in page.inner_text("#curves")
        assert page.evaluate("document.documentElement.scrollWidth") == WIDTHS[0]
        page.screenshot(path=PICTURES / "model-page-few-390.png", full_page=True)
