"""The indicators of a small store, by hand and by the program, for every policy and both bases.

The day is 1 July 2024. The 30 days before and the calendar month before are both June; three
calendar months are April to June; 60 days begin on 2 May. There are no delivery promises, so no
dispute window ends.

    order  ordered  shipped  what happened
    a      05-20    05-22    closed 06-10
    b      06-02    06-04    closed 06-25, review of 2 on 06-26
    c      05-10    05-12    filed 06-05, withdrawn 06-08, closed 06-20
    d      05-25    05-27    filed 06-12, escalated 06-16, seller liable 06-20, refunded 06-21
    e      05-05    05-07    filed 05-30, escalated 06-03, buyer liable 06-07
    f      06-15    06-17    still open
    g      06-10    06-12    filed 06-28, in dispute
    h      05-01    05-03    filed 06-15, refunded 06-18
    i      04-20    04-22    filed 05-20, withdrawn 06-01; line 2 filed 06-02, refunded 06-09
    k      05-28    -        still open, not shipped
"""

from __future__ import annotations

import pytest

from pipeline.settings.policy_files import load_policy, policy_names
from tests.spec.features.drawn_store import STORE, MakeTables, Row, measured

# indicator | withdrawals | basis | numerator of denominator: orders | maturing | over its limit
ALIEXPRESS = """
    dispute_rate             | counted | event_day | 4 of 6: c d g h of a b c d g h   | 2: f k   | -
    dispute_rate             | netted  | event_day | 3 of 6: without c                | 2        | -
    dispute_rate             | counted | order_day | 1 of 2: g of b g; f is young     | 1: f     | -
    dispute_rate             | netted  | order_day | 1 of 2                           | 1        | -
    adjudication_filing_rate | counted | event_day | 2 of 7: d e of a b, c h i, d e   | 3: f k g | -
    adjudication_filing_rate | counted | order_day | 0 of 1  of b; f g are young      | 2: f g   | -
    seller_liability_rate    | counted | event_day | 1 of 7: d of a b, c h i, d e     | 3: f k g | -
    seller_liability_rate    | counted | order_day | 0 of 1  of b                     | 2: f g   | -
"""
BY_HAND = {
    "aliexpress-classic": ALIEXPRESS,
    "aliexpress-2017": ALIEXPRESS,
    "aliexpress-2022": ALIEXPRESS,
    "amazon": """
    order_defect_rate | counted | order_day | 5 of 8: c d e g, b of all but h i | 2: f k   | over
    order_defect_rate | counted | event_day | 7 of 8: c d e g h i, b            | 2: f k   | over
    """,
    "ebay": """
    cases_closed_rate | counted | event_day | 1 of 10: d           | 3: f k g | over
    cases_closed_rate | counted | order_day | 1 of 10              | 3        | over
    opened_rate       | counted | event_day | 6 of 10: c d e g h i | 2: f k   | -
    opened_rate       | counted | order_day | 6 of 10              | 2        | -
    """,
    "paypal": """
    claim_amount_rate | counted | event_day | 65 of 550: 40 of d, 25 of e; all of all | 3: f k g | -
    claim_amount_rate | counted | order_day | 65 of 550                               | 3        | -
    """,
    "visa-vamp": """
    vamp_ratio        | counted | event_day | 4 of 3: c d g h of b f g, ordered in June | 2: f k | -
    vamp_ratio        | counted | order_day | 1 of 3: g                                 | 1: f   | -
    """,
    "mastercard-ecm": """
    chargeback_rate   | counted | event_day | 4 of 3: c d g h of b f g | 2: f k   | -
    chargeback_rate   | counted | order_day | 1 of 3: g                | 1: f     | -
    """,
}


def by_hand(text: str) -> set[Row]:
    """The rows of a table in `BY_HAND`."""
    rows = set()
    for line in filter(None, map(str.strip, text.splitlines())):
        name, kind, basis, counts, maturing, over = (cell.strip() for cell in line.split("|"))
        above, below = counts.split(":")[0].split(" of ")[:2]
        below = below.split()[0]
        rows.add((name, kind, basis, float(above), float(below), int(maturing.split(":")[0]), over))
    return rows


@pytest.mark.parametrize("name", policy_names())
def test_the_program_agrees_with_the_calculation_by_hand(
    make_tables: MakeTables, name: str
) -> None:
    assert measured(make_tables(**STORE), load_policy(name)) == by_hand(BY_HAND[name])
