"""Which groups of features carry the score: in the model, tonight, and when they are left out."""

from __future__ import annotations

import numpy as np
import polars as pl

from features.build.registry import FAMILIES, FEATURE_NAMES, FEATURES, family_name
from features.labels import is_measurable
from features.tables import Tables
from models.comparison.paired_comparison import compare_scorers
from models.learner.gbm import DisputeModel
from pipeline.evaluation.findings.ranking_findings import on_list
from pipeline.settings.config import Config
from pipeline.training.walk_forward import walk

# a family of features, in the words of a seller
GROUPS = {
    "order": "the order itself",
    "product": "the product",
    "logistics": "the parcel's progress",
    "lane": "the route and carrier",
    "buyer": "the buyer and country",
    "store": "the store's last weeks",
    "conversation": "the messages",
    "season": "the season",
    "payment": "the payment",
    "postal": "the postal areas",
    "listing": "the listing",
    "goods": "the size of the goods",
    "holiday": "the public holidays",
    "flow": "whether parcels move now",
}
FEATURES_OF = {
    GROUPS[family_name(family)]: [feature.name for feature in family.FEATURES]
    for family in FAMILIES
}
GROUP_OF = {name: group for group, names in FEATURES_OF.items() for name in names}
ALL = "all features"
WITHOUT, ALONE = "all but this group", "this group alone"


def parts_by_group(model: DisputeModel, features: pl.DataFrame) -> pl.DataFrame:
    """Each group's part of a model, largest first: `group, features, gain, moved`.

    `gain`: its share of the gain of all splits. `moved`: its share of what moves the score of the
    orders in `features`: the mean absolute sum, per order, of its contributions to the log odds.
    Both add up to 1 over all groups, if the model uses any feature.
    """
    gain = model.booster.feature_importance("gain")
    contributions = model.contributions(features)
    rows = []
    for group in FEATURES_OF:
        own = [n for n, name in enumerate(model.feature_names) if GROUP_OF.get(name) == group]
        moved = np.abs(contributions[:, own].sum(axis=1)).mean()
        rows.append((group, len(own), float(gain[own].sum()), float(moved)))
    table = pl.DataFrame(rows, schema=["group", "features", "gain", "moved"], orient="row")
    parts = [
        pl.col(name) / pl.col(name).sum().clip(lower_bound=1e-12) for name in table.columns[2:]
    ]
    return table.with_columns(parts).sort("moved", "group", descending=[True, False])


def strongest_features(model: DisputeModel, features: pl.DataFrame, count: int) -> pl.DataFrame:
    """The features that move the score of the orders in `features` most: `feature, group, why,
    moved, direction`.

    `moved`: the share of all absolute contributions to the log odds. `direction`: which values
    raise the risk, in words, by the rank correlation of value and contribution.
    """
    contributions = model.contributions(features)
    size = np.abs(contributions).mean(axis=0)
    strongest = np.argsort(-size, kind="stable")[:count]
    names = [model.feature_names[number] for number in strongest]
    return pl.DataFrame(
        {
            "feature": names,
            "group": [GROUP_OF[name] for name in names],
            "why": [FEATURES[name].why for name in names],
            "moved": size[strongest] / max(size.sum(), 1e-12),
            "direction": [
                _direction(features[name], contributions[:, number])
                for name, number in zip(names, strongest, strict=True)
            ],
        }
    )


def _direction(values: pl.Series, contribution: np.ndarray) -> str:
    known = pl.DataFrame({"value": values, "contribution": contribution}).drop_nulls()
    agree = known.select(pl.corr("value", "contribution", method="spearman")).item()
    if agree is None or not abs(agree) >= 0.5:
        return "it depends on the other features"
    return "high values raise the risk" if agree > 0 else "low values raise the risk"


def score_groups(
    tables: Tables, config: Config, dataset: pl.DataFrame, test: pl.DataFrame, nights: list[int]
) -> tuple[pl.DataFrame, dict[tuple[str, str], np.ndarray]]:
    """The labelled rows of `test`, and their probabilities by (kind, group).

    Each night is scored by models that were trained again with all features (`ALL, ALL`), without
    each group (`WITHOUT`) and with each group alone (`ALONE`). Raises `Refused` if no night had
    enough matured disputes before it.
    """
    rows = walk(tables, config, dataset, test, nights)
    scores = {(ALL, ALL): rows["probability"].to_numpy()}
    for group, names in FEATURES_OF.items():
        others = [name for name in FEATURE_NAMES if name not in names]
        for kind, used in ((WITHOUT, others), (ALONE, names)):
            scored = walk(tables, config, dataset, test, nights, used)
            scores[kind, group] = scored["probability"].to_numpy()
    return rows, scores


def compare_groups(
    rows: pl.DataFrame, scores: dict[tuple[str, str], np.ndarray], seed: int
) -> pl.DataFrame:
    """The AUC without each group and with it alone, next to that of all features.

    One row per score: `kind, group`, the AUC `value` with its 90 % interval `low, high`, and its
    `gain, gain_low, gain_high` over all features, which are null for those. Empty with too few
    disputed orders.
    """
    names = {f"{kind}: {group}": (kind, group) for kind, group in scores}
    by_name = dict(zip(names, scores.values(), strict=True))
    reference = next(iter(by_name))
    compared = compare_scorers(rows, by_name, seed=seed, metrics=("auc",), reference=reference)
    kinds = pl.DataFrame(
        [(name, *key) for name, key in names.items()],
        schema=["scorer", "kind", "group"],
        orient="row",
    )
    table = kinds.join(compared, on="scorer", maintain_order="left").drop("scorer", "metric")
    return table if is_measurable(rows) else table.clear()


def listed_without(
    rows: pl.DataFrame, scores: dict[tuple[str, str], np.ndarray], capacity: int
) -> pl.DataFrame:
    """How many orders stay on the nights' lists when a group is left out: `group, listed, stay`,
    fewest first. `rows`: `order_id, as_of_day`; a list has the `capacity` highest of a night."""
    with_all = on_list(rows, scores[ALL, ALL], capacity)
    counts = [
        (group, with_all.sum(), (with_all & on_list(rows, score, capacity)).sum())
        for (kind, group), score in scores.items()
        if kind == WITHOUT
    ]
    schema = {"group": pl.String, "listed": pl.Int64, "stay": pl.Int64}
    return pl.DataFrame(counts, schema=schema, orient="row").sort("stay", "group")
