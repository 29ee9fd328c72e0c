"""In which queue an open order is, since when, and in what order people work through a queue."""

from __future__ import annotations

from models.contact.queues import QUEUES, count_queues, order_queues
from tests.spec.models.drawn_queues import NIGHT, drawn_orders

# days are counted from the night of 10 January
CASES = """
order                  | stage           | wait | bad | held | news | rank | promise | ship | queue                | since
waits                  | in_transit      | 2.5  | 0   | 0    | 1    | 0.5  | 3       | -    | waiting              | 7
waits for a lost one   | in_transit      | 2.5  | 1   | 0    | 1    | 0.5  | 3       | -    | waiting              | 7
exception              | in_transit      | -    | 1   | 0    | 1.2  | 0.5  | -2      | -    | exception            | 8
held by customs        | in_transit      | -    | 0   | 1    | 4    | 0.5  | 3       | -    | exception            | 6
no scan for two weeks  | dispatch        | -    | 0   | 0    | 14   | -    | 3       | -    | no_movement          | -4
unusual for the lane   | in_transit      | -    | 0   | 0    | 3    | 0.95 | -1      | -    | no_movement          | 7
usual for the lane     | in_transit      | -    | 0   | 0    | 13.9 | 0.94 | 3       | -    | -                    | -
late                   | in_transit      | -    | 0   | 0    | 1    | 0.5  | -0.5    | -    | past_promise         | 9
due now                | in_transit      | -    | 0   | 0    | 1    | 0.5  | 0       | -    | -                    | -
late, may be sent      | unknown         | -    | 0   | 0    | -    | -    | -3      | -    | past_promise         | 7
not sent in time       | before_shipment | -    | 0   | 0    | -    | -    | -3      | -1.5 | before_shipment_late | 8
still time to ship     | before_shipment | -    | 0   | 0    | -    | -    | -3      | 0    | -                    | -
delivered, was late    | delivered       | -    | 1   | 1    | 1    | 1    | -3      | -    | -                    | -
no days known          | in_transit      | -    | 0   | 0    | -    | -    | -       | -    | -                    | -
"""  # noqa: E501


def test_an_order_is_in_the_first_queue_that_fits() -> None:
    scored, said, unhappy = drawn_orders(CASES)
    queued = order_queues(scored, said, unhappy)
    actual = {
        row["order_id"]: (row["queue"], str(10 - (NIGHT - row["since"]).days))
        for row in queued.iter_rows(named=True)
    }
    expected = {}
    for line in CASES.strip().splitlines()[1:]:
        cells = [cell.strip() for cell in line.split("|")]
        if cells[-2] != "-":
            expected[cells[0]] = (cells[-2], cells[-1])
    assert actual == expected
    assert sum(count_queues(queued).values()) == len(expected)
    assert list(count_queues(queued)) == list(QUEUES)


UNHAPPY = """
order                     | stage     | stars | asked | said | days | queue             | since
few stars                 | delivered | 1.5   | 0     | -    | 4    | delivered_unhappy | 8
wrote about the product   | delivered | -     | 1     | 2    | 4    | delivered_unhappy | 8
asked before the delivery | delivered | -     | 1     | 5    | 4    | -                 | -
content                   | delivered | -     | 0     | 2    | 4    | -                 | -
not delivered yet         | dispatch  | 1.5   | 1     | 2    | 4    | -                 | -
"""


def test_delivered_orders_with_few_stars_or_questions_about_the_product_are_unhappy() -> None:
    queued = order_queues(*drawn_orders(UNHAPPY))
    assert sorted(queued.select("order_id", "queue").iter_rows()) == [
        ("few stars", "delivered_unhappy"),
        ("wrote about the product", "delivered_unhappy"),
    ]
    assert {day.day for day in queued["since"]} == {8}


def test_the_oldest_come_first_and_then_the_riskiest() -> None:
    queued = order_queues(
        *drawn_orders(
            """
            order     | stage      | wait | bad | news | risk
            lost      | in_transit | -    | 1   | 9    | 0.9
            new       | in_transit | 0.2  | 0   | 1    | 0.8
            old       | in_transit | 6    | 0   | 1    | 0.1
            old risky | in_transit | 5.5  | 0   | 1    | 0.3
            """
        )
    )
    assert queued["order_id"].to_list() == ["old risky", "old", "new", "lost"]


def test_a_night_without_orders_has_empty_queues() -> None:
    queued = order_queues(*(frame.clear() for frame in drawn_orders("order | stage\na | unknown")))
    assert queued.is_empty()
    assert set(count_queues(queued).values()) == {0}
