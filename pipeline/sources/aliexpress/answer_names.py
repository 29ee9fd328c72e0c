"""The names by which records are recognised in the Open Platform's answers."""

from __future__ import annotations

ORDER, DETAIL, ISSUE, ISSUE_DETAIL, TRACE, MESSAGE, CONVERSATION, EVALUATION, UNKNOWN = (
    "order",
    "order_detail",
    "issue",
    "issue_detail",
    "trace",
    "message",
    "conversation",
    "evaluation",
    "unknown",
)
SEVENTEEN, AFTERSHIP = "17track", "aftership"
# the kind of an object by the name of its field
KIND_BY_NAME = {
    "order_dto": ORDER,
    "aeop_order_item_dto": ORDER,
    "order_item_dto": ORDER,
    "simple_order_item_vo": ORDER,
    "issue_api_issue_dto": ISSUE,
    "result_object": ISSUE_DETAIL,
    "message_detail": MESSAGE,
    "relation_result": CONVERSATION,
    "trade_evaluation_open_dto": EVALUATION,
}
# the kind of the items of a list, by the name of the list
KIND_BY_LIST = {
    "target_list": ORDER,
    "order_list": ORDER,
    "data_list": ISSUE,
    "issue_list": ISSUE,
    "message_detail_list": MESSAGE,
    "relation_list": CONVERSATION,
}
# the kind of an answer's content, by the end of the method's name
KIND_BY_METHOD = {
    "order_info_get_response": DETAIL,
    "findorderbyid_response": DETAIL,
    "issue_detail_get_response": ISSUE_DETAIL,
}
# one of these fields is enough to recognise a kind; the first kind counts
KIND_BY_FIELD: tuple[tuple[str, frozenset[str]], ...] = (
    (EVALUATION, frozenset(("buyer_evaluation", "buyer_fb_date", "seller_evaluation"))),
    (
        ISSUE_DETAIL,
        frozenset(
            ("process_dto_list", "buyer_solution_list", "platform_solution_list", "issue_reason_id")
        ),
    ),
    (ISSUE, frozenset(("reason_chinese", "reason_english"))),
    (ORDER, frozenset(("product_list", "gmt_send_goods_time"))),
    (
        DETAIL,
        frozenset(
            ("child_order_list", "receipt_address", "logistic_info_list", "opr_log_dto_list")
        ),
    ),
    (TRACE, frozenset(("tracking_detail_line_list", "details"))),
    (SEVENTEEN, frozenset(("track_info", "package_status"))),
    (AFTERSHIP, frozenset(("checkpoints", "subtag"))),
)
ANSWER_NAMES = ("result", "target", "data")
REQUEST_NAMES = ("request", "params", "query")
# when the answer was fetched
TIME_NAMES = ("fetched_at", "requested_at", "dumped_at")
# names of objects that only contain other objects end like this
WRAPPER_ENDS = (
    "_response",
    "result",
    "results",
    "data",
    "target",
    "body",
    "response",
    "responses",
    "pages",
    "_list",
    "msg",
    "tracking",
    "trackings",
    "accepted",
    "rejected",
    "list",
    "_dto",
)
# fields of an answer that are not part of a record
PAGING_NAMES = frozenset(
    (
        "total_count",
        "current_page",
        "page_size",
        "total_page",
        "total_item",
        "success",
        "is_success",
        "error_code",
        "error_message",
        "error_msg",
        "time_stamp",
        "request_id",
        "ret",
        "msg",
        "code",
        "result_success",
        "error_desc",
        "sub_code",
        "sub_msg",
        "_trace_id_",
        "type",
        "event",
        "event_id",
        "ts",
        "is_tracking_first_tag",
        "page",
        "page_no",
        "meta",
        "version",
    )
)
# the fault of an answer that has no records
EMPTY_ANSWER = "the platform found nothing"
