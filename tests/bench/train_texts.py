"""Train the classifier of buyers' texts, and write its weights; or show how often it is right.

The training texts are made from `training` and `tuning` in tests/texts. `judge` shows the accuracy
by language on the texts of a folder: `held_out` was written last and changed nothing. `olist` shows
the sentiment of real Portuguese reviews by their stars.

PYTHONPATH=. python tests/bench/train_texts.py train | judge FOLDER | olist FOLDER_OF_OLIST
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.texts.text_classifier import HEADS, TextClassifier, text_matrix
from pipeline.sources.conversation.message_labels import (
    WEIGHTS,
    shipped_classifier,
    shipped_concepts,
)
from tests.texts.text_sets import (
    LANGUAGES,
    LabelledText,
    compose,
    labelled_lines,
    training_phrases,
    training_sha256,
)

SEED, REPEATS = 1, 8
# inverse strength of the penalty on squared weights
C = 0.3
REVIEWS = "olist_order_reviews_dataset.csv"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def train(texts: Sequence[LabelledText]) -> TextClassifier:
    """One softmax regression per head; all classes weigh the same."""
    concepts = shipped_concepts()
    matrix = text_matrix(concepts, [each.text for each in texts])
    weights, bias = [], []
    for head, classes in HEADS.items():
        wanted = np.array([classes.index(getattr(each, head)) for each in texts])
        model = LogisticRegression(C=C, max_iter=300, class_weight="balanced")
        model.fit(matrix, wanted)
        coefficients, intercept = model.coef_, model.intercept_
        if len(classes) == 2:
            coefficients = np.concatenate([-coefficients, coefficients]) / 2.0
            intercept = np.concatenate([-intercept, intercept]) / 2.0
        weights.append(coefficients)
        bias.append(intercept)
    whole = np.round(np.concatenate(weights).T, 3) + 0.0
    return TextClassifier(concepts, whole, np.round(np.concatenate(bias), 3))


def write_weights(model: TextClassifier, path: Path) -> None:
    """One line per concept or pair of concepts."""
    rows = ",\n".join(json.dumps(row) for row in model.weights.tolist())
    head = {
        "trained_from": training_sha256(),
        "classes": [name for classes in HEADS.values() for name in classes],
        "concepts": model.concepts.names,
        "bias": model.bias.tolist(),
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    path.write_text(
        "{" + ",\n".join([*lines, f'"weights": [\n{rows}\n]']) + "}\n", encoding="utf-8"
    )


def judge(folder: str) -> None:
    """Accuracy by head and language; of the intent also the mean over its classes."""
    texts = [text for name in LANGUAGES for text in labelled_lines(folder, name)]
    labels = shipped_classifier().labels([each.text for each in texts])
    for head in HEADS:
        frame = pl.DataFrame(
            {
                "language": [each.language for each in texts],
                "wanted": [getattr(each, head) for each in texts],
                "label": labels[head],
            }
        ).with_columns(is_hit=pl.col("wanted") == pl.col("label"))
        whole = pl.lit("all").alias("language")
        of_class = (
            pl.concat([frame, frame.with_columns(whole)])
            .group_by("language", "wanted")
            .agg(pl.col("is_hit").mean(), count=pl.len())
        )
        table = of_class.group_by("language").agg(
            accuracy=(pl.col("is_hit") * pl.col("count")).sum() / pl.col("count").sum(),
            mean_of_classes=pl.col("is_hit").mean(),
            texts=pl.col("count").sum(),
        )
        say(f"{folder}: {head}")
        for row in table.sort("language").iter_rows(named=True):
            say("  {language:4}{texts:4} texts {accuracy:.3f}  {mean_of_classes:.3f}".format(**row))
        for row in of_class.filter(language="all").sort("wanted").iter_rows(named=True):
            say(f"    {row['wanted']:<18} {row['is_hit']:.3f} of {row['count']}")


def judge_olist(folder: Path) -> None:
    """How the sentiment of real reviews follows their stars, and the time that it takes."""
    reviews = pl.read_csv(folder / REVIEWS).select(
        text=pl.concat_str(
            "review_comment_title", "review_comment_message", separator=". ", ignore_nulls=True
        ),
        stars="review_score",
    )
    reviews = reviews.filter(pl.col("text").str.strip_chars() != "")
    model = shipped_classifier()
    model.labels(["warm"])
    start = time.process_time()
    odds = model.log_odds(reviews["text"].to_list())
    seconds = time.process_time() - start
    say(f"{reviews.height:,} reviews with a text; {reviews.height / seconds:,.0f} a second")
    sentiment = odds[:, -len(HEADS["sentiment"]) :]
    reviews = reviews.with_columns(
        label=pl.Series(np.array(HEADS["sentiment"])[sentiment.argmax(axis=1)]),
        ranking=pl.Series(sentiment[:, 2] - sentiment[:, 0]),
        intent=pl.Series(np.array(HEADS["intent"])[odds[:, : len(HEADS["intent"])].argmax(axis=1)]),
    )
    shares = reviews.pivot("label", index="stars", values="text", aggregate_function="len")
    say(str(shares.sort("stars")))
    clear = reviews.filter(pl.col("stars") != 3)
    is_good = clear["stars"] >= 4
    auc = roc_auc_score(is_good, clear["ranking"])
    sided = ((clear["ranking"] > 0) == is_good).to_numpy()
    of_side = (sided[is_good.to_numpy()].mean() + sided[~is_good.to_numpy()].mean()) / 2.0
    say(f"1-2 stars against 4-5: AUC {auc:.3f}")
    say(f"on the right side {sided.mean():.3f}; mean of both sides {of_side:.3f}")
    say(
        str(
            reviews.pivot("intent", index="stars", values="text", aggregate_function="len").sort(
                "stars"
            )
        )
    )


def main(arguments: Sequence[str]) -> None:
    warnings.simplefilter("error", ConvergenceWarning)
    match arguments:
        case ["train"]:
            texts = [
                text
                for name in LANGUAGES
                for text in [
                    *compose(training_phrases(name), SEED, REPEATS),
                    *REPEATS * labelled_lines("tuning", name),
                ]
            ]
            write_weights(train(texts), WEIGHTS)
            say(f"{len(texts):,} training texts; {WEIGHTS.name}: {WEIGHTS.stat().st_size:,} bytes")
        case ["judge", folder]:
            judge(folder)
        case ["olist", folder]:
            judge_olist(Path(folder))
        case _:
            say(__doc__ or "")


if __name__ == "__main__":
    main(sys.argv[1:])
