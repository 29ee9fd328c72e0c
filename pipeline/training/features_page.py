"""The page of the features as HTML: what each is, its values here, and its part of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import jinja2
import polars as pl

from features.build.registry import FAMILIES, FEATURES, family_name
from features.feature import Feature
from pipeline.training.feature_texts import about_features, example_of, first_line, missing_share

PAGE = "features.html"
TEMPLATES = Path(__file__).resolve().parents[1] / "pages" / "templates"
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class ModelPart:
    """The parts of a model that its features have, and which model that is.

    `shares`: feature -> its share of the gain of all splits, from 0 to 1.
    """

    title: str
    shares: Mapping[str, float]


def features_page(rows: pl.DataFrame, as_of: date, model: ModelPart | None) -> str:
    """The page as HTML. `rows`: order-nights before `as_of`, with their features."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    shares = model.shares if model else {}
    return environment.get_template(PAGE).render(
        title=f"What is known about an order: {len(FEATURES)} features",
        about=about_features(rows.height, as_of),
        model=f"Part of the model: the share of the gain of all splits, in {model.title}."
        if model
        else "Part of the model: empty, because there is no champion yet.",
        families=[
            {
                "name": family_name(family),
                "about": first_line(family.__doc__),
                "rows": _table(family.FEATURES, rows, shares),
            }
            for family in FAMILIES
        ],
    )


def _table(
    features: Sequence[Feature], rows: pl.DataFrame, shares: Mapping[str, float]
) -> list[dict[str, str]]:
    # a family names its features without the lookback that the registry adds
    return [_row(FEATURES[each.name], rows, shares.get(each.name)) for each in features]


def _row(feature: Feature, rows: pl.DataFrame, share: float | None) -> dict[str, str]:
    known = rows[feature.name].cast(pl.Float64).drop_nulls()
    low, median, high = (known.quantile(q) for q in (LOW, 0.5, HIGH))
    return {
        "name": feature.name,
        "why": feature.why,
        "unit": feature.unit,
        "lookback": feature.lookback,
        "theme": feature.theme,
        "missing": missing_share(feature, rows),
        "range": "" if low is None else f"{low:.4g} to {high:.4g}",
        "median": "" if median is None else f"{median:.4g}",
        "importance": "" if share is None else f"{share:.1%}",
        "example": example_of(feature, rows),
    }
