"""What the features of buyers' texts add to the model, judged by the true risk of simulated stores.

Each store's model is trained on what had matured before the first night, with and without the
features, and scores the same order-nights. Gains are differences of the mean log loss against the
true risk, in 1e-5; a negative one is an improvement. Brackets: 90 %, resampling orders with all
their nights.

PYTHONPATH=. python tests/bench/message_features.py FOLDER [ORDERS] SEED...
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import rel_entr
from sklearn.metrics import average_precision_score

from features.build.registry import FEATURE_NAMES
from features.clock import day_number
from features.tables import create_tables
from models.learner.training_rows import train_model
from pipeline.settings.config import Config
from pipeline.simulation.attainable_risk import attainable_risk
from pipeline.simulation.true_risk import COPIES
from pipeline.simulation.world.simulated_orders import build_world
from pipeline.simulation.world.simulated_store import ZONE, simulate_store
from pipeline.sources.conversation.message_labels import with_labels
from pipeline.training.walk_forward import past_nights

OF_TEXTS = [
    f"conversation_{name}"
    for name in (
        "count_complaints",
        "count_demands",
        "count_urgent",
        "last_intent",
        "worst_intent",
        "last_urgency",
        "last_sentiment",
        "mean_sentiment",
    )
]
# the columns of a variant: none of the texts' features, all, or three dense ones
FEW = ["conversation_worst_intent", "conversation_last_urgency", "conversation_mean_sentiment"]
VARIANTS = {"without": [], "few": FEW, "all": OF_TEXTS}
FIRST, DAYS = date(2024, 1, 1), 600
NIGHTS = (date(2025, 3, 3), date(2025, 6, 23), 28)
MODEL_SEEDS = (7, 8)
TRAINING_ROWS = 20_000
# order-nights of each store without a message
OTHER_ROWS = 1_000
RESAMPLES = 2_000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def scored(orders: int, seed: int) -> pl.DataFrame:
    """The order-nights of one store: true risk, whether the buyer wrote, and both probabilities."""
    config = Config(seed=seed, max_training_rows=TRAINING_ROWS)
    shape = {"count_orders": orders, "seed": seed, "first_day": FIRST, "days": DAYS}
    frames = simulate_store(**shape)
    frames["messages"] = with_labels(frames["messages"])
    tables = create_tables(frames, zone=ZONE)
    first, last, every = NIGHTS
    nights, dataset, test = past_nights(tables, config, first=first, last=last, every=every)
    is_asked = test["conversation_count_questions"] > 0
    # all order-nights with a message, and some of the others: each group is judged on its own
    others = test.filter(~is_asked).sample(n=OTHER_ROWS, seed=1)
    test = pl.concat([test.filter(is_asked), others])
    plain = [name for name in FEATURE_NAMES if name not in OF_TEXTS]
    columns = {}
    for name, added in VARIANTS.items():
        features = [*plain, *added]
        scores = []
        for model_seed in MODEL_SEEDS:
            recipe = replace(config.recipe, seed=model_seed, threads=1)
            model, rows = train_model(
                tables, dataset, config.label_window, nights[0], recipe, features
            )
            assert model is not None
            scores.append(model.predict(test))
        columns[name] = np.mean(scores, axis=0)
        say(f"seed {seed}: {name}, {rows.height:,} training rows, {rows['label'].sum():,} disputed")
    world = build_world(**shape)
    number = test["order_id"].str.extract(r"(\d+)").cast(pl.Int64).to_numpy() - 1
    as_of = test["as_of_day"].to_numpy() - day_number(FIRST)
    truth = attainable_risk(world, number, as_of, config.horizon_days, COPIES)
    return test.select(
        "order_id", "as_of_day", "stage", is_asked=pl.col("conversation_count_questions") > 0
    ).with_columns(
        pl.lit(seed).alias("seed"),
        pl.Series("true_risk", truth),
        *(pl.Series(name, values) for name, values in columns.items()),
    )


def loss(rows: pl.DataFrame, name: str) -> np.ndarray:
    """What each row loses against the true risk: the divergence of the two chances."""
    truth, said = rows["true_risk"].to_numpy(), np.clip(rows[name].to_numpy(), 1e-6, 1 - 1e-6)
    return np.asarray(rel_entr(truth, said) + rel_entr(1 - truth, 1 - said))


def compare(rows: pl.DataFrame, variant: str, words: str) -> None:
    """Write the mean losses without and with the features, and their difference with its
    interval."""
    gain = loss(rows, variant) - loss(rows, "without")
    order = rows.select(pl.struct("seed", "order_id").rank("dense"))["seed"].to_numpy() - 1
    sums, counts = np.bincount(order, gain), np.bincount(order)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(RESAMPLES):
        weight = rng.multinomial(len(sums), np.full(len(sums), 1.0 / len(sums)))
        drawn.append((weight @ sums) / (weight @ counts))
    low, high = np.quantile(drawn, [0.05, 0.95])
    ranked = []
    for name in ("without", variant):
        both = np.repeat([1, 0], rows.height)
        truth = rows["true_risk"].to_numpy()
        weight = np.concatenate([truth, 1 - truth])
        score = np.tile(rows[name].to_numpy(), 2)
        ranked.append(average_precision_score(both, score, sample_weight=weight))
    say(
        f"{words}, {variant}: {rows.height:,} order-nights of {len(sums):,} orders, true rate "
        f"{rows['true_risk'].mean():.4f}; loss without {loss(rows, 'without').mean() * 1e5:.0f}, "
        f"with {loss(rows, variant).mean() * 1e5:.0f}; gain {gain.mean() * 1e5:+.0f} "
        f"({low * 1e5:+.0f} to {high * 1e5:+.0f}); expected AP {ranked[0]:.4f}, {ranked[1]:.4f}"
    )


def main() -> None:
    folder, orders, *seeds = sys.argv[1:]
    parts = []
    Path(folder).mkdir(parents=True, exist_ok=True)
    for seed in map(int, seeds):
        rows = scored(int(orders), seed)
        rows.write_parquet(Path(folder) / f"scored-{seed}.parquet")
        parts.append(rows)
        compare_all(rows, f"seed {seed}")
    compare_all(pl.concat(parts), "all seeds")


def compare_all(rows: pl.DataFrame, words: str) -> None:
    """Compare each variant on the order-nights with a message, and on the others."""
    for variant in ("few", "all"):
        compare(rows.filter("is_asked"), variant, f"{words}, buyers who wrote")
        compare(rows.filter(~pl.col("is_asked")), variant, f"{words}, the others")


if __name__ == "__main__":
    main()
