"""The disputes of a simulated store as answers of the Open Platform: one list per status, and the
details of each dispute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.simulation.exports.export_files import Answer, local, read_raw, write_lines
from pipeline.simulation.exports.export_ids import (
    ISSUE,
    ISSUE_DETAIL,
    LINE,
    NO_LINE,
    ORDER,
    SOLUTION,
    number,
)

PAGE = 50
STATUSES = ("processing", "canceled_issue", "finish")
# by the simulator's short name of a reason: the platform's Chinese and English words
# (platform-rules S5, S15)
REASONS = {
    "still_in_transit": ("货物仍然在运输途中", "The package is still in transit"),
    "untrackable": ("运单号无法查询到物流信息", "The tracking number cannot be tracked"),
    "customs": ("海关扣关", "The package is held by customs"),
    "lost": ("包裹丢失", "The package was lost"),
    "returned": ("物流退回了包裹", "The package was returned"),
    "quality": ("质量问题", "Quality problem"),
    "not_as_described": ("货物与描述不符", "Product not as described"),
    "size": ("尺寸不符", "The size is wrong"),
    "damaged": ("货物破损", "The product is damaged"),
    "no_longer_needed": ("我不需要了", "I no longer need it"),
    "ordered_wrong": ("下错单", "I ordered by mistake"),
    "found_cheaper": ("我找到更便宜的", "I found it cheaper"),
}


def write_issues(raw: Path, folder: Path, taken: str) -> None:
    """Write the dispute lists and details, newest first as on the platform. A dispute is about the
    order's first line."""
    step = pl.struct("step", "actor", "amount_usd", at=local("occurred_at"))
    disputes = read_raw(raw, "disputes").group_by(
        "dispute_id", "order_id", "reason", "cause", maintain_order=True
    )
    numbers = (
        number(kind, column, line).alias(name)
        for name, kind, column, line in (
            ("order", ORDER, "order_id", NO_LINE),
            ("line", LINE, "order_id", 1),
            ("issue", ISSUE, "dispute_id", NO_LINE),
            ("detail", ISSUE_DETAIL, "dispute_id", NO_LINE),
            ("solution", SOLUTION, "dispute_id", NO_LINE),
        )
    )
    frame = disputes.agg(steps=step).with_columns(*numbers)
    buyers = read_raw(raw, "orders").select("order_id", "buyer_id")
    rows = frame.join(buyers, on="order_id", how="left", maintain_order="left").to_dicts()
    issues = [row | {"steps": {step["step"]: step for step in row["steps"]}} for row in rows]
    issues.sort(key=lambda issue: issue["steps"]["opened"]["at"], reverse=True)
    for status in STATUSES:
        of_status = [_listed(issue) for issue in issues if _status(issue["steps"]) == status]
        write_lines(folder / f"issue-list-{status}-{taken}.jsonl", _pages(of_status))
    write_lines(folder / f"issue-details-{taken}.jsonl", (_detail(issue) for issue in issues))


def _status(steps: Answer) -> str:
    """A ruling without a refund ends a dispute; otherwise the refund ends it."""
    if "withdrawn" in steps:
        return "canceled_issue"
    is_rejected = "ruled" in steps and float(steps["ruled"]["amount_usd"]) == 0.0
    return "finish" if "refunded" in steps or is_rejected else "processing"


def _pages(rows: list[Answer]) -> Iterator[Answer]:
    """`aliexpress.issue.issuelist.get`; an empty list still has one page."""
    for page, start in enumerate(range(0, max(len(rows), 1), PAGE), 1):
        part = rows[start : start + PAGE]
        answer = {
            "current_page": page,
            "page_size": PAGE,
            "total_item": len(rows),
            "data_list": {"issue_api_issue_dto": part} if part else {},
        }
        yield {"aliexpress_issue_issuelist_get_response": answer}


def _listed(issue: Answer) -> Answer:
    steps = issue["steps"]
    chinese, english = REASONS[issue["reason"]]
    return {
        "issue_id": issue["issue"],
        "order_id": issue["line"],
        "parent_order_id": issue["order"],
        "buyer_login_id": issue["buyer_id"],
        "gmt_create": steps["opened"]["at"],
        "gmt_modified": max(step["at"] for step in steps.values()),
        "issue_status": _status(steps),
        "reason_chinese": chinese,
        "reason_english": english,
    }


def _detail(issue: Answer) -> Answer:
    """`aliexpress.issue.detail.get`. Its `id` is not the dispute's number; only the solutions have
    that number."""
    steps = issue["steps"]
    lists = {
        f"{owner}_solution_list": _solutions(issue, owner)
        for owner in ("buyer", "seller", "platform")
    }
    process = sorted(
        _process(steps, issue["cause"] != "not_received"),
        key=lambda act: act["gmt_create"],
        reverse=True,
    )
    result = {
        "id": issue["detail"],
        "order_id": issue["line"],
        "parent_order_id": issue["order"],
        "gmt_create": steps["opened"]["at"],
        "issue_status": _status(steps),
        "buyer_login_id": issue["buyer_id"],
        **{name: {"solution_api_dto": rows} if rows else {} for name, rows in lists.items()},
        "process_dto_list": {"api_issue_process_dto": process},
    }
    return {"aliexpress_issue_detail_get_response": {"result_object": result}}


def _process(steps: Answer, has_goods: bool) -> Iterator[Answer]:
    """The actions of a dispute. An automatic escalation has no entry, because no one did it."""
    acts = [
        ("opened", "initiate", "buyer"),
        ("answered", "seller_create_solution", "seller"),
        ("withdrawn", "cancel", "buyer"),
        ("ruled", "platform_force_reach", "platform"),
        ("refunded", "perform_solution", "platform"),
    ]
    if steps.get("escalated", {}).get("actor") == "buyer":
        acts.append(("escalated", "buyer_initiate_arbitration", "buyer"))
    if _is_agreed(steps) and "answered" in steps:
        acts.append(("refunded", "buyer_accept", "buyer"))
    for step, action, who in acts:
        if step in steps:
            yield {
                "gmt_create": steps[step]["at"],
                "action_type": action,
                "submit_member_type": who,
                "receive_goods": has_goods,
                "attachments": {},
            }


def _is_agreed(steps: Answer) -> bool:
    return "refunded" in steps and "ruled" not in steps


def _solutions(issue: Answer, owner: str) -> list[Answer]:
    """What the buyer claimed and what was agreed: the seller's offer, or the buyer's claim if the
    seller did not answer in time. Rejected offers of the seller are left out."""
    steps, solutions = issue["steps"], []
    performed = (
        {"status": "perform", "reached_time": steps["refunded"]["at"]}
        if "refunded" in steps
        else {}
    )
    if owner == "buyer":
        solutions.append(
            _solution(
                issue, 1, owner, "opened", "opened", status="wait_seller_accept", reached_time=""
            )
        )
        if _is_agreed(steps) and "answered" not in steps:
            timeout = {"reached_type": "seller_reponse_timeout", **performed}
            solutions.insert(0, _solution(issue, 2, owner, "refunded", "refunded", **timeout))
    elif owner == "seller" and _is_agreed(steps) and "answered" in steps:
        consensus = {"reached_type": "negotiation_consensus", **performed}
        solutions.append(_solution(issue, 3, owner, "answered", "refunded", **consensus))
    elif owner == "platform" and "ruled" in steps:
        solutions.append(
            _solution(
                issue, 4, owner, "ruled", "ruled", reached_type="platform_arbitrate", **performed
            )
        )
    return solutions


def _solution(
    issue: Answer, digit: int, owner: str, time_step: str, amount_step: str, **more: str
) -> Answer:
    """A solution proposed at the time of `time_step`, with the amount of `amount_step`. `digit` is
    the last digit of its number."""
    amount = issue["steps"][amount_step]["amount_usd"]
    return {
        "id": issue["solution"] + digit,
        "issue_id": issue["issue"],
        "solution_owner": owner,
        "solution_type": "refund",
        "is_default": digit == 1,
        "gmt_create": issue["steps"][time_step]["at"],
        "refund_money": amount,
        "refund_money_currency": "USD",
        "refund_money_post": amount,
        "refund_money_post_currency": "USD",
        **more,
    }
