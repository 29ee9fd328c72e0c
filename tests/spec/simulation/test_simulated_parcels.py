"""The simulated world, part 1: what is sold when, how parcels travel, and their scans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from pipeline.simulation.world.assumptions import QUARREL, ROAD
from pipeline.simulation.world.calendar import Calendar
from pipeline.simulation.world.journey import (
    CUSTOMS,
    HANDLING,
    INTERNATIONAL,
    LEGS,
    Journey,
    Realised,
    travel,
)
from pipeline.simulation.world.markets import CATEGORIES, COUNTRIES, SERVICES
from pipeline.simulation.world.scans import LOST, SLOTS, SURE, scan
from pipeline.simulation.world.simulated_orders import World
from pipeline.simulation.world.simulated_store import StorePart

Store = dict[str, pl.DataFrame]


def median_days(journey: Journey, leg: int, is_selected: np.ndarray) -> float:
    length = journey.starts[:, leg + 1] - np.where(
        np.isfinite(journey.starts[:, leg]), journey.starts[:, leg], 0.0
    )
    return float(np.median(length[is_selected & np.isfinite(journey.starts[:, leg + 1])]))


def journey_under(world: World, piece: StorePart, calendar: Calendar) -> Journey:
    """The journey of the same orders, with the same random numbers, under another calendar."""
    return travel(
        replace(world, calendar=calendar), piece.orders, Realised(world.draws, piece.orders.number)
    )


# -- the shop


def test_the_world_is_wide_enough(world: World) -> None:
    assert len(CATEGORIES) >= 30
    assert len(COUNTRIES) >= 15
    assert len(LEGS) == 7
    assert world.days >= 730


def test_demand_rises_on_sale_days_and_in_winter_and_falls_at_new_year(
    world: World, piece: StorePart
) -> None:
    calendar = world.calendar
    count = np.bincount(piece.orders.placed.astype(int), minlength=world.days)
    expected = calendar.demand * len(piece.orders.number) / calendar.demand.sum()
    assert (np.abs(count - expected) < 2.0).all()
    usual = np.median(calendar.demand)
    assert calendar.demand[calendar.is_sale[: world.days]].min() > 1.3 * usual
    new_year = calendar.handling_x[: world.days] >= ROAD.new_year_handling_x
    assert 30 <= new_year.sum() <= 40  # seventeen days in each of two years
    assert calendar.demand[new_year].mean() < usual


def test_a_few_products_make_most_of_the_sales(store: Store) -> None:
    sold = store["order_lines"]["product_id"].value_counts(sort=True)["count"]
    assert sold.head(len(sold) // 10).sum() > 0.4 * sold.sum()
    assert len(sold) > 300


def test_a_product_is_sold_only_while_it_is_listed(world: World, piece: StorePart) -> None:
    catalogue, orders = world.catalogue, piece.orders
    product = orders.products[:, 0]
    day = np.floor(orders.placed)
    assert (catalogue.listed_at[product] <= orders.placed).all()
    assert (day < catalogue.retired_at[product]).all()
    assert 0.2 < (catalogue.listed_at > 0).mean() < 0.7
    assert (catalogue.retired_at < world.days).any()


def test_an_improved_product_disappoints_less_in_quality(world: World, piece: StorePart) -> None:
    catalogue, orders = world.catalogue, piece.orders
    single = orders.quantity[:, 1] == 0
    product = orders.products[single, 0]
    is_improved = orders.placed[single] >= catalogue.improved_at[product]
    ratio = orders.risks[single, 0] / catalogue.risks[product, 0]
    assert ratio[~is_improved] == pytest.approx(1.0)
    assert ratio[is_improved] == pytest.approx(np.exp(-QUARREL.improved_by))
    assert is_improved.any()


def test_reviews_follow_delivery_and_reflect_quality(store: Store, piece: StorePart) -> None:
    number = store["reviews"]["order_id"].str.strip_prefix("o-").cast(pl.Int64).to_numpy() - 1
    risk, score = piece.orders.risks.sum(axis=1)[number], store["reviews"]["score"].to_numpy()
    good, bad = score[risk < np.quantile(risk, 0.2)], score[risk > np.quantile(risk, 0.8)]
    assert good.mean() > bad.mean() + 0.3
    assert np.isfinite(piece.journey.delivered[number]).all()
    delivered = store["tracking"].filter(pl.col("status") == "Delivered").group_by("order_id")
    joined = store["reviews"].join(
        delivered.agg(pl.col("occurred_at").min().alias("delivered_at")), on="order_id"
    )
    assert (joined["occurred_at"] >= joined["delivered_at"]).all()
    # a few deliveries become known after the review
    assert joined.height > 0.99 * len(number)


def test_most_buyers_order_once_and_some_return(store: Store) -> None:
    orders = store["orders"]["buyer_id"].value_counts()["count"]
    assert (orders == 1).mean() > 0.75  # type: ignore[operator]
    assert ((orders >= 2) & (orders <= 5)).sum() > 300
    assert orders.max() < 60  # type: ignore[operator]


# -- transport


def test_the_winter_and_the_new_year_are_slow(world: World, piece: StorePart) -> None:
    journey, day = piece.journey, world.calendar.day(piece.journey.starts[:, HANDLING])
    is_new_year = world.calendar.handling_x[day] >= ROAD.new_year_handling_x
    is_peak = (world.calendar.handling_x[day] > 1.0) & ~is_new_year
    usual = median_days(journey, HANDLING, ~is_peak & ~is_new_year)
    assert median_days(journey, HANDLING, is_peak) > 1.2 * usual
    assert median_days(journey, HANDLING, is_new_year) > 1.8 * usual


@pytest.mark.parametrize(("kind", "leg"), [("road_x", INTERNATIONAL), ("customs_x", CUSTOMS)])
def test_a_shock_slows_the_legs_that_start_during_it(
    world: World, piece: StorePart, kind: str, leg: int
) -> None:
    """A carrier collapses, or a border slows, compared with the same parcels without the shock."""
    row = piece.orders.service if kind == "road_x" else piece.orders.country
    factor = getattr(world.calendar, kind)
    quiet = np.minimum(factor, np.median(factor, axis=1, keepdims=True))
    calm = journey_under(world, piece, replace(world.calendar, **{kind: quiet}))
    start = calm.starts[:, leg]
    is_struck = (factor > 2.0 * quiet)[row, world.calendar.day(start)] & np.isfinite(start)
    same_start = is_struck & (piece.journey.starts[:, leg] == start)
    assert same_start.sum() > 20
    assert median_days(piece.journey, leg, same_start) > 1.8 * median_days(calm, leg, same_start)


def test_expensive_services_are_faster_and_distant_countries_slower(piece: StorePart) -> None:
    transit = piece.journey.delivered - np.where(
        np.isfinite(piece.journey.handed_over), piece.journey.handed_over, 0
    )
    is_delivered = np.isfinite(piece.journey.delivered)
    by_service = [
        np.median(transit[is_delivered & (piece.orders.service == s)]) for s in range(len(SERVICES))
    ]
    names = [service.name for service in SERVICES]
    assert by_service[names.index("EMS Express")] < by_service[names.index("AE Standard")]
    assert by_service[names.index("AE Standard")] < by_service[names.index("AE Super Economy")]
    codes = [country.code for country in COUNTRIES]
    days = {
        code: np.median(transit[is_delivered & (piece.orders.country == codes.index(code))])
        for code in ("KR", "BR")
    }
    assert days["KR"] < days["BR"]


def test_suppliers_differ_in_handling_time(world: World, piece: StorePart) -> None:
    supplier = world.catalogue.supplier[piece.orders.products[:, 0]]
    counts = np.bincount(supplier)
    medians = [
        median_days(piece.journey, HANDLING, supplier == s) for s in np.argsort(-counts)[:12]
    ]
    assert max(medians) > 1.5 * min(medians)


def test_each_leg_follows_the_one_before_and_lost_parcels_never_arrive(piece: StorePart) -> None:
    starts = piece.journey.starts[:, :-1]
    known = np.isfinite(starts)
    assert (np.diff(known.astype(int), axis=1) <= 0).all()
    both = known[:, 1:]
    assert (np.where(both, starts[:, 1:], 0.0) >= np.where(both, starts[:, :-1], 0.0)).all()
    gone = np.isfinite(piece.journey.lost_at) | np.isfinite(piece.journey.returned_at)
    assert not (gone & np.isfinite(piece.journey.delivered)).any()
    assert 0.01 < gone.mean() < 0.05
    never = np.isinf(piece.journey.handed_over)
    assert 0.005 < never.mean() < 0.02


# -- scans


def test_scans_come_after_hand_over_and_only_the_report_of_a_loss_after_it(
    piece: StorePart,
) -> None:
    occurred, journey = piece.scans.occurred, piece.journey
    has_scan = np.isfinite(occurred)
    assert (occurred >= journey.handed_over[:, None])[has_scan].all()
    after_loss = has_scan & (occurred > journey.lost_at[:, None])
    assert set(np.nonzero(after_loss)[1]) == {LOST}


def test_scans_use_only_the_tracking_vocabulary(store: Store) -> None:
    statuses = set(store["tracking"].select("status", "sub_status").unique().iter_rows())
    assert statuses == {(status, sub_status) for status, sub_status, _ in SLOTS}
    assert all(sub_status.startswith(status) for status, sub_status in statuses)


def test_some_scans_are_late_out_of_order_repeated_or_missing(
    store: Store, piece: StorePart
) -> None:
    scans = store["tracking"]
    late = (scans["known_at"] - scans["occurred_at"]).dt.total_hours() >= 7
    assert 0.05 < late.mean() < 0.20  # type: ignore[operator]
    assert (scans["known_at"] >= scans["occurred_at"]).all()
    earlier = pl.col("occurred_at").shift(1).over("order_id")
    is_out_of_order = (
        scans.sort("order_id", "known_at").select(pl.col("occurred_at") < earlier).to_series()
    )
    assert is_out_of_order.sum() > 500
    same = scans.select("order_id", "status", "sub_status", "occurred_at").is_duplicated()
    assert 0.01 < same.mean() < 0.08  # type: ignore[operator]
    # cheap services have fewer scans, because more are missing
    delivered = np.isfinite(piece.journey.delivered)
    count_scans = np.isfinite(piece.scans.occurred).sum(axis=1)
    names = [service.name for service in SERVICES]
    means = {
        name: count_scans[delivered & (piece.orders.service == i)].mean()
        for i, name in enumerate(names)
    }
    assert means["AE Super Economy"] < means["AE Standard"]


def test_scans_of_a_silent_feed_arrive_afterwards_or_never(world: World, piece: StorePart) -> None:
    orders, journey = piece.orders, piece.journey
    at_once = np.tile(np.arange(world.calendar.feed_back.shape[1], dtype=float), (len(SERVICES), 1))
    without_silence = replace(world, calendar=replace(world.calendar, feed_back=at_once))
    open_feed = scan(without_silence, orders, journey, Realised(world.draws, orders.number))
    day = world.calendar.day(open_feed.occurred)
    back = world.calendar.feed_back[orders.service[:, None], day]
    is_silent = (back > day) & np.isfinite(open_feed.occurred)
    known = piece.scans.known[is_silent]
    is_received = np.isfinite(known)
    assert is_silent.sum() > 500
    assert (known[is_received] >= back[is_silent][is_received]).all()
    assert 0.25 < 1.0 - is_received.mean() < 0.50
    # outside the silence nothing changes, and scans that the platform reports are never missing
    assert np.array_equal(piece.scans.known[~is_silent], open_feed.known[~is_silent])
    assert np.isfinite(piece.scans.known[:, SURE][is_silent[:, SURE]]).all()
