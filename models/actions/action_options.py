"""The options of a night: every action that is possible for an open order, and what it is worth.

Worth = money at stake x share of it that the action prevents - what the action costs - what it may
provoke. Shares are judged to the end of the order, and cautiously where an action costs money or
time (`models.effects.robust_worth`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.tables import CAUSE_SHARES
from models.actions.action_rules import ActionRules
from models.actions.action_stakes import STAKES
from models.actions.actions import Action
from models.effects.effect_posterior import EffectPosterior
from models.effects.robust_worth import worth_of_options

# what the effects of actions may depend on, beyond stage and cause
MODIFIERS = {
    "is_unanswered": pl.col("conversation_days_unanswered").is_not_null(),
    "is_past_promise": (pl.col("logistics_days_to_promise") < 0).fill_null(False),
    "disputed_before": (pl.col("buyer_count_disputes_365d") > 0).fill_null(False),
}
# The model's error may depend on how high the risk is: it is highest where the model overestimates.
RISK_BAND, RISK_BREAKS = "risk_band", (0.02, 0.05, 0.1, 0.2)
# The store of an order: several stores of one workspace share their evidence.
STORE = "store"
# what corrects the model's error, next to stage, cause and the action meant
CORRECTED_BY = (*MODIFIERS, RISK_BAND)
NO_LANGUAGE = pl.lit(None, pl.String)
KEY = ["buyer_id", "order_id", "action"]
OPTION_COLUMNS = [
    *KEY,
    "stage",
    "message_language",
    *MODIFIERS,
    *STAKES,
    "prevented_usd",
    "provoked_usd",
    "cost_usd",
    "budget_usd",
    "minutes",
    "is_contact",
    "evidence_share",
    "value_usd",
]


def action_options(
    orders: pl.DataFrame,
    actions: Sequence[Action],
    posterior: EffectPosterior,
    rules: ActionRules,
    least_worth_usd: float = 0.0,
) -> pl.DataFrame:
    """One row per order and possible action, with `OPTION_COLUMNS`.

    `orders`: one row per open order, with `buyer_id, order_id, stage, message_language,
    order_value_usd, end_probability, dispute_usd, stake_usd`, `STAKES` and the features that the
    actions need. `prevented_usd` is the stake that the action saves, before costs, by a cautious
    estimate; `budget_usd` is the part of its cost that goes to the buyer. Where the posterior knows
    stores apart, `orders` has `store`, and so have the options. An action that could not
    be worth `least_worth_usd` even if it prevented everything is left out.
    """
    known = orders.with_columns(**MODIFIERS, risk_band=risk_band(pl.col("end_probability")))
    parts = [
        _options_of(action, known, posterior, rules, least_worth_usd)
        for action in actions
        if action.name not in rules.not_allowed
    ]
    if not parts:
        return _options_of(actions[0], known.clear(), posterior, rules, 0.0)
    return pl.concat(parts)


def _options_of(
    action: Action,
    known: pl.DataFrame,
    posterior: EffectPosterior,
    rules: ActionRules,
    least_worth_usd: float,
) -> pl.DataFrame:
    cost = action.cost_usd(rules.usd_a_minute, rules.automatic_usd)
    fits = known.filter(_fits(action, rules, least_worth_usd)).with_columns(
        action=pl.lit(action.name),
        cost_usd=cost,
        budget_usd=action.offer_usd,
        minutes=pl.lit(action.minutes),
        is_contact=pl.lit(action.to == "buyer"),
        # any agent can give a task to the supplier or the carrier
        message_language=pl.col("message_language") if action.to == "buyer" else NO_LANGUAGE,
        provoked_usd=action.provokes * (1.0 - pl.col("end_probability")) * pl.col("dispute_usd"),
    )
    shares = posterior.shares(with_stakes_as_shares(fits))
    stake = pl.col("stake_usd")
    spent = fits.select(pl.col("cost_usd") + pl.col("provoked_usd")).to_series()
    is_costly = fits["cost_usd"] > rules.automatic_usd
    value = worth_of_options(
        posterior, fits, fits.select(STAKES).to_numpy(), spent.to_numpy(), is_costly.to_numpy()
    )
    columns = [*OPTION_COLUMNS, *({STORE} & set(posterior.terms.levels))]
    return (
        posterior.with_modifiers(fits)
        .with_columns(
            value_usd=pl.Series(value),
            prevented_usd=pl.Series(value) + spent,
            evidence_share=pl.when(stake > 0).then(shares["evidence_share"] / stake).otherwise(0.0),
        )
        .select(columns)
    )


def may_have_option(
    actions: Sequence[Action], rules: ActionRules, least_worth_usd: float
) -> pl.Expr:
    """Whether `action_options` may have a row for an order: a test of the order alone, so that a
    worker of a cluster can do it. The columns are those of `action_options`."""
    return pl.any_horizontal(
        pl.lit(False),
        *(
            _fits(action, rules, least_worth_usd).fill_null(False)
            for action in actions
            if action.name not in rules.not_allowed
        ),
    )


def _fits(action: Action, rules: ActionRules, least_worth_usd: float) -> pl.Expr:
    """Whether an order may get the action, and it could be worth enough."""
    cost = action.cost_usd(rules.usd_a_minute, rules.automatic_usd)
    is_worth_it = pl.col("stake_usd") - cost >= least_worth_usd
    return action.is_possible & ~rules.is_stopped(action) & is_worth_it


def risk_band(chance: pl.Expr) -> pl.Expr:
    """The band of a chance of a dispute: how many of `RISK_BREAKS` it exceeds."""
    return pl.sum_horizontal((chance > limit).cast(pl.Int8) for limit in RISK_BREAKS)


def with_stakes_as_shares(options: pl.DataFrame) -> pl.DataFrame:
    """The options with the stake of each cause as its share, so that a mean over the causes is an
    amount in USD."""
    return options.with_columns(
        pl.col(stake).alias(share) for stake, share in zip(STAKES, CAUSE_SHARES, strict=True)
    )


def draw_values(
    options: pl.DataFrame, posterior: EffectPosterior, draws: int, seed: int
) -> np.ndarray:
    """(options, draws): the value of each option under draws from the posterior, in USD.

    One draw is one state of the world, the same for all options.
    """
    prevented = posterior.draw_shares(with_stakes_as_shares(options), draws, seed)
    lost = options.select(pl.col("provoked_usd") + pl.col("cost_usd")).to_series().to_numpy()
    return np.asarray(prevented - lost[:, None])
