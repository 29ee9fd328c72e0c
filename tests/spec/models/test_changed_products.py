"""What a review and the monitor say when a supplier or a product becomes worse."""

from __future__ import annotations

from datetime import date

import pytest

from models.monitoring.sequential_monitoring import FINE
from models.product import changed_rates
from models.product.changed_rates import rate_findings
from models.product.product_table import Reviewed, group_frame
from models.product.product_verdict import CHANGED, KEEP
from tests.spec.models.planted_products import LIMIT, plant_batches, review, verdicts

# the review is on 1 October; from 1 August on, acme's goods are disputed five times as often
WORSE = """
    product | supplier | from  | until | orders | disputed
    shirt   | acme     | 01-01 | 07-31 | 700    | 14
    shirt   | acme     | 08-01 | 10-01 | 300    | 30
    shoes   | acme     | 01-01 | 07-31 | 700    | 14
    shoes   | acme     | 08-01 | 10-01 | 300    | 30
    lamp    | bulbs    | 01-01 | 10-01 | 2000   | 40
    vase    | bulbs    | 01-01 | 10-01 | 2000   | 40
"""
QUIET = """
    product | supplier | from  | until | orders | disputed
    shirt   | acme     | 01-01 | 10-01 | 1000   | 20
    shoes   | acme     | 01-01 | 10-01 | 1000   | 20
    lamp    | bulbs    | 01-01 | 10-01 | 2000   | 40
    vase    | bulbs    | 01-01 | 10-01 | 2000   | 40
"""


@pytest.fixture(scope="module")
def worse() -> Reviewed:
    return review(plant_batches(WORSE))


def test_the_whole_year_hides_the_change_and_the_last_90_days_show_it(worse: Reviewed) -> None:
    supplier = group_frame(worse, "supplier_id", LIMIT).row(0, named=True)
    assert supplier["supplier_id"] == "acme"
    assert supplier["chance_over_limit"] < 0.001
    assert supplier["change"] == "act"
    assert abs((supplier["changed_since"] - date(2024, 8, 1)).days) < 8
    # by 1 October, 20 days after their orders, about 40 of the 60 disputes are known; the year's
    # rate is about 68 in 1,800, and the 90 days have about 590 of these orders
    assert supplier["count_disputes_90d"] == pytest.approx(42, abs=3)
    assert supplier["expected_90d"] == pytest.approx(68 * 590 / 1800, abs=1)
    assert supplier["rate_90d"] > 1.4 * supplier["rate"]
    assert supplier["count_orders_30d"] < supplier["count_orders_90d"] < supplier["count_orders"]


def test_its_products_are_not_kept_and_not_steady(worse: Reviewed) -> None:
    rows = verdicts(worse)
    for name in ("shirt", "shoes"):
        assert rows[name]["verdict"] == CHANGED
        assert rows[name]["trend"] == "rising"
        assert "its supplier's rate rose about 2024-0" in rows[name]["why"]
    for name in ("lamp", "vase"):
        assert rows[name]["verdict"] == KEEP
        assert rows[name]["change"] == FINE
        assert rows[name]["trend"] != "rising"
        assert "no sign of a problem" in rows[name]["why"]


def test_in_a_quiet_store_nothing_is_reported() -> None:
    quiet = review(plant_batches(QUIET))
    assert rate_findings(quiet) == []
    rows = verdicts(quiet)
    assert {row["verdict"] for row in rows.values()} == {KEEP}
    assert {row["change"] for row in rows.values()} == {FINE}
    assert {row["changed_since"] for row in rows.values()} == {None}
    suppliers = group_frame(quiet, "supplier_id", LIMIT)
    assert suppliers["change"].to_list() == [FINE, FINE]
    assert "change" not in group_frame(quiet, "category", LIMIT).columns


def test_the_monitor_names_the_supplier_and_not_each_of_its_products(worse: Reviewed) -> None:
    (finding,) = rate_findings(worse)
    assert (finding.level, finding.reading) == ("act", "supplier_rise")
    assert finding.says.startswith("supplier acme: its dispute rate rose about 2024-")
    assert finding.propose == "look at supplier acme"


def test_one_product_of_a_good_supplier_is_named_itself() -> None:
    drawing = (
        QUIET + "    toy | bulbs | 01-01 | 07-31 | 700 | 14\n    toy | bulbs | 08-01 | 10-01 | "
    )
    reviewed = review(plant_batches(drawing + "600 | 90"))
    (finding,) = [f for f in rate_findings(reviewed) if f.reading == "product_rise"]
    assert "product toy: its dispute rate rose about" in finding.says
    row = verdicts(reviewed)["toy"]
    assert (row["verdict"], row["trend"]) == (CHANGED, "rising")
    assert "its rate rose about 2024-0" in row["why"]
    # its supplier's other products are as good as before
    assert verdicts(reviewed)["lamp"]["verdict"] == KEEP
    assert verdicts(reviewed)["lamp"]["supplier_change"] == FINE


def test_orders_without_a_supplier_are_no_supplier_that_became_worse() -> None:
    unknown = review(plant_batches(WORSE.replace("acme ", "unknown")))
    assert {f.reading for f in rate_findings(unknown)} <= {"product_rise"}
    suppliers = group_frame(unknown, "supplier_id", LIMIT)
    assert suppliers.filter(supplier_id="unknown")["change"].to_list() == [FINE]


def test_a_long_list_of_findings_ends_after_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = (
        QUIET
        + """
    hat     | felt     | 01-01 | 07-31 | 300    | 6
    hat     | felt     | 08-01 | 10-01 | 150    | 45
    belt    | hide     | 01-01 | 07-31 | 300    | 6
    belt    | hide     | 08-01 | 10-01 | 150    | 60
    """
    )
    reviewed = review(plant_batches(drawing.replace("\n\n", "\n")))
    names = [f.says.split(":")[0] for f in rate_findings(reviewed)]
    assert names == ["supplier hide", "supplier felt"]
    monkeypatch.setattr(changed_rates, "MOST_FINDINGS", 1)
    assert [f.says.split(":")[0] for f in rate_findings(reviewed)] == ["supplier hide"]
