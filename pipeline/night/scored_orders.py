"""From features to decisions: each open order's probability, who is contacted, and the list."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from features.asof import visible
from features.build.registry import FEATURES
from features.tables import CAUSES
from models.contact.contact_deadline import add_contact_by
from models.contact.decide import ContactCosts, add_expected_value, give_arms, worthwhile
from models.reasons.explain import explain
from models.reasons.reason_columns import REASON_KEYS, reason_columns
from models.reasons.risk_rules import SignModel
from pipeline.history.assignments import likeliest_cause, resting_buyers
from pipeline.night.night_checks import Scorer
from pipeline.settings.config import Config
from pipeline.settings.languages import message_language, who_writes, writers_sentence
from pipeline.workspace.table_files import TableFiles

LIST_COLUMNS = [
    "rank",
    "order_id",
    "buyer_id",
    "product_id",
    "stage",
    "probability",
    "likely_cause",
    "reason_1",
    "reason_2",
    "reason_3",
    "contact_by",
    "expected_value_usd",
    "also_orders",
    "basis",
    *REASON_KEYS,
]
SCORE_COLUMNS = [
    "order_id",
    "as_of",
    "stage",
    "probability",
    "probability_low",
    "probability_high",
    "not_received_share",
    "not_as_described_share",
    "other_share",
    "expected_value_usd",
]


def score_orders(scorer: Scorer, features: pl.DataFrame, costs: ContactCosts) -> pl.DataFrame:
    """`features` with the probability and its bounds, the shares of the causes and the expected
    value of a message."""
    if features.is_empty():
        empty = {
            name: pl.lit(0.0) for name in SCORE_COLUMNS if name.startswith(("probability", *CAUSES))
        }
        return add_expected_value(features.with_columns(**empty), costs)
    probabilities = scorer.model.predict_with_bounds(features)
    causes = scorer.model.predict_cause(features)
    scored = pl.concat([features, probabilities, causes], how="horizontal")
    return add_expected_value(scored, costs)


def assign_buyers(
    files: TableFiles, scored: pl.DataFrame, config: Config, as_of: date
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Decide who is listed, explored or held out, and who writes the messages.

    Returns one row per buyer, with the columns of `scored` for the buyer's most urgent order, and
    the facts about the agents (empty without `decide.agents` in config.toml).
    """
    buyers = files.read_buyers_of(scored["order_id"]).with_columns(
        message_language=message_language(config.decide.in_english)
    )
    rules = config.decide.rules(resting_buyers(files, as_of, config.decide.cool_off_days))
    candidates = scored.with_columns(
        buyers["buyer_id", "message_language"], likely_cause=likeliest_cause()
    )
    leads = worthwhile(candidates, rules, config.decide.contact_cost_usd)
    assigned = give_arms(leads, rules, as_of.isoformat())
    if not rules.agents:
        return assigned, {}
    writers = who_writes(leads, assigned, rules.agents)
    line = writers_sentence(writers)
    return assigned, writers | {"sentence": line, "sentence_key": line.key}


def contact_list(
    files: TableFiles, scorer: Scorer, listed: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    """The night's list with `LIST_COLUMNS`: one row per buyer to contact, best first."""
    lines = visible(files.read_facts("order_lines", listed["order_id"]), as_of_day).sort(
        "order_id", "line_id"
    )
    products = lines.group_by("order_id", maintain_order=True).agg(pl.col("product_id").first())
    listed = listed.join(products, on="order_id", how="left", maintain_order="left")
    listed = _with_entities(files, listed, lines, as_of_day)
    is_measured = pl.col("evidence_share") >= 0.5
    basis = pl.when(is_measured).then(pl.lit("evidence")).otherwise(pl.lit("assumption"))
    return (
        add_contact_by(listed.hstack(_reasons(scorer, listed)), as_of_day)
        .with_columns(basis=basis)
        .select(LIST_COLUMNS)
    )


def _with_entities(
    files: TableFiles, listed: pl.DataFrame, lines: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    """`listed` with what reasons may rest on: `supplier_id`, `category` and `country` of each
    order; it has `buyer_id` already."""
    products = visible(files.read_products(listed["product_id"].drop_nulls()), as_of_day)
    categories = products.sort("known_at").group_by("product_id").agg(pl.col("category").last())
    suppliers = lines.group_by("order_id", maintain_order=True).agg(pl.col("supplier_id").first())
    countries = files.read_facts("orders", listed["order_id"]).select("order_id", "country")
    return (
        listed.join(suppliers, on="order_id", how="left", maintain_order="left")
        .join(categories, on="product_id", how="left", maintain_order="left")
        .join(countries, on="order_id", how="left", maintain_order="left")
    )


def _reasons(scorer: Scorer, listed: pl.DataFrame) -> pl.DataFrame:
    """The columns of `reason_columns` per row."""
    if listed.is_empty():
        return reason_columns([])
    if isinstance(scorer.model, SignModel):
        return scorer.model.reasons(listed, FEATURES)
    return explain(scorer.model, listed, FEATURES)
