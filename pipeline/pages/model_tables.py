"""The tables of the model page: what was measured, as cells whose words follow the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from features.clock import calendar_day
from pipeline.output.safe_text import neutral_frame
from pipeline.pages.html import percent
from pipeline.pages.page_words import code_span, text_span

Cell = Markup | str
# the ways to choose contacts, by the name that the measurement gives them
WAYS = {
    "the model, by expected value": "model.way_model",
    "rule: past promise": "model.way_past_promise",
    "rule: stalled scan": "model.way_stalled_scan",
}
SLICES = {
    "country": "model.slice_country",
    "lane": "model.slice_lane",
    "price band": "model.slice_price",
}
QUALITY_HEADS = (
    "model.stage",
    "model.order_nights",
    "model.disputed_nights",
    "model.precision_listed",
    "model.recall_listed",
    "model.average_precision",
    "model.interval",
    "model.auc",
    "model.interval",
    "model.log_loss",
    "model.calibration_error",
)
RATE_HEADS = ("model.order_nights", "model.predicted", "model.actual", "model.interval")
# the shares of recall and of the list's length that the tables show
RECALLS, SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9), (0.01, 0.04, 0.09, 0.16, 0.25, 0.49)


@dataclass(frozen=True)
class PageTable:
    """The heads and cells of a table; all columns but the first `texts` have numbers."""

    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    texts: int = 1


def money_table(money: pl.DataFrame) -> PageTable:
    """`money`: as `model_measures.money` gives it."""
    rows = [
        [
            text_span(WAYS[row["way"]]) if row["way"] in WAYS else row["way"],
            f"{row['usd_a_night']:,.1f}",
            f"{row['low']:,.1f} - {row['high']:,.1f}",
            f"{row['contacts_a_night']:,.1f}",
            percent(row["hits_share"]),
        ]
        for row in money.iter_rows(named=True)
    ]
    return PageTable(
        heads("model.way", "model.usd", "model.interval", "model.contacts", "model.hits"), rows
    )


def quality_table(quality: pl.DataFrame) -> PageTable:
    """`quality`: as `model_measures.quality` gives it."""
    rows = [
        [
            stage_cell(row["stage"]),
            f"{row['rows']:,}",
            f"{row['count_disputes']:,}",
            percent(row["precision_at_capacity"]),
            percent(row["recall_at_capacity"]),
            _number(row["average_precision"]),
            (row["AP_interval"] or "-").replace(" to ", " - "),
            _number(row["auc"]),
            (row["AUC_interval"] or "-").replace(" to ", " - "),
            _number(row["log_loss"], 4),
            percent(row["calibration_error"], 2),
        ]
        for row in quality.iter_rows(named=True)
    ]
    return PageTable(heads(*QUALITY_HEADS), rows)


def slices_table(slices: pl.DataFrame) -> PageTable:
    """`slices`: as `model_measures.calibration_by` gives it."""
    rows = [
        [_slice_cell(row["slice"]), *_rate_cells(row)]
        for row in neutral_frame(slices).iter_rows(named=True)
    ]
    return PageTable(heads("model.slice", *RATE_HEADS), rows)


def bins_table(bins: pl.DataFrame) -> PageTable:
    """`bins`: as `model_measures.calibration_bins` gives it."""
    rows = [[stage_cell(row["stage"]), *_rate_cells(row)] for row in bins.iter_rows(named=True)]
    return PageTable(heads("model.stage", *RATE_HEADS), rows)


def recall_table(curve: pl.DataFrame) -> PageTable:
    """Some points of the precision-recall curve."""
    return PageTable(
        heads("model.recall", "model.precision", "model.interval"),
        [
            [percent(row["recall"], 0), percent(row["precision"]), _range(row)]
            for row in _points(curve, "recall", RECALLS)
        ],
        texts=0,
    )


def lift_table(curve: pl.DataFrame) -> PageTable:
    """Some points of the lift curve."""
    return PageTable(
        heads("model.share_listed", "model.lift", "model.interval", "model.recall"),
        [
            [
                percent(row["share"], 0),
                f"{row['lift']:.2f}",
                f"{row['low']:.2f} - {row['high']:.2f}",
                percent(row["recall"]),
            ]
            for row in _points(curve, "share", SHARES)
        ],
        texts=0,
    )


def importance_table(importance: pl.DataFrame, count: int = 30) -> PageTable:
    """`importance`: as `feature_importance` gives it."""
    rows = [
        [code_cell(row["feature"]), percent(row["share"]), percent(row["gain_share"])]
        for row in importance.head(count).iter_rows(named=True)
    ]
    return PageTable(heads("model.feature", "model.importance_share", "model.gain_share"), rows)


def drift_table(drift: pl.DataFrame) -> PageTable:
    """`drift`: as `model_measures.drift` gives it."""
    rows = [
        [
            code_cell(row["feature"]),
            Markup('<span lang="en">{}</span>').format(row["unit"]),
            _number(row["training_mean"]),
            _number(row["now"]),
            f"{row['moved']:+.2f}",
        ]
        for row in drift.iter_rows(named=True)
    ]
    return PageTable(
        heads("model.feature", "model.unit", "model.training_mean", "model.now", "model.moved"),
        rows,
        texts=2,
    )


def misses_table(misses: pl.DataFrame, features: Sequence[str]) -> PageTable:
    """`misses`: `order_id, as_of_day, stage, probability` and the columns in `features`."""
    rows = [
        [
            row["order_id"],
            calendar_day(row["as_of_day"]).isoformat(),
            stage_cell(row["stage"]),
            percent(row["probability"], 2),
            *(_number(row[name]) for name in features),
        ]
        for row in neutral_frame(misses).iter_rows(named=True)
    ]
    titles = [
        *heads("model.order", "model.night", "model.stage", "model.probability"),
        *map(code_cell, features),
    ]
    return PageTable(titles, rows, texts=3)


def stage_cell(stage: str) -> Cell:
    """The words of a stage, or of all stages."""
    return text_span("model.all") if stage == "all" else code_span("stage", stage)


def _slice_cell(text: str) -> Cell:
    by, _, name = text.partition(": ")
    if by == "price band" and name.startswith("under "):
        return text_span("model.slice_under", name=name.removeprefix("under "))
    if by == "price band" and name.endswith(" and over"):
        return text_span("model.slice_over", name=name.removesuffix(" and over"))
    return text_span(SLICES[by], name=name) if by in SLICES else code_span("stage", name)


def _rate_cells(row: dict[str, float]) -> list[Cell]:
    return [
        f"{row['rows']:,}",
        percent(row["predicted"], 2),
        percent(row["realised"], 2),
        _range(row),
    ]


def _range(row: dict[str, float]) -> str:
    return f"{percent(row['low'], 2)} - {percent(row['high'], 2)}"


def _points(curve: pl.DataFrame, column: str, values: Sequence[float]) -> list[dict[str, float]]:
    near = [(pl.col(column) - value).abs() < 1e-9 for value in values]
    return curve.filter(pl.any_horizontal(near)).to_dicts()


def heads(*keys: str) -> list[Cell]:
    """The heads of a table by their keys."""
    return [text_span(key) for key in keys]


def code_cell(name: str) -> Markup:
    """A name of the program, an id or a hash."""
    return Markup("<code>{}</code>").format(name)


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.{digits}f}"
