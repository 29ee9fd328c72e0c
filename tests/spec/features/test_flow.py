"""Whether parcels move now: quiet parcels compared with equally quiet ones, weeks and backlogs."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from features.build.registry import build_features
from features.families.flow import FEATURES
from features.spine import build_spine
from features.tables import Tables
from models.learner.booster import varying
from tests.conftest import day

NAMES = [feature.name for feature in FEATURES]
# `o` left on 1 May and has been quiet since; four parcels were as quiet on 11 April
ORDERS = """
order_id | occurred_at | lane
a        | 03-25       | Std>US
b        | 03-25       | Std>US
c        | 03-25       | Std>US
d        | 03-25       | Other>US
o        | 04-28       | Std>US
"""
LINES = """
order_id | occurred_at
a        | 03-25
b        | 03-25
c        | 03-25
d        | 03-25
o        | 04-28
"""
# a has news on the tenth day and arrives; b has news too late, and c and d have none
TRACKING = """
order_id | occurred_at | status    | sub_status
a        | 04-01       | InTransit | InTransit_PickedUp
a        | 04-13       | InTransit | InTransit_Departure
a        | 04-20       | Delivered | -
b        | 04-01       | InTransit | InTransit_PickedUp
b        | 04-18       | InTransit | InTransit_Departure
c        | 04-01       | InTransit | InTransit_PickedUp
d        | 04-01       | InTransit | InTransit_PickedUp
o        | 05-01       | InTransit | InTransit_PickedUp
"""
PRIOR = 20.0


@pytest.fixture
def flow_of(make_tables: Callable[..., Tables]) -> Callable[..., dict]:
    """The flow features of order `o` on a night."""

    def build(night: str, **drawings: str) -> dict:
        drawn = {"orders": ORDERS, "order_lines": LINES, "tracking": TRACKING, **drawings}
        tables = make_tables(**drawn)
        features = build_features(tables, build_spine(tables, [day(night)]))
        return features.filter(order_id="o").row(0, named=True)

    return build


def _shrunk(*shares: tuple[int, int]) -> float:
    share = 0.5
    for hits, cases in shares:
        share = (hits + PRIOR * share) / (cases + PRIOR)
    return share


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        # quiet for 2 days only
        ("05-03", None),
        # 10 days: by 11 April all four were, and before 18 April a alone was heard of. On another
        # leg, b was quiet again on 28 April
        ("05-11", _shrunk((1, 5), (1, 4), (1, 3))),
        # 16 days: b, c and d were on 17 April, and b was heard of one day later; b again on 4 May
        ("05-17", _shrunk((1, 4), (1, 3), (1, 2))),
    ],
)
def test_a_quiet_parcel_is_compared_with_equally_quiet_ones(flow_of, night, expected) -> None:
    assert flow_of(night)["flow_news_share_90d"] == pytest.approx(expected)


def test_what_became_of_a_parcel_is_known_only_when_the_week_is_over(flow_of) -> None:
    # a had been quiet for 10 days on 2 May and was heard of on 3 May; its week ends with 8 May
    early = {
        "tracking": """
            order_id | occurred_at | status    | sub_status
            a        | 04-22       | InTransit | InTransit_PickedUp
            a        | 05-03       | InTransit | InTransit_Departure
            o        | 04-28       | InTransit | InTransit_PickedUp
        """
    }
    assert flow_of("05-08", **early)["flow_news_share_90d"] == 0.5
    assert flow_of("05-09", **early)["flow_news_share_90d"] == pytest.approx(
        _shrunk((1, 1), (1, 1), (1, 1))
    )


def test_arrivals_within_30_days(flow_of) -> None:
    # the 30 days after 11 April end with 10 May
    assert flow_of("05-11")["flow_arrival_share_90d"] == pytest.approx(
        _shrunk((1, 4), (1, 4), (1, 3))
    )


def test_a_week_is_divided_by_the_week_before(flow_of) -> None:
    night = flow_of(
        "04-30",
        tracking=TRACKING
        + """
        c | 04-20 | InTransit | InTransit_CustomsReleased
        c | 04-26 | InTransit | InTransit_Other
        """,
    )
    # scans from 23 to 29 April: one of c; from 16 to 22 April: one of b, a and c each
    assert night["flow_carrier_scans"] == pytest.approx((1 + 5) / (3 + 5))
    assert night["flow_carrier_deliveries"] == pytest.approx((0 + 5) / (1 + 5))
    assert night["flow_customs_releases"] == pytest.approx((0 + 5) / (1 + 5))


def test_the_backlog_of_the_supplier(flow_of) -> None:
    late = {
        "orders": ORDERS + "\n x | 04-10 | Std>US \n y | 04-25 | Std>US",
        "order_lines": LINES + "\n x | 04-10 \n y | 04-25",
    }
    night = flow_of("05-01", **late)
    # six other orders in 90 days, of which x and y wait; two weeks ago x alone did
    assert night["flow_supplier_backlog_days"] == pytest.approx(2 / (6 / 90))
    assert night["flow_supplier_backlog_change"] == pytest.approx(1 / (6 / 90))


def test_a_store_without_scans_on_the_way_has_no_flow_and_trains_as_before(make_tables) -> None:
    tables = make_tables(
        orders=ORDERS,
        order_lines=LINES,
        shipments="order_id | occurred_at \n a | 04-01 \n b | 04-01 \n o | 05-01",
        tracking="order_id | occurred_at | status \n a | 04-20 | Delivered",
    )
    features = build_features(tables, build_spine(tables, [day("05-11")]))
    assert features.select(pl.col(NAMES).null_count()).row(0) == (features.height,) * len(NAMES)
    assert varying(features, [*NAMES, "order_age_days"]) == ["order_age_days"]
