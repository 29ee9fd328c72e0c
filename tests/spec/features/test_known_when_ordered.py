"""What is known when an order is placed: payment, postal codes, listing, sizes and holidays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import holidays
import numpy as np
import polars as pl
import pytest

from features.build.registry import build_features
from features.clock import calendar_day
from features.families import goods, holiday, payment, postal
from features.families import listing as listing_family
from features.families.holiday import FAR_DAYS, holiday_days
from features.tables import Tables
from models.learner.booster import varying
from tests.conftest import day

NIGHT = day("05-20")
ORDER = """
order_id | occurred_at | total_usd | {columns}
o        | 05-03       | 40        | {cells}
"""
LINES = """
order_id | line_id | product_id | unit_price_usd | occurred_at | {columns}
o        | 1       | p          | 30             | 05-03       | {cells}
o        | 2       | q          | 6              | 05-03       | {cells}
"""


@pytest.fixture
def features_of(make_tables: Callable[..., Tables]) -> Callable[..., dict]:
    """The features of order `o` on 20 May, with more columns of the order and its lines."""

    def build(
        *, order: dict | None = None, line: dict | None = None, products: str = "", at: int = NIGHT
    ) -> dict:
        drawings = {
            "orders": _drawn(ORDER, order or {"country": "US"}),
            "order_lines": _drawn(LINES, line or {"supplier_id": "u"}),
        }
        if products:
            drawings["products"] = products
        tables = make_tables(**drawings)
        spine = pl.DataFrame({"order_id": ["o"], "as_of_day": [at]}, schema_overrides=DAYS)
        spine = spine.with_columns(as_of=pl.lit(calendar_day(at)).cast(pl.Datetime("us", "UTC")))
        return build_features(tables, spine).row(0, named=True)

    return build


DAYS = {"as_of_day": pl.Int32}


def _drawn(drawing: str, cells: dict) -> str:
    return drawing.format(columns=" | ".join(cells), cells=" | ".join(cells.values()))


def test_a_payment_method_is_one_of_five_or_unknown(features_of) -> None:
    card = features_of(order={"payment_type": "card", "voucher_usd": "10"})
    assert (card["payment_by_card"], card["payment_by_voucher"]) == (1.0, 0.0)
    assert card["payment_voucher_share"] == 0.25
    unknown = features_of()
    assert {unknown[feature.name] for feature in payment.FEATURES} == {None}


@pytest.mark.parametrize(
    ("buyer", "supplier", "shared", "gap"),
    [
        ("01310", "01399", 3.0, 0.0),
        ("01310", "13023", 0.0, 117.0),
        ("01310", "01310", 5.0, 0.0),
        ("SW1A", "SW1B", 3.0, None),
        ("SW1A", "01310", 0.0, None),
        ("12", "12", 2.0, None),
        ("-", "01310", None, None),
    ],
)
def test_postal_codes_of_one_country_are_compared(
    features_of, buyer: str, supplier: str, shared: float, gap: float
) -> None:
    order = {"country": "SP", "buyer_country": "BR", "buyer_postal_prefix": buyer}
    line = {"origin_country": "BR", "supplier_postal_prefix": supplier}
    row = features_of(order=order, line=line)
    assert (row["postal_shared_digits"], row["postal_area_gap"]) == (shared, gap)
    abroad = features_of(order=order, line=line | {"origin_country": "CN"})
    assert (abroad["postal_shared_digits"], abroad["postal_area_gap"]) == (None, None)
    assert abroad["postal_buyer_area"] == row["postal_buyer_area"]


def test_the_listing_of_the_first_line_counts_as_it_was_known(features_of) -> None:
    listing = "product_id | count_title_letters | count_description_letters | weight_g"
    products = f"""
    {listing} | length_cm | width_cm | height_cm | occurred_at
    p | 40 | 900 | 500 | 20 | 10 | 5 | 04-01
    p | 80 | 100 | 9 | 2 | 1 | 1 | 05-20
    q | 7 | 8 | 9 | 9 | 9 | 9 | 04-01
    """
    row = features_of(products=products)
    assert (row["listing_title_letters"], row["listing_description_letters"]) == (40.0, 900.0)
    assert (row["goods_volume_cm3"], row["goods_longest_side_cm"]) == (1000.0, 20.0)
    assert row["goods_grams_per_cm3"] == 0.5
    # 2 USD of shipping for half a kilogram
    assert row["goods_shipping_usd_per_kg"] == 4.0
    assert features_of(products=products, at=NIGHT + 1)["listing_title_letters"] == 80.0


def test_an_order_is_described_by_all_its_lines(features_of) -> None:
    size = "product_id | length_cm | occurred_at\n"
    row = features_of(products=size + "p | 20 | 04-01")
    assert (row["goods_count_products"], row["goods_highest_price_share"]) == (2.0, 30 / 36)
    unknown = features_of(products=size + "p | - | 04-01")
    assert {unknown[feature.name] for feature in goods.FEATURES} == {None}


@pytest.mark.parametrize(
    ("night", "until", "since"),
    # 7 September and 12 October are holidays of Brazil
    [("09-07", 0, 0), ("09-08", 15, 1), ("08-24", 14, 15), ("08-23", 15, 15), ("09-21", 15, 14)],
)
def test_holidays_count_within_two_weeks(features_of, night: str, until: int, since: int) -> None:
    order, line = {"country": "SP", "buyer_country": "BR"}, {"origin_country": "BR"}
    row = features_of(order=order, line=line, at=day(night))
    assert (row["holiday_days_to_buyer"], row["holiday_days_since_buyer"]) == (until, since)
    assert (row["holiday_days_to_supplier"], row["holiday_days_since_supplier"]) == (until, since)
    alone = features_of(order=order, at=day(night))
    assert {alone[feature.name] for feature in holiday.FEATURES} == {None}


def test_the_country_of_the_order_counts_without_another(features_of) -> None:
    line = {"origin_country": "CN"}
    assert features_of(line=line, at=day("07-04"))["holiday_days_to_buyer"] == 0.0
    assert features_of(line=line, order={"country": "XX"})["holiday_days_to_buyer"] is None


def test_holidays_equal_a_loop_over_the_calendar(features_of) -> None:
    """An independent count, day by day, from the library's own membership test."""
    calendar = holidays.country_holidays("DE", years=range(2023, 2026))
    first = date(2024, 5, 4)
    for number in range(0, 240, 7):
        night = first + timedelta(days=number)
        ahead = [n for n in range(15) if night + timedelta(days=n) in calendar]
        behind = [n for n in range(15) if night - timedelta(days=n) in calendar]
        row = holiday_row("DE", night)
        assert row == (min(ahead, default=FAR_DAYS), min(behind, default=FAR_DAYS))


def holiday_row(country: str, night: date) -> tuple[float, float]:
    days = pl.Series([night.toordinal() - date(1970, 1, 1).toordinal()], dtype=pl.Int32)
    until, since = holiday._distances(pl.Series([country]), days)
    return float(until[0]), float(since[0])


def test_an_unknown_country_has_no_holidays() -> None:
    assert holiday_days("ZZ") == ()
    assert len(holiday_days("CN")) > 100
    assert np.all(np.diff(holiday_days("CN")) > 0)


def test_a_store_without_these_columns_gets_no_new_inputs(make_tables) -> None:
    """Null columns are left out before training, so they cannot move a score."""
    tables = make_tables(
        orders="order_id | country | occurred_at\no | US | 05-03",
        order_lines="order_id | occurred_at\no | 05-03",
    )
    spine = pl.DataFrame({"order_id": ["o", "o"], "as_of_day": [NIGHT, NIGHT + 9]}, DAYS | ID)
    as_of = pl.col("as_of_day").cast(pl.Date).cast(pl.Datetime("us", "UTC"))
    rows = build_features(tables, spine.with_columns(as_of=as_of))
    families = (payment, postal, listing_family, goods, holiday)
    new = [feature.name for family in families for feature in family.FEATURES]
    assert varying(rows, [*new, "order_age_days"]) == ["order_age_days"]


ID = {"order_id": pl.String}
