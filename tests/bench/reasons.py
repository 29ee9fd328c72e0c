"""Whether another seed gives the same reasons: five models that differ only in their seed.

The models explain the 400 orders of a night with the highest mean risk, and have the same training
rows. Reported are the shares of orders for which all five give the same first theme, feature and
sentence. Further figures show that the reasons still say something: the number of different first
sentences, and the share of the most frequent one; the first theme's share of everything that raises
the risk (the positive contributions of all themes) in the model that gives the reason; how often no
theme has a larger contribution; and how often the feature in the sentence raises the risk itself.

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

import pipeline  # noqa: F401 - sets environment variables before polars is imported

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
NO_REASON = Reason("", "", "", 0.0, 0.0)


def fit_models(workspace: Workspace, as_of: date) -> tuple[list[DisputeModel], pl.DataFrame]:
    """The models trained on the rows matured by `as_of`, and the open orders of that night."""
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


def share_same(by_model: Sequence[Sequence[str]]) -> float:
    """The share of orders for which all models give the same text."""
    return float(np.mean([len(set(texts)) == 1 for texts in zip(*by_model, strict=True)]))


def measure(models: Sequence[DisputeModel], orders: pl.DataFrame) -> list[tuple[str, str]]:
    """(name, figure) of everything that is measured, as text."""
    by_model = [find_reasons(model, orders, FEATURES) for model in models]
    first = [[(reasons or [NO_REASON])[0] for reasons in of_model] for of_model in by_model]
    agreement = [
        (
            f"same first {part}",
            f"{share_same([[getattr(r, part) for r in of_model] for of_model in first]):.1%}",
        )
        for part in ("theme", "feature", "sentence")
    ]
    named = [{r.feature for r in reasons} for of_model in by_model for reasons in of_model]
    named_by_all = [set.intersection(*named[row :: orders.height]) for row in range(orders.height)]
    in_all = np.mean(
        [reason.feature in common for reason, common in zip(first[0], named_by_all, strict=True)]
    )
    sentences, themes = Counter(r.sentence for r in first[0]), Counter(r.theme for r in first[0])
    features = Counter(r.feature for r in first[0])
    sentence, times = sentences.most_common(1)[0]
    return [
        *agreement,
        ("first feature among the reasons of all", f"{in_all:.1%}"),
        (
            "different first sentences, features, themes",
            f"{len(sentences)}, {len(features)}, {len(themes)}",
        ),
        ("most frequent sentence", f"{times / orders.height:.1%}: {sentence}"),
        ("most frequent feature", f"{features.most_common(1)[0][1] / orders.height:.1%}"),
        (
            "themes",
            ", ".join(f"{theme or 'none'} {count}" for theme, count in themes.most_common()),
        ),
        ("reasons per order", f"{np.mean([len(reasons) for reasons in by_model[0]]):.2f}"),
        *faithfulness(models, orders, first),
    ]


def faithfulness(
    models: Sequence[DisputeModel], orders: pl.DataFrame, first: Sequence[Sequence[Reason]]
) -> list[tuple[str, str]]:
    """Compare the first reasons of every model with the model's own contributions."""
    themes = sorted({feature.theme for feature in FEATURES.values()})
    shares, is_largest, is_own = [], [], []
    for model, reasons in zip(models, first, strict=True):
        contributions = model.contributions(orders)
        theme_of = np.array([themes.index(FEATURES[name].theme) for name in model.feature_names])
        drive = contributions @ np.eye(len(themes))[theme_of]
        for row, reason in enumerate(reasons):
            own = drive[row, themes.index(reason.theme)] if reason.theme else 0.0
            shares.append(own / max(np.clip(drive[row], 0.0, None).sum(), 1e-9))
            is_largest.append(own >= drive[row].max())
            is_own.append(
                bool(reason.feature) and contributions[row, FEATURE_NAMES.index(reason.feature)] > 0
            )
    return [
        ("the first theme's share of what raises the risk", f"{np.mean(shares):.1%}"),
        ("no theme has a larger contribution", f"{np.mean(is_largest):.1%}"),
        ("the feature in the sentence raises the risk", f"{np.mean(is_own):.1%}"),
    ]


def simulate(workspace: Path, seed: int) -> None:
    step = [sys.executable, "-m", "pipeline"]
    folder = ["--workspace", str(workspace)]
    subprocess.run(
        [*step, "simulate", *folder, "--orders", str(ORDERS), "--seed", str(seed)], check=True
    )
    raw = ["--source", "canonical", "--raw", str(workspace / "raw")]
    subprocess.run([*step, "ingest", *folder, *raw], check=True)


def say_figures(name: str, workspace: Path, as_of: date) -> None:
    models, night = fit_models(Workspace(workspace), as_of)
    sys.stdout.write(f"{name}, {as_of}: {RISKIEST} riskiest of {night.height:,} open orders\n")
    for measured, figure in measure(models, riskiest(models, night)):
        sys.stdout.write(f"  {measured:<48} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("as_of", type=date.fromisoformat)
    parser.add_argument(
        "--workspace", type=Path, help="of an ingested store; default: simulated stores"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[11, 7], help="of the simulated stores"
    )
    options = parser.parse_args()
    if options.workspace:
        say_figures(options.workspace.name, options.workspace, options.as_of)
    else:
        for seed in options.seeds:
            with TemporaryDirectory() as folder:
                simulate(Path(folder), seed)
                name = f"{ORDERS:,} simulated orders, seed {seed}"
                say_figures(name, Path(folder), options.as_of)
