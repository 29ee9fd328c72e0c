"""The dispute model: LightGBM, calibrated on later orders; stored as LightGBM text and JSON, never
as a pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl

from models.learner.calibration import Calibration, Curve, fit_calibration, from_numbers, to_numbers
from models.learner.cause import SHARES, CauseModel, cause_from_text, unknown_shares
from models.learner.matrix import to_matrix
from models.learner.stage_medians import Typical, fill_missing_lines, learn_typical
from models.learner.training_config import Recipe
from models.learner.venn_abers import VennAbers, fit_venn_abers
from models.learner.weight_of_evidence import Evidence, learn_evidence
from models.monitoring.input_checks import Moments, learn_moments

SMALLEST_LEAF = 50
# rounds without a gain after which a draft stops; and as many as every model gets, whatever few
# later orders say
PATIENCE, FEWEST_ROUNDS = 50, 50
# a round learns from no more: of millions of nights it takes its time, and another draw teaches it
# as much
MOST_ROWS_A_ROUND = 1_000_000


@dataclass(frozen=True)
class DisputeModel:
    """A booster, its calibration, and what was usual in its training rows.

    `feature_names` are the columns it reads, in order; besides them it reads `stage`. `bounds` say
    how sure it is; None where too little was there to calibrate on. `cause`: why, if it is
    disputed; None where no reasons are told. `moments`: mean and spread of each feature, and
    `learnt_rate`: the share disputed, over the rows learnt from. `evidence`: what each number tells
    by itself, for the reasons.
    """

    booster: lgb.Booster
    calibration: Calibration
    bounds: VennAbers | None
    feature_names: tuple[str, ...]
    typical: Typical
    cause: CauseModel | None = None
    moments: Moments = field(default_factory=dict)
    learnt_rate: float | None = None
    evidence: Evidence = field(default_factory=dict)

    def predict(self, features: pl.DataFrame) -> np.ndarray:
        """One calibrated probability in (0, 1) per row of `features`."""
        return self.calibration.apply(predict_raw(self.booster, self.matrix(features)))

    def predict_with_bounds(self, features: pl.DataFrame) -> pl.DataFrame:
        """`probability, probability_low, probability_high` per row: between the last two Venn-Abers
        expects it.

        Where the shipped calibration says something outside of them, they are widened to hold it.
        """
        raw = predict_raw(self.booster, self.matrix(features))
        probability = self.calibration.apply(raw)
        low, high = (
            self.bounds.bounds(raw) if self.bounds else (np.zeros_like(raw), np.ones_like(raw))
        )
        low, high = np.minimum(low, probability), np.maximum(high, probability)
        return pl.DataFrame(
            {"probability": probability, "probability_low": low, "probability_high": high}
        )

    def predict_cause(self, features: pl.DataFrame) -> pl.DataFrame:
        """`<cause>_share` per row: the chance of each cause given a dispute; null where no reasons
        were told."""
        if self.cause is None:
            return unknown_shares(features.height)
        return pl.DataFrame(
            self.cause.predict(fill_missing_lines(features, self.typical)), schema=SHARES
        )

    def contributions(self, features: pl.DataFrame) -> np.ndarray:
        """Rows x features: how much each feature raised the row's log odds (TreeSHAP, Lundberg et
        al. 2020)."""
        return predict_raw(self.booster, self.matrix(features), pred_contrib=True)[:, :-1]

    def matrix(self, features: pl.DataFrame) -> np.ndarray:
        """What the booster reads of `features`."""
        return to_matrix(fill_missing_lines(features, self.typical), self.feature_names)

    def to_text(self) -> tuple[str, str]:
        """The booster as LightGBM text and the rest as JSON."""
        rest = {
            "feature_names": list(self.feature_names),
            "calibration": to_numbers(self.calibration),
            "bounds": to_numbers(self.bounds) if self.bounds else None,
            "typical": self.typical,
            "cause": self.cause.to_text() if self.cause else None,
            "moments": self.moments,
            "learnt_rate": self.learnt_rate,
            "evidence": self.evidence,
        }
        return self.booster.model_to_string(), json.dumps(rest, indent=2)


def from_text(booster: str, rest: str) -> DisputeModel:
    """The inverse of `DisputeModel.to_text`."""
    settings = json.loads(rest)
    bounds = settings["bounds"]
    return DisputeModel(
        lgb.Booster(model_str=booster),
        from_numbers(settings["calibration"]),
        from_numbers(bounds) if bounds else None,  # type: ignore[arg-type]
        tuple(settings["feature_names"]),
        settings["typical"],
        cause_from_text(settings["cause"]) if settings["cause"] else None,
        # a model of a former version of this program has none of the rest
        {name: (mean, spread) for name, (mean, spread) in settings.get("moments", {}).items()},
        settings.get("learnt_rate"),
        settings.get("evidence", {}),
    )


def fit_model(rows: pl.DataFrame, feature_names: list[str], recipe: Recipe) -> DisputeModel:
    """Fit on labelled order-nights: columns `order_id, as_of_day, stage, label` and the features.

    The calibration is learnt on the latest `calibration_share` of the rows from a model fitted on
    the orders before them: no order is on both sides, since the nights of one order share its fate.
    The booster that ships is then refitted on all rows.
    """
    binned = bin_rows(rows, feature_names, recipe.threads)
    return finish_model(rows, binned, recipe, score_later(rows, binned, recipe))


def finish_model(
    rows: pl.DataFrame, binned: Binned, recipe: Recipe, later: Later | None
) -> DisputeModel:
    """The model of all rows, calibrated by what a draft said of the later ones."""
    calibration: Calibration = Curve()
    bounds = None
    if later is not None:
        calibration = fit_calibration(recipe.calibration, later.raw, later.label, later.evidence)
        bounds = fit_venn_abers(later.raw, later.label, later.evidence)
        recipe = replace(recipe, rounds=later.rounds)
    names = list(binned.feature_names)
    return DisputeModel(
        lgb.train(parameters(recipe, rows), binned.data, recipe.rounds),
        calibration,
        bounds,
        binned.feature_names,
        learn_typical(rows, names),
        moments=learn_moments(rows, names, binned.order),
        learnt_rate=int(rows["label"].sum()) / rows.height,
        evidence=learn_evidence(rows, names, binned.order),
    )


@dataclass(frozen=True)
class Binned:
    """Labelled rows as LightGBM holds them, a byte a number. `order`: the rows of the frame by
    night and order, as `matrix` (float32) and `data` have them, whatever order the frame came
    in."""

    feature_names: tuple[str, ...]
    order: np.ndarray
    matrix: np.ndarray
    data: lgb.Dataset


def bin_rows(rows: pl.DataFrame, feature_names: list[str], threads: int) -> Binned:
    """Once for the draft and the model that ships: the bins know the features of the later rows,
    never their labels."""
    order = rows.select(pl.arg_sort_by("as_of_day", "order_id")).to_series().to_numpy()
    matrix = to_matrix(rows, feature_names, order)
    data = _dataset(matrix, rows["label"].to_numpy()[order], feature_names, threads)
    return Binned(tuple(feature_names), order, matrix, data.construct())


@dataclass(frozen=True)
class Later:
    """What a booster of the earlier orders says of the later ones (`raw`), their labels, how many
    orders a row brings, and after how many rounds it was best."""

    raw: np.ndarray
    label: np.ndarray
    evidence: float
    rounds: int


def score_later(rows: pl.DataFrame, binned: Binned, recipe: Recipe) -> Later | None:
    """Train on the earlier orders, see how it does on the later; None where either side has one
    outcome only.

    How many rounds are worth it depends on how many disputes there are to learn from, so the later
    orders say it, as they say how to calibrate.
    """
    keys = rows.select("order_id", "as_of_day", "label")[binned.order]
    is_later = later_orders(keys, recipe.calibration_share)
    earlier, later = keys.filter(~is_later), keys.filter(is_later)
    if earlier["label"].n_unique() < 2 or later["label"].n_unique() < 2:
        return None
    taught, asked = np.flatnonzero(~is_later), np.flatnonzero(is_later)
    # it takes arrays too, which need a tenth of the memory of the lists it asks for
    early, late = (binned.data.subset(places) for places in (taught, asked))  # type: ignore[arg-type]
    draft = lgb.train(
        parameters(recipe, earlier), early, recipe.rounds, valid_sets=[late], callbacks=[_stop()]
    )
    rounds = max(draft.best_iteration, FEWEST_ROUNDS)
    raw = predict_raw(draft, binned.matrix[asked], threads=recipe.threads, rounds=rounds)
    return Later(
        raw, later["label"].to_numpy(), later["order_id"].n_unique() / later.height, rounds
    )


def later_orders(rows: pl.DataFrame, share: float) -> pl.Series:
    """True for the rows of the orders seen last, about `share` of all rows."""
    seen = rows.group_by("order_id").agg(first_day=pl.col("as_of_day").min(), count=pl.len())
    seen = seen.sort("first_day", "order_id")
    later = seen.filter(pl.col("count").cum_sum() > (1 - share) * rows.height)["order_id"]
    return rows["order_id"].is_in(later.implode())


def predict_raw(
    booster: lgb.Booster,
    matrix: np.ndarray,
    *,
    threads: int = 1,
    rounds: int = -1,
    pred_contrib: bool = False,
) -> np.ndarray:
    """What the booster says of each row after so many rounds (-1: the best, or all), uncalibrated.

    LightGBM has one thread count for the whole process, and a call that names none resets it to all
    cores: whatever another thread builds at that moment then overruns its buffers. So every call
    names its count, and models fitted side by side all name one.
    """
    return np.asarray(
        booster.predict(
            matrix, num_iteration=rounds, pred_contrib=pred_contrib, num_threads=threads
        )
    )


def fit_booster(
    rows: pl.DataFrame, feature_names: list[str], recipe: Recipe, later: pl.DataFrame | None = None
) -> lgb.Booster:
    """Trained for `recipe.rounds`; beside `later` rows, until their log loss has not fallen for
    `PATIENCE` rounds."""
    data = _dataset(
        to_matrix(rows, feature_names), rows["label"].to_numpy(), feature_names, recipe.threads
    )
    if later is None:
        return lgb.train(parameters(recipe, rows), data, recipe.rounds)
    told = later["label"].to_numpy()
    beside = _dataset(to_matrix(later, feature_names), told, feature_names, recipe.threads, data)
    return lgb.train(
        parameters(recipe, rows), data, recipe.rounds, valid_sets=[beside], callbacks=[_stop()]
    )


def parameters(recipe: Recipe, rows: pl.DataFrame) -> dict[str, Any]:
    """LightGBM's, with those that follow from how many rows and orders there are to learn from."""
    told = recipe.booster
    smallest = max(
        SMALLEST_LEAF, recipe.orders_in_leaf * rows.height // rows["order_id"].n_unique()
    )
    drawn = min(told["bagging_fraction"], MOST_ROWS_A_ROUND / max(rows.height, 1))
    return {"min_data_in_leaf": smallest, **told, "bagging_fraction": drawn}


def _stop() -> Callable:
    return lgb.early_stopping(PATIENCE, verbose=False)


def _dataset(
    matrix: np.ndarray,
    label: np.ndarray,
    feature_names: list[str],
    threads: int,
    reference: lgb.Dataset | None = None,
) -> lgb.Dataset:
    # the leaf size is not the same for all boosters of these bins, so no feature is left out for it
    # beforehand
    fixed = {"feature_pre_filter": False, "verbosity": -1, "num_threads": threads}
    return lgb.Dataset(matrix, label, reference, feature_name=list(feature_names), params=fixed)
