"""The answers of a simulated store, as a platform finds them: read from the store's own dumps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
NOT_FOUND = {"ret": False, "msg": "TRACKING DATA NOT FOUND", "code": "1001"}


@dataclass
class FakeStore:
    """What the platform knows of a store at a moment."""

    orders: list[Row] = field(default_factory=list)
    details: dict[str, Row] = field(default_factory=dict)
    tracking: dict[str, Row] = field(default_factory=dict)
    issues: list[Row] = field(default_factory=list)
    issue_details: dict[str, Row] = field(default_factory=dict)
    relations: list[Row] = field(default_factory=list)
    messages: dict[str, list[Row]] = field(default_factory=dict)
    evaluations: list[Row] = field(default_factory=list)

    def merge(self, changes: FakeStore) -> None:
        """Replace and add what another store holds."""
        for name, key in (
            ("orders", "order_id"),
            ("issues", "issue_id"),
            ("relations", "channel_id"),
        ):
            rows = {row[key]: row for row in [*getattr(self, name), *getattr(changes, name)]}
            setattr(self, name, list(rows.values()))
        for name in ("details", "tracking", "issue_details", "messages"):
            getattr(self, name).update(getattr(changes, name))


def read_store(folder: Path) -> FakeStore:
    """The store in the dumps of `folder`."""
    store = FakeStore()
    for answer in _answers(folder, "order-list-"):
        result = answer["aliexpress_solution_order_get_response"]["result"]
        store.orders += result["target_list"]["order_dto"]
    for answer in _answers(folder, "order-details-"):
        data = answer["aliexpress_solution_order_info_get_response"]["result"]["data"]
        store.details[str(data["id"])] = data
    for answer in _answers(folder, "order-tracking-"):
        result = answer["aliexpress_ds_order_tracking_get_response"]["result"]
        store.tracking[str(answer["request"]["ae_order_id"])] = result
    for answer in _answers(folder, "issue-list-"):
        listed = answer["aliexpress_issue_issuelist_get_response"]["data_list"]
        store.issues += listed.get("issue_api_issue_dto", [])
    by_opening = {(row["order_id"], row["gmt_create"]): row["issue_id"] for row in store.issues}
    for answer in _answers(folder, "issue-details-"):
        detail = answer["aliexpress_issue_detail_get_response"]["result_object"]
        issue_id = by_opening[detail["order_id"], detail["gmt_create"]]
        store.issue_details[str(issue_id)] = detail
    for answer in _answers(folder, "conversations-"):
        (response,) = (value for name, value in answer.items() if name.endswith("_response"))
        store.relations += response["result"]["relation_list"]["relation_result"]
    for answer in _answers(folder, "messages-"):
        (response,) = (value for name, value in answer.items() if name.endswith("_response"))
        rows = response["result"]["message_detail_list"]["message_detail"]
        store.messages.setdefault(str(answer["request"]["channel_id"]), []).extend(rows)
    return store


def _answers(folder: Path, start: str) -> Iterator[Row]:
    for path in sorted(folder.glob(f"{start}*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def is_listed(order: Row, query: Row) -> bool:
    """Whether a search lists the order, on any of its pages."""
    field_name, name = ("gmt_create", "create_date")
    if "modified_date_start" in query:
        field_name, name = ("gmt_update", "modified_date")
    is_inside: bool = query[f"{name}_start"] <= order[field_name] <= query[f"{name}_end"]
    return is_inside and order["order_status"] in query["order_status_list"]


def list_orders(store: FakeStore, query: Row) -> tuple[Row, list[Row]]:
    """The page of an order search, and where its rows are. Newest first."""
    rows = [order for order in store.orders if is_listed(order, query)]
    rows.sort(key=lambda order: (order["gmt_create"], order["order_id"]), reverse=True)
    size, page = query["page_size"], query["current_page"]
    part = rows[(page - 1) * size : page * size]
    result = {
        "total_count": len(rows),
        "current_page": page,
        "page_size": size,
        "total_page": -(-len(rows) // size),
        "success": True,
        "error_code": "0",
        "target_list": {"order_dto": part} if part else {},
    }
    return {"aliexpress_solution_order_get_response": {"result": result}}, part


def list_issues(store: FakeStore, query: Row) -> tuple[Row, list[Row]]:
    """The page of a list of disputes, and its rows. Newest first."""
    rows = [issue for issue in store.issues if issue["issue_status"] == query["issue_status"]]
    rows.sort(key=lambda issue: (issue["gmt_create"], issue["issue_id"]), reverse=True)
    size, page = query["page_size"], query["current_page"]
    part = rows[(page - 1) * size : page * size]
    answer = {
        "current_page": page,
        "page_size": size,
        "total_item": len(rows),
        "data_list": {"issue_api_issue_dto": part} if part else {},
    }
    return {"aliexpress_issue_issuelist_get_response": answer}, part


def list_evaluations(store: FakeStore, query: Row) -> Row:
    """The ratings of a span of time, without pages; no more than 50, the latest first."""
    rows = [
        row
        for row in store.evaluations
        if query["start_valid_date"] <= row["valid_date"] <= query["end_valid_date"]
    ]
    rows = sorted(rows, key=lambda row: row["valid_date"], reverse=True)[:50]
    listed = {"trade_evaluation_open_dto": rows} if rows else {}
    method = "aliexpress_evaluation_listorderevaluation_get"
    return {f"{method}_response": {"target_list": listed, "time_stamp": "2018-08-22 00:00:00"}}


def list_relations(store: FakeStore, query: Row) -> Row:
    """A page of the conversations; the platform does not count them."""
    rows = [
        row
        for row in store.relations
        if query["start_time"] <= row["message_time"] <= query["end_time"]
    ]
    rows.sort(key=lambda row: row["message_time"], reverse=True)
    size, page = query["page_size"], query["current_page"]
    part = rows[(page - 1) * size : page * size]
    result = {"is_success": True, "relation_list": {"relation_result": part} if part else {}}
    method = "aliexpress_message_redefining_versiontwo_querymsgrelationlist"
    return {f"{method}_response": {"result": result}}


def list_messages(store: FakeStore, query: dict[str, str]) -> Row:
    """A page of a conversation, newest first."""
    rows = sorted(store.messages.get(query["channel_id"], []), key=lambda row: -row["gmt_create"])
    size, page = int(query["page_size"]), int(query["current_page"])
    part = rows[(page - 1) * size : page * size]
    result = {"is_success": True, "message_detail_list": {"message_detail": part} if part else {}}
    method = "aliexpress_message_redefining_versiontwo_querymsgdetaillist"
    return {f"{method}_response": {"result": result}}
