"""Would another seed give the same reasons? Five models that differ in their seed only, on a
night's riskiest orders.

Told of the 400 orders that are riskiest by the mean of the five: the share for which all five give
the same first theme, the same first feature and the same first sentence; and that this is not had
by saying little: how many different first sentences there are, how often the most frequent is said,
how much of what raises the risk (the positive drives of all themes) the first reason's theme stands
for in the model that speaks, how often no theme drives it more, and how often the feature that
speaks raises the risk by itself. The training rows are the same for all.

    PYTHONPATH=. .venv/bin/python tests/bench/reasons.py 2025-11-01 --seeds 11 7
    PYTHONPATH=. .venv/bin/python tests/bench/reasons.py 2018-03-01 --workspace workspaces/olist
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pipeline  # noqa: F401 - its settings of the environment are read when polars is

import numpy as np  # isort: skip
import polars as pl  # isort: skip

from features.build.registry import FEATURE_NAMES, FEATURES
from features.clock import day_number, last_matured_day
from models.learner.booster import bin_rows, score_later
from models.learner.gbm import DisputeModel, finish_model
from models.learner.training_rows import label_rows, learnable
from models.reasons.explain import Reason, find_reasons
from pipeline.engines.engine import build_night
from pipeline.settings.config import Config
from pipeline.training.fitting import training_dataset
from pipeline.workspace.workspace import Workspace

MODELS, RISKIEST, ORDERS = 5, 400, 50_000
NOTHING = Reason("", "", "", 0.0, 0.0)


def fit_models(workspace: Workspace, as_of: date) -> tuple[list[DisputeModel], pl.DataFrame]:
    """The models of the rows matured by `as_of`, and the open orders of that night."""
    config, day, tables = Config(), day_number(as_of), workspace.read_tables()
    last_day = last_matured_day(day, config.horizon_days, config.reporting_delay_days)
    rows = training_dataset(tables, config, last_day)
    rows = learnable(label_rows(tables, rows, config.label_window, day))
    binned = bin_rows(rows, FEATURE_NAMES, config.recipe.threads)
    recipes = [replace(config.recipe, seed=seed) for seed in range(1, MODELS + 1)]
    models = [
        finish_model(rows, binned, recipe, score_later(rows, binned, recipe)) for recipe in recipes
    ]
    return models, build_night(workspace.table_files(), day, config)


def riskiest(models: Sequence[DisputeModel], night: pl.DataFrame) -> pl.DataFrame:
    mean = np.mean([model.predict(night) for model in models], axis=0)
    return night[np.argsort(-mean, kind="stable")[:RISKIEST]]


def share_same(told: Sequence[Sequence[str]]) -> float:
    """Of the orders those of which all models tell the same."""
    return float(np.mean([len(set(of_order)) == 1 for of_order in zip(*told, strict=True)]))


def measure(models: Sequence[DisputeModel], asked: pl.DataFrame) -> list[tuple[str, str]]:
    """What is measured and the figure, in words."""
    all_told = [find_reasons(model, asked, FEATURES) for model in models]
    first = [[(of_order or [NOTHING])[0] for of_order in told] for told in all_told]
    found = [
        (
            f"same first {part}",
            f"{share_same([[getattr(r, part) for r in told] for told in first]):.1%}",
        )
        for part in ("theme", "feature", "sentence")
    ]
    among = [{r.feature for r in of_order} for told in all_told for of_order in told]
    among_all = [set.intersection(*among[place :: asked.height]) for place in range(asked.height)]
    in_all = np.mean(
        [reason.feature in those for reason, those in zip(first[0], among_all, strict=True)]
    )
    said, themes = Counter(r.sentence for r in first[0]), Counter(r.theme for r in first[0])
    features = Counter(r.feature for r in first[0])
    return [
        *found,
        ("first feature among the reasons of all", f"{in_all:.1%}"),
        (
            "different first sentences, features, themes",
            f"{len(said)}, {len(features)}, {len(themes)}",
        ),
        (
            "most frequent sentence",
            f"{said.most_common(1)[0][1] / asked.height:.1%}: {said.most_common(1)[0][0]}",
        ),
        ("most frequent feature", f"{features.most_common(1)[0][1] / asked.height:.1%}"),
        (
            "themes",
            ", ".join(f"{theme or 'none'} {count}" for theme, count in themes.most_common()),
        ),
        ("reasons an order", f"{np.mean([len(of_order) for of_order in all_told[0]]):.2f}"),
        *faithfulness(models, asked, first),
    ]


def faithfulness(
    models: Sequence[DisputeModel], asked: pl.DataFrame, first: Sequence[Sequence[Reason]]
) -> list[tuple[str, str]]:
    """Of the first reasons of every model beside that model's own contributions."""
    themes = sorted({feature.theme for feature in FEATURES.values()})
    shares, is_largest, is_own = [], [], []
    for model, told in zip(models, first, strict=True):
        contributions = model.contributions(asked)
        place = np.array([themes.index(FEATURES[name].theme) for name in model.feature_names])
        drive = contributions @ np.eye(len(themes))[place]
        for row, reason in enumerate(told):
            own = drive[row, themes.index(reason.theme)] if reason.theme else 0.0
            shares.append(own / max(np.clip(drive[row], 0.0, None).sum(), 1e-9))
            is_largest.append(own >= drive[row].max())
            is_own.append(
                bool(reason.feature) and contributions[row, FEATURE_NAMES.index(reason.feature)] > 0
            )
    return [
        ("the first theme's share of what raises the risk", f"{np.mean(shares):.1%}"),
        ("no theme has a larger drive", f"{np.mean(is_largest):.1%}"),
        ("the feature that speaks raises the risk itself", f"{np.mean(is_own):.1%}"),
    ]


def simulate(workspace: Path, seed: int) -> None:
    step = [sys.executable, "-m", "pipeline"]
    where = ["--workspace", str(workspace)]
    subprocess.run(
        [*step, "simulate", *where, "--orders", str(ORDERS), "--seed", str(seed)], check=True
    )
    raw = ["--source", "canonical", "--raw", str(workspace / "raw")]
    subprocess.run([*step, "ingest", *where, *raw], check=True)


def tell(name: str, workspace: Path, as_of: date) -> None:
    models, night = fit_models(Workspace(workspace), as_of)
    sys.stdout.write(f"{name}, {as_of}: {RISKIEST} riskiest of {night.height:,} open orders\n")
    for what, figure in measure(models, riskiest(models, night)):
        sys.stdout.write(f"  {what:<48} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("as_of", type=date.fromisoformat)
    parser.add_argument(
        "--workspace", type=Path, help="of a store that is ingested; else stores are made up"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11, 7], help="of the made-up stores"
    )
    asked = parser.parse_args()
    if asked.workspace:
        tell(asked.workspace.name, asked.workspace, asked.as_of)
    else:
        for seed in asked.seeds:
            with TemporaryDirectory() as folder:
                simulate(Path(folder), seed)
                tell(f"{ORDERS:,} simulated orders, seed {seed}", Path(folder), asked.as_of)
