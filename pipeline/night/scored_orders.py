"""From features to decisions: each order's probability, what is done for whom, and the list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.asof import visible
from features.build.registry import FEATURES
from models.actions.action_columns import ActionLimits
from models.actions.action_options import action_options
from models.actions.night_choice import NightChoice, NightRules, choose_night
from models.contact.contact_deadline import add_contact_by
from models.reasons.explain import explain
from models.reasons.reason_columns import REASON_KEYS, reason_columns
from models.reasons.risk_rules import SignModel
from models.scoring.night_scoring import best_options
from models.scoring.scored_part import ScoredPart
from pipeline.history.assignments import likeliest_cause, resting_buyers
from pipeline.night.night_actions import NightActions
from pipeline.night.night_checks import Scorer
from pipeline.night.why_action import WHY, WHY_KEY, add_why
from pipeline.settings.config import Config
from pipeline.settings.languages import message_language
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
    "action",
    WHY,
    "stake_usd",
    "prevented_usd",
    "cost_usd",
    "expected_value_usd",
    "offer_usd",
    "also_orders",
    "basis",
    *REASON_KEYS,
    WHY_KEY,
]
# for a buyer with many open orders, this many are named in addition to the leading one
ALSO_NAMED = 10
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
    "end_probability",
    "stake_usd",
    "action",
    "expected_value_usd",
]


@dataclass(frozen=True)
class Decided:
    """`scored` has one row per open order, with its stake and its best action; `considered` those
    that may get an action, with their features; `queued` the other orders that may be in a queue,
    with the features of the queues; `night` is the decision."""

    scored: pl.DataFrame
    considered: pl.DataFrame
    queued: pl.DataFrame
    night: NightChoice

    def open_orders(self) -> pl.DataFrame:
        """`scored` with `QUEUE_FEATURES`, which are null where no queue needs them."""
        known = pl.concat([self.considered.select(self.queued.columns), self.queued])
        return self.scored.join(known, on="order_id", how="left", maintain_order="left")


def decide_night(
    files: TableFiles,
    part: ScoredPart,
    may_act: pl.Expr,
    known: NightActions,
    config: Config,
    as_of: date,
) -> Decided:
    """Choose tonight's actions: at most one per buyer, within the limits, by what it saves.

    `part` has all open orders; only those that `may_act` holds for get an action.
    """
    settings = config.actions
    buyers = files.read_buyers_of(part.scores["order_id"])
    scored = part.scores.with_columns(buyers["buyer_id"], as_of=pl.lit(as_of))
    about = buyers.select(
        "order_id",
        "buyer_id",
        message_language=message_language(config.decide.in_english),
        store="store_id",
    )
    orders = part.considered.join(
        about, on="order_id", how="left", maintain_order="left"
    ).with_columns(as_of=pl.lit(as_of), likely_cause=likeliest_cause())
    options = action_options(
        orders.filter(may_act),
        known.actions,
        known.posterior,
        settings.rules(known.stopped),
        settings.least_worth_usd,
    )
    worth_it = options.filter(pl.col("value_usd") >= settings.least_worth_usd)
    ids = worth_it["order_id"].unique()
    resting = resting_buyers(files, ids, as_of, config.decide.cool_off_days)
    rules = night_rules(config, resting)
    night = choose_night(options, rules, known.posterior, as_of.isoformat())
    best = pl.concat([best_options(options), part.best])
    scored = scored.join(best, on="order_id", how="left", maintain_order="left")
    return Decided(scored, orders, part.queued, night)


def night_rules(config: Config, resting: Collection[str]) -> NightRules:
    """The rules of a night, from the settings."""
    decide, settings = config.decide, config.actions
    limits = ActionLimits(
        contacts=decide.capacity,
        budget_usd=settings.budget_usd,
        agents=[hours.agent for hours in decide.agents],
        action_contacts=settings.most_a_night,
        least_worth_usd=settings.least_worth_usd,
    )
    share, salt = decide.holdout_share, decide.holdout_salt
    return NightRules(limits, share, salt, resting, settings.exploration)


def assigned_orders(decided: Decided) -> pl.DataFrame:
    """One row per buyer who is listed or held out, best first, with the columns of the order and of
    the action, and `also_orders`, the buyer's other open orders."""
    night, scored = decided.night.assigned, decided.scored
    orders = decided.considered
    facts = orders.drop(
        [name for name in night.columns if name in orders.columns and name != "order_id"]
    )
    rows = night.rename({"value_usd": "expected_value_usd"}).join(
        facts, on="order_id", how="left", maintain_order="left"
    )
    others = (
        scored.select("buyer_id", other="order_id", stake="stake_usd")
        .join(rows.select("buyer_id", "order_id"), on="buyer_id", how="inner")
        .filter(pl.col("other") != pl.col("order_id"))
        .sort("stake", "other", descending=[True, False])
        .group_by("buyer_id", maintain_order=True)
        .agg(also_orders=pl.col("other").head(ALSO_NAMED).str.join(" "))
    )
    return rows.join(others, on="buyer_id", how="left", maintain_order="left").with_columns(
        pl.col("also_orders").fill_null("")
    )


def contact_list(
    files: TableFiles, scorer: Scorer, listed: pl.DataFrame, known: NightActions, as_of_day: int
) -> pl.DataFrame:
    """The night's list with `LIST_COLUMNS`: one row per buyer with an action, best first."""
    lines = visible(files.read_facts("order_lines", listed["order_id"]), as_of_day).sort(
        "order_id", "line_id"
    )
    products = lines.group_by("order_id", maintain_order=True).agg(pl.col("product_id").first())
    listed = listed.join(products, on="order_id", how="left", maintain_order="left")
    listed = _with_entities(files, listed, lines, as_of_day)
    is_measured = pl.col("evidence_share") >= 0.5
    basis = pl.when(is_measured).then(pl.lit("evidence")).otherwise(pl.lit("assumption"))
    rows = add_why(listed, known.by_name).hstack(_reasons(scorer, listed))
    offer = pl.when(pl.col("budget_usd") > 0).then(pl.col("budget_usd"))
    return (
        add_contact_by(rows, as_of_day, known.waiting)
        .with_columns(basis=basis, offer_usd=offer)
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
