"""Map phrases to this program's vocabulary: reasons of disputes and carriers' tracking lines.

Reasons: `reason_codes.toml` has the published codes of payment providers, card networks and
marketplaces, `reason_words.toml` the words of buyers and of sellers' programs (platform-rules S5,
S15, S20) in fourteen languages. A reason in neither is `unknown`; these are counted and reported.
Carriers'
lines are free text; the first pattern that matches gives the status, in the vocabulary of 17TRACK.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import polars as pl

NOT_RECEIVED, NOT_AS_DESCRIBED, OTHER, UNKNOWN = (
    "not_received",
    "not_as_described",
    "other",
    "unknown",
)
HERE = Path(__file__).parent
_PREFIX = re.compile(r"^(cr|amz pg|amz) ")
# a card network's code with words behind it, such as "13.1 - Merchandise not received"
_LEADING_CODE = r"^(?:visa|mastercard|mc)?\W*(\d{2}\.\d(?:\.\d)?|\d{4})(?:\W|$)"


@cache
def causes_of_codes() -> dict[str, str]:
    """Published code, folded as by `folded` -> its cause; `unknown` for codes that state none."""
    lists = tomllib.loads((HERE / "reason_codes.toml").read_text(encoding="utf-8"))["list"]
    return {
        fold(code): cause
        for each in lists
        for cause in (NOT_RECEIVED, NOT_AS_DESCRIBED, OTHER, UNKNOWN)
        for code in each[cause]
    }


@cache
def _groups_of_words() -> list[tuple[str, str]]:
    """(pattern, cause), searched in the folded text; the first match counts."""
    groups = tomllib.loads((HERE / "reason_words.toml").read_text(encoding="utf-8"))["group"]
    return [
        (
            "|".join(fold_letters(word) for key in each if key != "cause" for word in each[key]),
            each["cause"],
        )
        for each in groups
    ]


def fold_letters(text: str) -> str:
    """The text in small letters without accents."""
    small = unicodedata.normalize("NFKD", text.lower())
    plain = re.sub("[\u0300-\u036f\u064b-\u065f]", "", small)
    return unicodedata.normalize("NFC", plain).replace("\u0131", "i").replace("\u0142", "l")


def fold(text: str) -> str:
    """A code in small letters without accents, its words separated by one space."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return _PREFIX.sub("", re.sub(r"[\W_]+", " ", fold_letters(words)).strip())


def folded(reason: pl.Expr) -> pl.Expr:
    """`fold` for a column."""
    words = reason.str.replace_all("([a-z])([A-Z])", "$1 $2").str.to_lowercase()
    plain = (
        words.str.normalize("NFKD")
        .str.replace_all("[\u0300-\u036f\u064b-\u065f]", "")
        .str.normalize("NFC")
    )
    plain = plain.str.replace_all("\u0131", "i").str.replace_all("\u0142", "l")
    spaced = plain.str.replace_all(r"[\W_]+", " ").str.strip_chars()
    return spaced.str.replace(_PREFIX.pattern, "")


_ABSENT = (
    "nobody|no one|not at home|(recipient|addressee|receiver|consignee|customer) (is |was )?"
    "(not (available|present)|unavailable|absent)|收件人不在|无人签收|无人在家|家中无人"
)
# (pattern, status, sub-status)
SCANS: Sequence[tuple[str, str, str | None]] = (
    # the recipient was absent, and someone else accepted the parcel
    (
        "(^|[/:,.;] ?|(package|parcel|item|shipment|order) (was |has been )?)"
        f"delivered (to|with|at|in) .*({_ABSENT})|"
        f"({_ABSENT}).*[,;:.] ?(delivered|left) (to|with|at|in) ",
        "Delivered",
        "Delivered_Other",
    ),
    (_ABSENT, "DeliveryFailure", "DeliveryFailure_NoBody"),
    (
        "not delivered|delivery (attempt )?fail|unsuccessful|undeliver|attempted|"
        "投递失败|未妥投|неудачн",
        "DeliveryFailure",
        "DeliveryFailure_Other",
    ),
    (
        "customs clear[a-z]+ (is |was |has been )?complet|清关完成|放行",
        "InTransit",
        "InTransit_CustomsReleased",
    ),
    (
        "customs.*(requir|request|need|missing).*(information|document|paper)|"
        "customs.*(information|document|paper).*(requir|request|need|missing)|"
        "(海关|清关).*(补充|要求|需|缺).*(资料|信息|文件|材料)",
        "InTransit",
        "InTransit_CustomsRequiringInformation",
    ),
    ("return(ed|ing)? to|returned|退回|возврат", "Exception", "Exception_Returning"),
    ("lost|丢失|утер", "Exception", "Exception_Lost"),
    ("damage|破损", "Exception", "Exception_Damage"),
    ("cancel|取消", "Exception", "Exception_Cancel"),
    ("exception|\\bheld\\b|detain|扣关|security", "Exception", "Exception_Other"),
    (
        "out for delivery|with (the )?courier|派送中|派件|вручения курьер",
        "OutForDelivery",
        "OutForDelivery_Other",
    ),
    (
        "pick.?up point|ready for (pick|collect)|awaiting collection|available for pick|待取|自提",
        "AvailableForPickup",
        "AvailableForPickup_Other",
    ),
    ("delivered|signed|receiv(ed|er) by|妥投|签收|вручен", "Delivered", "Delivered_Other"),
    (
        "customs.*(releas|clear|complet)|(releas|clear).*customs",
        "InTransit",
        "InTransit_CustomsReleased",
    ),
    ("customs|清关|海关|тамож", "InTransit", "InTransit_CustomsProcessing"),
    (
        "order (created|received)|in preparation|electronic|information (received|sent)|awaiting|"
        "label|下单|揽收信息|创建",
        "InfoReceived",
        "InfoReceived",
    ),
    ("picked ?up|accept(ed|ance)|collected|揽收|принято", "InTransit", "InTransit_PickedUp"),
    ("arriv|到达|прибы", "InTransit", "InTransit_Arrival"),
    ("depart|left|dispatch|hand(ed)? over|离开|出发|покину", "InTransit", "InTransit_Departure"),
)


def cause_of(reason: pl.Expr, goods_received: pl.Expr) -> pl.Expr:
    """The cause by the published code, or by the words of the reason, or else by whether the buyer
    reports having the goods.

    `goods_received` is "true", "false" or null.
    """
    text = folded(reason)
    codes = causes_of_codes()
    by_code = text.replace_strict(codes, default=None, return_dtype=pl.String)
    by_words = [
        pl.when(text.str.contains(pattern)).then(pl.lit(cause))
        for pattern, cause in _groups_of_words()
    ]
    leading = reason.str.to_lowercase().str.extract(_LEADING_CODE).str.replace_all(r"\.", " ")
    by_leading = leading.replace_strict(codes, default=None, return_dtype=pl.String)
    by_goods = pl.when(goods_received == "false").then(pl.lit(NOT_RECEIVED))
    known = [pl.when(each != UNKNOWN).then(each) for each in (by_code, by_leading)]
    # a code that states no cause has no other meaning, so its words are not searched
    words = pl.when(by_code.is_null()).then(pl.coalesce(*by_words))
    return pl.coalesce(known[0], words, known[1], by_goods, pl.lit(UNKNOWN))


def status_of(words: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """(status, sub-status) of a carrier's line.

    A line that matches no pattern still shows that the parcel is moving: `InTransit`.
    """
    text = words.str.to_lowercase()
    matches = [(text.str.contains(pattern), status, sub) for pattern, status, sub in SCANS]
    status = pl.coalesce(
        *[pl.when(is_match).then(pl.lit(status)) for is_match, status, _ in matches],
        pl.lit("InTransit"),
    )
    sub = pl.coalesce(
        *[pl.when(is_match).then(pl.lit(sub)) for is_match, _, sub in matches],
        pl.lit("InTransit_Other"),
    )
    return status, sub
