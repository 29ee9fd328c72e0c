"""Map phrases to this program's vocabulary: reasons of disputes and carriers' tracking lines.

Reasons: the strings known from sellers' programs (platform-rules S5, S15, S20) and common English
phrases. A reason in none of the lists is `unknown`; these are counted and reported. Carriers'
lines are free text; the first pattern that matches gives the status, in the vocabulary of 17TRACK.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

NOT_RECEIVED, NOT_AS_DESCRIBED, OTHER, UNKNOWN = (
    "not_received",
    "not_as_described",
    "other",
    "unknown",
)
# (pattern, cause): searched in the lower-case text, the first match counts
REASONS: Sequence[tuple[str, str]] = (
    ("运单号无法查询|货物仍然在运输|运输途中|限时达超时|海关扣关|发错地址", NOT_RECEIVED),
    ("物流退回|包裹丢失|物流方式不一致|未收到", NOT_RECEIVED),
    (
        "not? receiv|didn.?t receive|did not receive|haven.?t received|never (arriv|received)|"
        "in transit|tracking number|customs|wrong address|returned|package (is |was )?lost|"
        "lost (package|parcel)|shipping method|delivery time|"
        "не получен|no recibid|não receb|nao receb",
        NOT_RECEIVED,
    ),
    ("下错单|我不需要|不想要|我找到更便宜的|更便宜", OTHER),
    (
        "no longer (want|need)|don.?t (want|need)|ordered (wrong|by mistake)|wrong order|cheaper|"
        "changed my mind",
        OTHER,
    ),
    # payment providers' reasons that concern neither the parcel nor the goods
    (
        "unauthori[sz]ed|fraud|not recogni[sz]ed|duplicate|charged twice|incorrect amount|"
        "credit not processed|paid by other means|payment by other means",
        OTHER,
    ),
    (
        "描述不符|货不对版|质量|破损|损坏|短装|少件|假货|仿品|侵权|颜色|尺码|尺寸|材质|款式",
        NOT_AS_DESCRIBED,
    ),
    (
        "not as described|differ|quality|damage|broken|defect|short|missing|counterfeit|fake|"
        "replica|wrong item|size|colou?r|does ?n.?t (work|fit)|not work",
        NOT_AS_DESCRIBED,
    ),
)
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
    """The cause by the words of the reason, or else by whether the buyer reports having the goods.

    `goods_received` is "true", "false" or null.
    """
    text = reason.str.to_lowercase()
    by_words = [
        pl.when(text.str.contains(pattern)).then(pl.lit(cause)) for pattern, cause in REASONS
    ]
    by_goods = pl.when(goods_received == "false").then(pl.lit(NOT_RECEIVED))
    return pl.coalesce(*by_words, by_goods, pl.lit(UNKNOWN))


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
