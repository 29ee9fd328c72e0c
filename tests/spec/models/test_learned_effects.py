"""What each action prevents, learned from counts: small seasons drawn as tables."""

from __future__ import annotations

import polars as pl
import pytest

from features.tables import CAUSES
from models.effects.assumed_shares import AssumedDelay, AssumedShare
from models.effects.effect_terms import MEASURED, EffectSettings
from models.effects.learned_effects import learn_effects

STAGES = ("dispatch", "in_transit", "delivered")


def assume(**shares: float) -> dict[tuple[str, str, str], AssumedShare]:
    """The same share at every stage and for every cause, with the weight of ten disputes."""
    return {
        (action, stage, cause): AssumedShare(share, 10.0)
        for action, share in shares.items()
        for stage in STAGES
        for cause in CAUSES
    }


def season(drawing: str) -> pl.DataFrame:
    """Counts drawn as a table. `ended` is yes or no; the cause is not_received if none is drawn."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    drawn = pl.DataFrame(rows[1:], schema=rows[0], orient="row")
    defaults = {"cause": "not_received", "stage": "in_transit", "ended": "yes"}
    drawn = drawn.with_columns(pl.lit(v).alias(k) for k, v in defaults.items() if k not in rows[0])
    return drawn.select(
        pl.col("expected", "observed").cast(pl.Float64),
        pl.exclude("expected", "observed", "ended"),
        is_ended=pl.col("ended") == "yes",
    )


NO_SEASON = season("action | stage | expected | observed").head(0)


@pytest.mark.parametrize("assumed", [-0.2, 0.0, 0.03, 0.3, 0.95])
def test_without_data_the_share_is_the_assumption(assumed: float) -> None:
    share = learn_effects(NO_SEASON, assume(resend=assumed)).share(
        "resend", "in_transit", "not_received"
    )
    assert share.mean == pytest.approx(assumed, abs=1e-9)
    assert share.low < assumed < share.high


def test_much_data_replaces_the_assumption() -> None:
    counts = season(
        """
        action  | expected | observed
        nothing | 5000     | 5000
        resend  | 5000     | 4500
        """
    )
    share = learn_effects(counts, assume(resend=0.6)).share("resend", "in_transit", "not_received")
    assert share.mean == pytest.approx(0.1, abs=0.02)
    assert share.high - share.low < 0.12


def test_a_postponed_dispute_is_not_a_prevented_one() -> None:
    # after 30 days the longer protection seems to prevent 15 %, and to the end of the orders 2 %
    counts = season(
        """
        action            | ended | expected | observed
        nothing           | yes   | 9000     | 9000
        extend_protection | yes   | 9000     | 8820
        nothing           | no    | 9000     | 9000
        extend_protection | no    | 9000     | 7650
        """
    )
    key = ("extend_protection", "not_received")
    delay = {key: AssumedDelay.between(AssumedShare(0.15, 5.0), AssumedShare(0.03, 10.0))}
    posterior = learn_effects(counts, assume(extend_protection=0.03), delay)
    share = posterior.share("extend_protection", "in_transit", "not_received")
    assert share.mean == pytest.approx(0.02, abs=0.01)
    assert share.high < 0.06


def test_an_early_read_alone_is_corrected_by_the_assumed_delay() -> None:
    counts = season(
        """
        action            | ended | expected | observed
        nothing           | no    | 9000     | 9000
        extend_protection | no    | 9000     | 7650
        """
    )
    key = ("extend_protection", "not_received")
    delay = {key: AssumedDelay.between(AssumedShare(0.15, 50.0), AssumedShare(0.03, 50.0))}
    prior = assume(extend_protection=0.03)
    corrected, taken_as_it_is = (
        learn_effects(counts, prior, delays).share("extend_protection", "in_transit", key[1]).mean
        for delays in (delay, {})
    )
    assert corrected < 0.06
    assert taken_as_it_is > corrected + 0.02


def test_a_model_that_expects_too_much_is_not_an_effect() -> None:
    # held-out orders have a fifth fewer disputes than the model expects, too
    counts = season(
        """
        action  | expected | observed
        nothing | 5000     | 4000
        inform  | 5000     | 4000
        """
    )
    share = learn_effects(counts, assume(inform=0.1)).share("inform", "in_transit", "not_received")
    assert share.mean == pytest.approx(0.0, abs=0.02)


def test_few_disputes_move_the_action_before_the_cell() -> None:
    few = season(
        """
        action  | stage      | expected | observed
        nothing | in_transit | 400      | 400
        inform  | in_transit | 12       | 16
        """
    )
    many = season(
        """
        action  | stage      | expected | observed
        nothing | in_transit | 40000    | 40000
        inform  | in_transit | 4000     | 4400
        inform  | delivered  | 4000     | 3200
        nothing | delivered  | 40000    | 40000
        """
    )
    prior = assume(inform=0.2)

    def moved(counts: pl.DataFrame) -> list[float]:
        posterior = learn_effects(counts, prior)
        return [0.2 - posterior.share("inform", stage, "not_received").mean for stage in STAGES[1:]]

    seen, other = moved(few)
    # a stage without any data follows more than half of the way
    assert other > 0.5 * seen > 0.02
    seen, other = moved(many)
    # with many disputes each stage has its own share: -10 % in transit, 20 % after delivery
    assert seen == pytest.approx(0.3, abs=0.04)
    assert other == pytest.approx(0.0, abs=0.04)


def test_actions_that_miss_their_assumptions_lower_the_trust_in_the_others() -> None:
    def season_with(observed: int) -> pl.DataFrame:
        return season(
            f"""
            action  | expected | observed
            nothing | 4000     | 4000
            resend  | 400      | {observed}
            refund  | 400      | {observed}
            answer  | 400      | {observed}
            """
        )

    prior = assume(resend=0.4, refund=0.4, answer=0.4, inform=0.4)
    as_assumed, without_effect = (
        learn_effects(season_with(observed), prior).share("inform", "in_transit", "not_received")
        for observed in (240, 400)
    )
    trusted, doubted = (each.high - each.low for each in (as_assumed, without_effect))
    assert doubted > 1.2 * trusted


def test_the_share_of_an_order_is_mixed_by_its_likely_causes() -> None:
    prior = {
        ("resend", "in_transit", cause): AssumedShare(share, 10.0)
        for cause, share in zip(CAUSES, (0.6, 0.1, 0.2), strict=True)
    }
    posterior = learn_effects(NO_SEASON, prior)
    orders = pl.DataFrame(
        {
            "action": ["resend", "resend", "nothing"],
            "stage": ["in_transit"] * 3,
            "not_received_share": [0.5, None, 1.0],
            "not_as_described_share": [0.5, None, 0.0],
            "other_share": [0.0, None, 0.0],
        }
    )
    shares = posterior.shares(orders)
    assert shares["prevented_share"].to_list() == pytest.approx([0.35, 0.3, 0.0])
    # that nothing prevents nothing is certain
    assert shares["evidence_share"].to_list() == pytest.approx([0.0, 0.0, 1.0])
    draws = posterior.draw_shares(orders, 4000, seed=1)
    assert draws.mean(axis=1) == pytest.approx([0.35, 0.3, 0.0], abs=0.02)


def test_a_store_without_data_starts_from_what_all_stores_have_in_common() -> None:
    counts = season(
        """
        action  | store | expected | observed
        nothing | a     | 4000     | 4000
        nothing | b     | 4000     | 4000
        inform  | a     | 2000     | 1400
        inform  | b     | 2000     | 1500
        """
    )
    posterior = learn_effects(counts, assume(inform=0.1), modifiers=["store"])
    a, b, new = (
        posterior.share("inform", "in_transit", "not_received", {"store": store})
        for store in ("a", "b", "c")
    )
    assert a.mean == pytest.approx(0.3, abs=0.03)
    assert b.mean == pytest.approx(0.25, abs=0.03)
    assert 0.15 < new.mean < 0.3
    assert new.high - new.low > a.high - a.low


def test_an_unknown_modifier_is_a_group_of_its_own() -> None:
    counts = season(
        """
        action  | store | expected | observed
        nothing | a     | 4000     | 4000
        nothing | -     | 4000     | 4000
        inform  | a     | 2000     | 1800
        inform  | -     | 2000     | 1200
        """
    ).with_columns(store=pl.col("store").replace({"-": None}))
    posterior = learn_effects(counts, assume(inform=0.1), modifiers=["store"])
    orders = pl.DataFrame(
        {"action": ["inform"] * 2, "stage": ["in_transit"] * 2, "store": ["a", None]}
    ).with_columns(not_received_share=1.0, not_as_described_share=0.0, other_share=0.0)
    shares = posterior.shares(orders)["prevented_share"].to_list()
    assert shares == pytest.approx([0.1, 0.4], abs=0.04)


def test_measured_effects_hardly_depend_on_the_assumption() -> None:
    counts = season(
        """
        action  | expected | observed
        nothing | 500      | 500
        inform  | 80       | 80
        """
    )

    def spread(settings: EffectSettings) -> float:
        means = [
            learn_effects(counts, assume(inform=share), settings=settings).effect_of("inform")
            for share in (0.0, 0.4)
        ]
        assert means[0] is not None
        assert means[1] is not None
        return means[1].mean - means[0].mean

    assert abs(spread(MEASURED)) < 0.05 < spread(EffectSettings(assumption_errors=(0.0,)))


def test_a_count_that_is_none_is_an_error_that_names_the_cell() -> None:
    counts = season("action | expected | observed\ninform | 10 | -1")
    with pytest.raises(ValueError, match=r"\(inform, in_transit, not_received\).*observed -1"):
        learn_effects(counts, assume(inform=0.1))
    counts = season("action | expected | observed\ninform | 10 | 1")
    with pytest.raises(ValueError, match="is_ended None"):
        learn_effects(counts.with_columns(is_ended=pl.lit(None)), assume(inform=0.1))
    counts = season("action | expected | observed\nresend | 10 | 1")
    with pytest.raises(ValueError, match=r"no assumed share for \(resend"):
        learn_effects(counts, assume(inform=0.1))
