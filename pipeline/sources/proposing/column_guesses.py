"""The names that shops, carriers and payment providers give their columns, as patterns for the
plain words of a name.

Sources: the public column names of the order exports of Shopify, WooCommerce, Magento, eBay, Etsy
and Amazon, of the PayPal resolution centre, and of the AliExpress order sheet (platform-rules 5.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# by table and column: patterns, the most reliable first
NAMES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "orders": {
        "order_id": (
            r"^(sales )?order (id|no|number|name|ref|reference|code)$|^订单号$",
            r"^(name|order|id|number)$",
            r"order.*(id|no|number)",
        ),
        "occurred_at": (
            r"^(created|ordered|placed|purchased?|order) ?(at|on|date|time)?( gmt| utc)?$"
            r"|^下单时间$",
            r"(order|purchase|created|placed|sale) (date|time|at|on)|date created",
            r"^date$",
        ),
        "buyer_id": (
            r"^(buyer|customer|client) (id|user id|user name|username|login)$|^买家名称$",
            r"(e mail|email)|^(buyer|customer|client)$",
            r"(buyer|customer|billing).*(name|phone)|^user id$",
        ),
        "country": (
            r"^(ship(ping)?|delivery|recipient|destination|ship to) country( code)?$|^收货国家$",
            r"^order country( code)?$",
            r"country( code)?$",
        ),
        "currency": (r"^(order |payment )?currency( code)?$", r"currency"),
        "total": (
            r"^(order )?(grand )?total( amount| price)?$|^order amount$|^订单金额$",
            r"(order|grand) total|total (paid|price|amount)|amount paid|^order value$",
            r"^(price|amount|value|revenue)$",
        ),
        "shipping": (
            r"^(order )?(shipping|postage|freight|delivery)"
            r"( cost| total| amount| price| fee| charged)?$|^物流费用$",
            r"(shipping|postage|freight).*(cost|total|amount|price|fee|charge)",
        ),
        "service": (
            r"^(shipping|delivery|shipment) (method|service|option|type|mode)( title)?$"
            r"|^买家选择物流$|^ship mode$",
            r"(shipping|delivery) (method|service)",
        ),
        "count_installments": (r"installments?$",),
    },
    "order_lines": {
        "product_id": (
            r"^((line ?)?item |product |variant |variation )?(sku|product id|asin)$|^listing id$",
            r"sku|product (card )?(id|code)|(?<!order )(?<!line )item (id|number|no)",
            r"^(line ?)?item (name|title)$|product name",
        ),
        "quantity": (
            r"^((line ?)?item |product )?(quantity|qty)( ordered| purchased)?$|^units$",
            r"quantity|qty",
        ),
        "unit_price": (
            r"^((line ?)?item |product |unit )(price|cost)$|^price( each)?$",
            r"(item|unit|product).*price",
        ),
        "line_total": (r"^((line ?)?item |line )(total|subtotal|amount)$",),
        "line_id": (r"^(line ?item|order item|line|item) (id|no|number)$",),
        "supplier_id": (r"^(vendor|supplier|manufacturer|brand)( id| name| code)?$",),
        "title": (r"^((line ?)?item |product )(name|title)$",),
    },
    "products": {
        "category": (
            r"^(product )?(category|categories|type|department)( name)?$",
            r"categor|product type",
        ),
        "title": (r"^(product )?(title|name)$",),
        "weight_g": (r"^(variant |product )?(grams|weight g|weight in g|weight grams)$",),
        "count_photos": (r"(photos|images) (count|qty)|^count photos$",),
        "supplier": (r"^(vendor|supplier|manufacturer|brand)( id| name| code)?$",),
        "occurred_at": (r"^(published|listed|created) ?(at|on|date)?$",),
    },
}
# the amounts that a total is made of, to see whether tax is on top of the lines
TOTAL_PARTS: Mapping[str, Sequence[str]] = {
    "tax": (
        r"^(order )?total (tax|vat|gst)( amount)?$",
        r"^(total )?(tax|taxes|vat|gst)( amount| total)?$",
        r"^(order )?(sales )?(tax|taxes|vat|gst)( amount| total| paid by buyer)?$",
    ),
    "subtotal": (
        r"^(order )?sub ?total( amount| price)?$",
        r"^(item|items|products?) (sub ?)?total$|^order value$|^产品总金额$",
    ),
    "shipping": NAMES["orders"]["shipping"],
    "discount": (r"^(order |cart |coupon )?discounts?( amount| total)?$",),
}
# for each kind of event: table, the constant columns, and the patterns for the time column
TIMES: Sequence[tuple[str, Mapping[str, str], Sequence[str]]] = (
    (
        "order_events",
        {"event": "paid"},
        (
            r"^paid( at| on| date)?$|^payment (date|time)$|^付款时间$|^date paid",
            r"(paid|payment).*(at|on|date|time)$",
        ),
    ),
    (
        "order_events",
        {"event": "closed"},
        (r"^(closed|cancell?ed)( at| on| date)?$", r"^确认收货时间$"),
    ),
    (
        "promises",
        {"kind": "dispatch"},
        (
            r"^(ship|dispatch|handle|post) by( date)?$|^发货期限$|latest ship date",
            r"(ship|dispatch).*(deadline|limit|due)",
        ),
    ),
    (
        "promises",
        {"kind": "delivery"},
        (
            r"(expected|estimated|promised|latest|scheduled) (delivery|arrival)( date)?|^eta$",
            r"(deliver|arriv).*(by|due|deadline|estimate|promise)",
        ),
    ),
    (
        "shipments",
        {},
        (
            r"^(shipped|fulfilled|dispatched|posted|sent)( at| on| date)?$",
            r"^(ship|shipping|dispatch|shipment|fulfillment) (date|time)\b|^发货时间$",
            r"(shipped|fulfilled|dispatched|handed).*(at|on|date)",
            # WooCommerce: the shop sets an order to "completed" when it has sent it
            r"^(date )?completed( at| on| date)?$",
        ),
    ),
    (
        "tracking",
        {"status": "Delivered"},
        (r"^(delivered|delivery)( at| on| date| time)$|^delivered$", r"delivered.*date|received"),
    ),
)
PARCEL = (r"tracking|waybill|awb|consignment|运单", r"^(parcel|shipment|package) (id|no|number)$")
CARRIER = (
    r"^(carrier|courier|shipping (company|provider)|tracking company)( name)?$",
    r"carrier|courier",
)
# a column with a number of days from the order until its delivery or dispatch
PROMISED_DAYS = (
    r"^(promised|estimated|scheduled|expected)? ?(delivery|shipping|transit|lead|handling|dispatch)"
    r" (time )?(in )?days$|^days (for|to|until) (shipment|shipping|delivery|dispatch)",
    r"(promised|estimated|scheduled|expected|max\w*) .*\bdays$",
)
NOT_PROMISED = r"\b(real|actual|late|delay\w*|since|taken)\b"
DISPATCH_DAYS = r"handling|dispatch|processing"
# the kind of a row in a file of payments, and the kinds that are disputes
ROW_KIND = (
    r"^(transaction |payment )?(type|kind|event)$",
    r"(type|kind)$",
    r"^(status|description)$",
)
DISPUTE_ROWS = r"refund|charge ?back|dispute|reversal|claim"
NO_DISPUTE_ROWS = r"\bfees?\b|hold|reserve|won\b|cancel"
DISPUTE_COLUMN = (
    r"\b(dispute|chargeback|claim) (id|no|number|reason|date|status)\b"
    r"|\b(refund|return|rma) (id|no|number|reason)\b"
)
DISPUTE_FILE = r"dispute|claim|chargeback|complaint|resolution|case|issue|refund|return|纠纷"
OPENED = (
    r"^(date |case )?(filed|opened|created|reported|open|initiated|received)( at| on| date)?$",
    r"^(dispute|case|claim) (date|opened)",
    r"(filed|opened|created|request|initiated|start)",
    r"^date$",
)
CLOSED = (
    r"^(date |case )?(closed|resolved|refunded|settled|decided|ended)( at| on| date)?$",
    r"(clos|resol|refund|settle|decid).*(at|on|date)$",
)
REASON = (r"^(case |dispute |claim |return )?reason( code| type)?$", r"reason|complaint|cause")
DISPUTE_ID = (
    r"^(case|dispute|claim|chargeback|return|rma) (id|no|number)$",
    r"(case|dispute|claim|refund|chargeback|return).*\b(id|number)",
)
AMOUNT = (
    r"^(disputed|claimed|refund(ed)?|dispute|claim|case) ?(amount|total|value)?$",
    r"amount|refund",
)
OUTCOME = (
    r"^(case |dispute |claim )?(status|outcome|result|resolution|state)$",
    r"status|outcome|result",
)
SENDER = (r"^(from|sender|author|sent by|direction|from type)$", r"(sender|author|from|direction)")
SENT = (
    r"^(sent|created|received|date|time|timestamp|message) ?(at|on|date|time)?$",
    r"(sent|created|date|time)",
)
SCORE = (r"^(rating|stars|score|review score|review rating)$", r"rating|stars")
RATED = (r"^(review(ed)?|created|date|submitted|answered) ?(at|on|date)?$", r"(review|creat|date)")
# patterns for a word of the file, and our word; the first that fits counts
STEPS: Sequence[tuple[str, str]] = (
    (r"withdr|cancel|retract", "withdrawn"),
    (r"escalat|arbitrat", "escalated"),
    (r"refund|accept|agreed|reimburs|compensat", "refunded"),
    (r"\bwon\b|\blost\b|rul(ed|ing)|decided|judg|denied", "ruled"),
)
SENDERS: Sequence[tuple[str, str]] = (
    (r"buyer|customer|client|inbound|incoming|guest", "buyer"),
    (r"seller|agent|support|shop|store|staff|outbound|outgoing|merchant|\bus\b", "seller"),
)


_CURRENCY = re.compile(r" (usd|eur|gbp|cny|jpy|cad|aud|brl|pln|inr)$")


def name_fit(words: str, patterns: Sequence[str]) -> float:
    """How well a name fits: 1.0 for the first pattern, 0.25 less for each later one; 0.0 if no
    pattern fits. A currency at the end of the name does not matter."""
    words = _CURRENCY.sub("", words)
    fits = (
        1.0 - 0.25 * position
        for position, pattern in enumerate(patterns)
        if re.search(pattern, words)
    )
    return next(fits, 0.0)


def currency_of_name(words: str) -> str:
    """The currency at the end of a column's name, such as USD of `price usd`; empty without one."""
    match = _CURRENCY.search(words)
    return match[1].upper() if match else ""


def our_word(value: str, rules: Sequence[tuple[str, str]]) -> str:
    """Our word for a value; empty if no rule fits."""
    return next((word for pattern, word in rules if re.search(pattern, value.lower())), "")
