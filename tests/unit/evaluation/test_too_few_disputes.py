"""No metric from fewer than 20 disputed orders is a figure, wherever metrics are shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mlflow.tracking import MlflowClient

from features.labels import LEAST_DISPUTED, is_measurable
from models.comparison.metrics import METRICS, measure_by
from models.comparison.paired_comparison import compare_scorers
from models.comparison.ranking_curves import lift_curve, recall_curve
from models.learner.gbm import fit_model
from models.monitoring.dispute_streams import calibration_table
from models.reasons.baseline import RULES
from pipeline.evaluation import model_measures as measures
from pipeline.evaluation.ablation import say_ablation
from pipeline.evaluation.backtest import SLICES, say_summary
from pipeline.evaluation.comparison_table import Night, comparison_table, say_comparison
from pipeline.evaluation.evaluate import MODEL, _compare, say_evaluation
from pipeline.evaluation.judged_facts import JudgedFacts
from pipeline.evaluation.leak_cost import _compare_with_honest, say_leak_cost
from pipeline.evaluation.model_page import JudgedNights, LastModel, model_page
from pipeline.history.past_lists import PastLists, past_lists_text
from pipeline.pages.past_nights_panel import calibration_bins, money_saved
from pipeline.registry.logged_runs import log_backtest
from pipeline.registry.tracking import tracking_uri
from pipeline.settings.action_files import message_costs
from pipeline.settings.config import Config
from pipeline.workspace.workspace import Workspace

CONFIG, DAY = Config(), date(2024, 10, 4)
COSTS = message_costs(Path("absent"), CONFIG)
COUNTS = {"rows", "count_disputes"}
HEALTH = {"by", "group", "orders", "disputed", "expected", "listed"}
KEYS = {"scorer", "metric", "stage", "night", "nights", "nights_better", "mistake", "way"}
TOO_FEW = "fewer than 20 disputed orders"


def scored(disputed: int) -> pl.DataFrame:
    """900 order-nights of three nights; the `disputed` riskiest orders are disputed."""
    from features.build.registry import FEATURE_NAMES

    rng = np.random.default_rng(1)
    features = {name: rng.random(900) for name in FEATURE_NAMES}
    return pl.DataFrame(
        {
            "order_id": [f"o{number % 300}" for number in range(900)],
            "as_of_day": [20_000 + number // 300 for number in range(900)],
            "stage": ["in_transit"] * 900,
            **features,
            "label": [int(number % 300 < disputed) for number in range(900)],
            "probability": [0.9 - 0.002 * (number % 300) for number in range(900)],
        }
    )


def figures(frame: pl.DataFrame, *, without: set[str]) -> int:
    """The number of values in the columns other than `without`."""
    numbers = frame.select(name for name in frame.columns if name not in without)
    return sum(series.len() - series.null_count() for series in numbers)


def compared(rows: pl.DataFrame) -> pl.DataFrame:
    scores = {"a": rows["probability"].to_numpy(), "b": rows["order_age_days"].to_numpy()}
    return compare_scorers(rows, scores, seed=1, resamples=3)


def backtest_table(rows: pl.DataFrame) -> pl.DataFrame:
    return measure_by(rows, 10, SLICES)


def comparison(rows: pl.DataFrame) -> pl.DataFrame:
    fold = Night(rows, {"model": rows["probability"].to_numpy()})
    fold.scores["rule"] = rows["order_age_days"].to_numpy()
    return comparison_table([fold], lambda night: night.scores, "model", CONFIG)


def evaluation(rows: pl.DataFrame) -> pl.DataFrame:
    rules = rows.with_columns(pl.lit(0.5).alias(rule) for rule in RULES)
    return _compare(rules, "all", [MODEL, *RULES], seed=1)


def leak_costs(rows: pl.DataFrame) -> pl.DataFrame:
    claimed = {"honest": rows["probability"].to_numpy()}
    claimed["mistake"] = rows["order_age_days"].to_numpy()
    return _compare_with_honest(rows, claimed, seed=1)


def health(rows: pl.DataFrame, listed_until: int = 100) -> pl.DataFrame:
    """The listed orders are the riskiest `listed_until` of a night."""
    judged = rows.filter(pl.col("as_of_day") == 20_000).with_columns(
        observed="label", expected="probability", lane=pl.lit("l"), category=pl.lit("c")
    )
    is_listed = pl.col("order_id").str.slice(1).cast(pl.Int64) < listed_until
    return calibration_table(judged.with_columns(is_listed=is_listed))


def saved(rows: pl.DataFrame) -> pl.DataFrame:
    listed = rows.with_columns(
        night="as_of_day", expected_value_usd=pl.lit(3.0), cost_usd=pl.lit(1.0)
    )
    money = money_saved(listed, 1)
    return pl.DataFrame([money]).drop("orders") if money else pl.DataFrame()


def past(rows: pl.DataFrame, listed_until: int = 300) -> PastLists:
    """The lists of three nights: the riskiest `listed_until` orders of each."""
    number = pl.col("order_id").str.slice(1).cast(pl.Int64)
    rows = rows.with_columns(is_listed=number < listed_until)
    listed = rows.filter("is_listed")
    counts = (int(listed["label"].sum()), rows.height, int(rows["label"].sum()))
    return PastLists(DAY, DAY, 3, listed.height, *counts, float(rows["probability"].sum()), rows)


def shares(lists: PastLists) -> pl.DataFrame:
    return pl.DataFrame({"precision": [lists.precision], "base_rate": [lists.base_rate]})


TABLES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "backtest.csv": backtest_table,
    "comparison.csv": comparison,
    "evaluation.csv": evaluation,
    "ablation.csv": compared,
    "leak_cost.csv": leak_costs,
    "model page and notebook 02: money": lambda rows: measures.money(rows, COSTS, 10, 1),
    "model page and notebook 02: quality": lambda rows: measures.quality(rows, 10, 1),
    "health.csv and the night's page: health": health,
    "the night's page: calibration": lambda rows: calibration_bins(rows, 1).drop("rows"),
    "the night's page: money saved": saved,
    "the night's page and README.txt: precision": lambda rows: shares(past(rows)),
    "model page: precision and recall": lambda rows: recall_curve(rows, 1, 3),
    "model page: lift": lambda rows: lift_curve(rows, np.array([0.1, 1.0]), 1, 3),
    "model page: calibration": lambda rows: measures.calibration_bins(rows, 1),
}
TERMINAL: dict[str, Callable[[pl.DataFrame], None]] = {
    "make backtest": lambda rows: say_summary(backtest_table(rows)),
    "make compare": lambda rows: say_comparison(
        comparison(rows).with_columns(
            train_seconds=pl.lit(1.0), rows_per_second=pl.lit(1.0), memory_mb=pl.lit(1.0)
        )
    ),
    "make evaluate": lambda rows: say_evaluation(evaluation(rows)),
    "make ablation": lambda rows: say_ablation(compared(rows).rename({"scorer": "family_added"})),
    "make leak-cost": lambda rows: say_leak_cost(leak_costs(rows)),
}


@pytest.mark.parametrize(
    ("disputed", "is_enough"), [(1, False), (LEAST_DISPUTED - 1, False), (LEAST_DISPUTED, True)]
)
def test_one_function_decides(disputed: int, is_enough: bool) -> None:
    assert is_measurable(scored(disputed)) is is_enough


def test_without_an_undisputed_order_nothing_is_measurable() -> None:
    assert not is_measurable(scored(300))


@pytest.mark.parametrize("outlet", TABLES)
def test_a_table_has_a_figure_from_20_disputed_orders_on(outlet: str) -> None:
    columns = COUNTS | KEYS | HEALTH
    for disputed in (1, LEAST_DISPUTED - 1):
        assert figures(TABLES[outlet](scored(disputed)), without=columns) == 0
    assert figures(TABLES[outlet](scored(LEAST_DISPUTED)), without=columns) > 0


@pytest.mark.parametrize("outlet", TERMINAL)
def test_the_terminal_says_why_there_is_no_figure(
    outlet: str, capsys: pytest.CaptureFixture[str]
) -> None:
    TERMINAL[outlet](scored(1))
    text = "".join(capsys.readouterr())
    assert TOO_FEW in text
    assert "1.000" not in text
    TERMINAL[outlet](scored(LEAST_DISPUTED))
    assert "1.000" in "".join(capsys.readouterr())


def test_the_model_page_shows_counts_and_no_metric(make_tables: Callable) -> None:
    """ "AUC 1.000 (1.000 to 1.000)" came from one dispute."""
    tables = make_tables(orders="order_id | occurred_at\no0 | 05-01")
    page = page_of(tables, scored(1))
    assert "1.000" not in page
    assert "900 order-nights, 1 disputed order" in page
    assert charts_of(page) == set()
    needed = text_of(page).count("1 disputed order; at least 20 are needed to measure this.")
    # money, quality, curves, calibration and the learning curve; then two of them by stage
    assert needed == 5 + 2
    assert "the most on one night is 1 disputed order, and at least 20 are needed" in page
    assert "The last night has 1 disputed order; at least 20 are needed" in page
    assert "The last model learned from 1 disputed order; at least 20 are needed" in page


def test_the_model_page_has_every_curve_from_20_disputed_orders_on(make_tables: Callable) -> None:
    tables = make_tables(orders="order_id | occurred_at\no0 | 05-01")
    page = page_of(tables, scored(LEAST_DISPUTED), {"orders": [300], "log_loss": [0.5]})
    assert "1.000 - 1.000" in page
    drawn = {"recall", "lift", "nights", "learning", "importance", "bins-all", "bins-in_transit"}
    assert charts_of(page) == drawn
    assert "are needed" not in text_of(page)


def text_of(page: str) -> str:
    """What the page shows, without the scripts and their words."""
    return re.sub(r"<[^>]*>", "", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL))


def charts_of(page: str) -> set[str]:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])  # type: ignore[index]
    elements = re.findall(r'<div class="chart" id="chart-([^"]*)"', page)
    assert set(data["charts"]) == set(elements)
    return set(elements)


def page_of(tables: object, rows: pl.DataFrame, points: dict[str, list] | None = None) -> str:
    from features.build.registry import FEATURE_NAMES

    nights = measure_by(rows, 10, {}).filter(pl.col("night") != "pooled")
    schema = {"orders": pl.Int64, "average_precision": pl.Float64, "log_loss": pl.Float64}
    curve = pl.DataFrame({"average_precision": [0.5], **points} if points else None, schema=schema)
    last = LastModel(fit_model(rows, FEATURE_NAMES, CONFIG.recipe), rows, curve)
    facts = JudgedFacts("canonical", [], "0" * 64, "unknown", {"seed": "7"}, [])
    return model_page(JudgedNights(tables, CONFIG, rows, nights, last, COSTS, facts))  # type: ignore[arg-type]


def test_a_list_is_measured_by_its_own_disputes() -> None:
    """25 open orders were disputed, but only 19 of the listed ones."""
    few, enough = (past(scored(25), listed_until=n) for n in (19, 40))
    assert few.precision is None
    assert few.base_rate == pytest.approx(25 / 300)
    assert "too few to measure a list by" in past_lists_text(few)
    assert "%" not in past_lists_text(few)
    assert enough.precision == 25 / 40
    assert "were disputed within the horizon" in past_lists_text(enough)
    for listed_until, is_known in ((19, False), (40, True)):
        streams = health(scored(25), listed_until)
        assert streams["ratio"].is_not_null().all()
        assert streams["precision"].is_not_null().to_list() == [is_known] * streams.height


def test_calibration_is_measured_by_the_disputes_of_its_nights() -> None:
    """All 40 disputed orders are on nights that calibration leaves out."""
    rows = scored(40).with_columns(
        label=pl.when(pl.col("as_of_day") == 20_002).then(0).otherwise("label")
    )
    assert is_measurable(rows)
    assert calibration_bins(rows, 1).is_empty()


def test_mlflow_gets_no_metric(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "shop")
    workspace.folder.mkdir()
    result = backtest_table(scored(1)).with_columns(
        night=pl.when(pl.col("night") == "pooled")
        .then(pl.col("night"))
        .otherwise(pl.lit("2026-01-01"))
    )
    log_backtest(workspace, result, [], {})
    client = MlflowClient(tracking_uri(workspace))
    (experiment,) = client.search_experiments(filter_string="name = 'dispute-risk'")
    (run,) = client.search_runs([experiment.experiment_id])
    logged = {name.split(".")[1] for name in run.data.metrics}
    assert logged == COUNTS & set(METRICS)
