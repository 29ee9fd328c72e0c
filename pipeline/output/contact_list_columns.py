"""The meaning of each column of the contact list, in words for its readers, and how a spreadsheet
shows it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from features.clock import is_before
from models.reasons.reason_columns import REASON_KEYS
from pipeline.output.spreadsheet import Look

# the keys by which a page translates the reasons and why_action; for programs alone
KEY_COLUMNS = (*REASON_KEYS, "why_action_key")
OUTCOMES = ("answered", "no_answer", "settled", "refused", "undeliverable")
# addresses of the order, its messages and its parcel: they open when clicked
URLS = ("order_url", "thread_url", "parcel_url")
# what a row says about its order without a click
ROW_FACTS = (
    "order_value_usd",
    "carrier",
    "tracking_number",
    "last_scan",
    "last_scan_at",
    "last_scan_location",
    "said_by",
    "said_at",
    "first_words",
    "unanswered_since",
    *URLS,
)
# columns after those of the decision; the agents fill in the last two
MORE_COLUMNS = [
    "as_of",
    "country",
    "message_language",
    "product_title",
    *ROW_FACTS,
    "draft_message",
    "contacted_at",
    "outcome",
]
MEANING = {
    "rank": "1 is the order most worth an action; work from the top until the day is over",
    "order_id": "the order, as in your export; do not change it: make contacts looks it up by this",
    "buyer_id": "the buyer, as in your export",
    "product_id": "the first product of the order",
    "stage": "where the order is: before_shipment, dispatch (handed over to the carrier, no scan "
    "in transit yet), in_transit, delivered; unknown if your data has no shipments",
    "probability": "the chance that a dispute is opened within the horizon (30 days unless "
    "config.toml sets another)",
    "likely_cause": "the most likely cause of a dispute; empty if your disputes have no causes",
    "reason_1": "the strongest reason for the risk, with this order's value and the usual value",
    "reason_2": "the next reason",
    "reason_3": "the next reason",
    "contact_by": "the last day by which at most a tenth of the disputes to come have been opened; "
    "red: today, yellow: within 2 days",
    "action": "what to do, by the name of its file in the folder actions; you decide",
    "why_action": "why this action and not the next best, with what both are worth",
    "stake_usd": "money at stake: the chance of a dispute to the end of the order x what it would "
    "cost",
    "prevented_usd": "the part of the money at stake that the action is expected to save",
    "cost_usd": "what the action costs: time, and money or goods given to the buyer",
    "expected_value_usd": "what the action is worth, in USD: prevented_usd - cost_usd, and less "
    "the disputes that it may provoke",
    "offer_usd": "money or goods given to the buyer, as part of cost_usd; those of one night stay "
    "within the budget",
    "also_orders": "other open orders of the same buyer: one message can cover all of them",
    "basis": "whether the effect of the action is an assumption, or mostly evidence from your own "
    "hold-out",
    "as_of": "the night for which the list was made",
    "country": "the destination country, as in your export",
    "message_language": "the language of the draft: that of the buyer's country, or English; tasks "
    "for suppliers and carriers are in English",
    "product_title": "the title of the product, shortened",
    "order_value_usd": "what the buyer paid for the order, in USD",
    "carrier": "the carrier of the parcel that was scanned last",
    "tracking_number": "the number of that parcel; empty if your data does not have the carrier's",
    "last_scan": "what the carrier reported last, in the words of 17TRACK",
    "last_scan_at": "when that was, in the store's time",
    "last_scan_location": "where that was, in the carrier's words",
    "said_by": "who wrote the last message about the order: buyer or seller",
    "said_at": "when that was, in the store's time",
    "first_words": "how that message begins; empty if your data has no texts of messages",
    "unanswered_since": "when the buyer first wrote after your last message or contact; empty if "
    "the buyer does not wait for an answer",
    "order_url": "opens the order on the platform (set links.order in config.toml)",
    "thread_url": "opens the messages with the buyer (set links.thread in config.toml)",
    "parcel_url": "opens the parcel on a tracking page",
    "draft_message": "a draft; read it before you send it. Sentences with unknown facts are "
    "left out",
    "contacted_at": "fill in: when you sent the message, in the store's time, for example "
    "2026-05-03 14:00; leave it empty if you did not contact the buyer",
    "outcome": f"fill in: {', '.join(OUTCOMES)}; may be left empty",
}
MONEY, SHARE, DAY, MOMENT = "#,##0.00", "0.0%", "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
TODAY, SOON, FILL_IN = "#F8CBAD", "#FFF2CC", "#E2EFDA"
SOON_DAYS = 2


def list_look(listed: pl.DataFrame, as_of: date) -> Look:
    """How a spreadsheet shows the list: number formats by the names and types of the columns, and
    row colours by how soon the buyer must be contacted."""
    formats = {name: MONEY for name in listed.columns if name.endswith("_usd")}
    formats |= {name: SHARE for name in listed.columns if name.endswith(("probability", "_share"))}
    formats |= {name: DAY for name, dtype in listed.schema.items() if dtype == pl.Date}
    moments = [name for name, dtype in listed.schema.items() if dtype == pl.Datetime]
    return Look(
        formats=formats | dict.fromkeys([*moments, "contacted_at"], MOMENT),
        widths={"draft_message": 80, "why_action": 40, "contacted_at": 18, "outcome": 16}
        | dict.fromkeys(_REASONS, 40)
        | {"first_words": 40, **dict.fromkeys(URLS, 24)},
        choices={"outcome": OUTCOMES},
        wrapped=("draft_message", "why_action", "first_words", *_REASONS),
        links=URLS,
        fills=[_fill(day, as_of) for day in listed["contact_by"]],
    )


_REASONS = ("reason_1", "reason_2", "reason_3")


def _fill(contact_by: date | None, as_of: date) -> str | None:
    if contact_by is None or is_before(as_of + timedelta(days=SOON_DAYS), contact_by):
        return None
    return SOON if is_before(as_of, contact_by) else TODAY


def explained(listed: pl.DataFrame) -> pl.DataFrame:
    """The sheet that explains the columns: one row per column of the list."""
    meaning = [MEANING.get(name, "") for name in listed.columns]
    return pl.DataFrame({"column": listed.columns, "what it says": meaning})
