"""Any value that is read from an answer ends up in a row or in quarantine, whatever it is."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.aliexpress.aliexpress_source import read_aliexpress
from pipeline.sources.aliexpress.dumps import read_dumps
from pipeline.sources.source_context import SourceContext
from tests.unit.sources import aliexpress_dumps as made

MARK = "M-7731"
# the fields of records that are read
READ = {
    "order_id",
    "gmt_create",
    "gmt_pay_time",
    "gmt_send_goods_time",
    "order_status",
    "buyer_login_id",
    "pay_amount",
    "child_id",
    "product_id",
    "product_name",
    "product_count",
    "goods_prepare_time",
    "freight_commit_day",
    "product_unit_price",
    "logistics_no",
    "gmt_send",
    "country",
    "time_stamp",
    "tracking_name",
    "mail_no",
    "issue_id",
    "parent_order_id",
    "gmt_modified",
    "issue_status",
    "reason_chinese",
    "reason_english",
    "action_type",
    "refund_money_post",
}
# fields of these names that are not read in these objects
NOT_READ = {
    "result.time_stamp",
    "result_object.product_id",
    "buyer_info.country",
    "order_product_dto.order_id",
    "target_list.issue_status",
    "order_product_dto.issue_id",
    "solution_api_dto.issue_id",
    "issue_api_issue_dto.buyer_login_id",
    "result_object.buyer_login_id",
    "tracking_detail.package_item_list",
}


def is_read(path: tuple[Any, ...]) -> bool:
    """Whether the value at `path` is read: a wrapper, an item of a list, or a field in `READ`."""
    names = [step for step in path if isinstance(step, str)]
    last = path[-1]
    ends = ("_response", "result", "result_object", "target", "_list", "_dto", "_node")
    has_read_name = isinstance(last, int) or last.endswith(ends) or last in READ
    return has_read_name and ".".join(names[-2:]) not in NOT_READ


@pytest.mark.parametrize("name", sorted(made.ANSWERS))
@pytest.mark.parametrize("mark", [MARK, [MARK], {"x": MARK}], ids=["text", "list", "object"])
def test_a_wrong_value_is_in_a_row_or_in_quarantine(name: str, mark: Any, tmp_path: Path) -> None:
    """Each value that is read is replaced in turn by one that does not belong there."""
    lost, tried = [], 0
    paths = [path for path in made.paths_in(made.ANSWERS[name]()) if path and is_read(path)]
    for number, path in enumerate(paths):
        answer = made.ANSWERS[name]()
        made.value_at(answer, path[:-1])[path[-1]] = mark
        raw = made.write(tmp_path / str(number), "2024-11-05", spoiled=answer)
        rows = [row for frame in read_dumps(raw, {}).frames.values() for row in frame.rows()]
        tried += 1
        if not any(MARK in str(cell) for row in rows for cell in row):
            lost.append(path)
    assert lost == []
    assert tried > 5


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rng=st.randoms(use_true_random=True))
def test_each_row_of_a_damaged_dump_is_good_or_in_quarantine(rng: Random, tmp_path: Path) -> None:
    """Fifty damaged dumps per example; tests/bench/spoiled_dumps.py tries twenty thousand."""
    raw = made.write(tmp_path / "raw", made.TAKEN, orders=made.ANSWERS["orders"]())
    for number in range(50):
        (raw / f"spoiled-2024-11-06-{number}.json").write_bytes(made.spoiled(rng))
    made.account(read_aliexpress(SourceContext(raw)))
