"""Nights drawn as tables, for the specifications of the night's decision.

`usd` is what an action is worth. Each buyer is held out or not by a hash; the salts are chosen so
that the buyers named "held ..." are held out.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from models.actions.action_columns import ActionLimits
from models.actions.action_options import MODIFIERS
from models.actions.action_stakes import STAKES
from models.actions.hold_out import held_out_buyers
from models.actions.night_choice import NightChoice, NightRules, choose_night
from models.effects.assumed_shares import AssumedShare
from models.effects.effect_posterior import EffectPosterior
from models.effects.learned_effects import learn_effects
from tests.drawn_tables import read_table

SHARE = 0.3
NIGHT = "2026-01-05"
TASKS = ("enquiry",)


def read_night(drawing: str) -> pl.DataFrame:
    """Options of orders in transit whose whole stake, 10 USD, is about one cause; `mean` is the
    share that the action prevents. What it is worth less is its cost."""
    drawn = read_table(drawing).with_columns(pl.col("usd", "mean", "gift", "min").cast(pl.Float64))
    stakes = dict(zip(STAKES, (pl.lit(10.0), pl.lit(0.0), pl.lit(0.0)), strict=True))
    return drawn.select(
        "action",
        buyer_id="buyer",
        order_id="order",
        stage=pl.lit("in_transit"),
        message_language=pl.lit("en"),
        **dict.fromkeys(MODIFIERS, pl.lit(False)),
        **stakes,
        prevented_usd=10.0 * pl.col("mean"),
        provoked_usd=pl.lit(0.0),
        cost_usd=10.0 * pl.col("mean") - pl.col("usd"),
        budget_usd="gift",
        minutes="min",
        is_contact=~pl.col("action").is_in(TASKS),
        evidence_share=pl.lit(0.0),
        value_usd="usd",
    )


def posterior_of(drawing: str) -> EffectPosterior:
    means = read_table(drawing).select("action", pl.col("mean").cast(pl.Float64)).unique()
    cells = {
        (action, "in_transit", "not_received"): AssumedShare(mean, 5.0)
        for action, mean in means.iter_rows()
    }
    cells |= {(a, s, c): share for (a, s, _), share in cells.items() for c in
              ("not_received", "not_as_described", "other")}  # fmt: skip
    names = ("action", "meant", "stage", "cause")
    schema = dict.fromkeys(names, pl.String) | dict.fromkeys(("expected", "observed"), pl.Float64)
    return learn_effects(pl.DataFrame(schema=schema | {"is_ended": pl.Boolean}), cells)


def salt_of(drawing: str) -> str:
    """A salt that holds out exactly the buyers whose name starts with "held"."""
    buyers = read_table(drawing)["buyer"].unique().sort()
    held = [name for name in buyers if name.startswith("held")]
    return next(str(n) for n in range(10**6) if held_out_buyers(buyers, SHARE, str(n)) == held)


def choose(drawing: str, limits: ActionLimits | None = None, **rules: Any) -> NightChoice:
    options, salt = read_night(drawing), salt_of(drawing)
    night_rules = NightRules(limits or ActionLimits(), SHARE, salt, **rules)
    return choose_night(options, night_rules, posterior_of(drawing), NIGHT)


def decided(night: NightChoice) -> list[str]:
    """Per buyer: "anna a refund", "held h - (refund)" for one who is held out."""
    return [
        f"{r['buyer_id']} {r['order_id']} {r['action']}"
        + (f" ({r['meant']})" if r["arm"] == "held_out" else "")
        for r in night.assigned.iter_rows(named=True)
    ]
