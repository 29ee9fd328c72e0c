"""The sentences that say what a verdict on a product rests on.

A reason is some of them, joined by `SEPARATOR`. Each is a template for `polars.format`: its values
are `{}`, in the order of the text. A page finds the id of a sentence by its text, see `PATTERNS`.
"""

from __future__ import annotations

import re

from features.sentence import sentence

SEPARATOR = "; "
NO_DISPUTES = sentence(
    "why.no_disputes",
    "no dispute is on record in the lookback, so nothing is known: load the disputes, then review",
)
COUNTS = sentence(
    "why.counts",
    "{disputes} disputes in {orders} orders ({matured} matured)",
    disputes="{}",
    orders="{}",
    matured="{}",
)
RATE = sentence(
    "why.rate", "rate {rate} % (90 % interval {low} to {high})", rate="{}", low="{}", high="{}"
)
CHANCE = sentence(
    "why.chance", "{chance} % likely to be over the limit of {limit} %", chance="{}", limit="{}"
)
LANES = sentence("why.lanes", "its lanes multiply its disputes by {times}", times="{}")
ELSEWHERE = sentence("why.elsewhere", "on average lanes its rate would be {rate} %", rate="{}")
OF_SUPPLIER = sentence(
    "why.supplier",
    "its supplier's other products are disputed {times} times as often as usual",
    times="{}",
)
OWN = sentence(
    "why.own",
    "even on average lanes its rate would be {rate} %, {times} times the store's",
    rate="{}",
    times="{}",
)
LOSS = sentence("why.loss", "after the cost of disputes, 100 units lose {amount} USD", amount="{}")
DESCRIBED = sentence(
    "why.described", "{disputes} disputes say the goods are not as described", disputes="{}"
)
NO_REASONS = sentence("why.no_reasons", "the reasons for the disputes are not on record")
BUYERS = sentence(
    "why.buyers", "its buyers and months multiply its disputes by {times}", times="{}"
)
NOT_THE_GOODS = sentence("why.not_the_goods", "the goods are not the cause")
UNMATURED = sentence("why.unmatured", "no matured orders: this is the rate of its family")
PROBABLY = sentence("why.probably", "probably over the limit, but too few orders to be sure")
MAYBE = sentence("why.maybe", "may be over the limit, so watch it")
NO_SIGN = sentence("why.no_sign", "no sign of a problem")
NOT_AS_BEFORE = sentence("why.not_as_before", "not over the limit on the whole, but not as before")
WATCH = sentence("why.watch", "not over the limit, so watch it")
ROSE = sentence(
    "why.rose",
    "its rate rose about {day}: {disputes} disputes in the orders of the last 90 days, where its "
    "rate of the whole period gives {expected}",
    day="{}",
    disputes="{}",
    expected="{}",
)
MAY_HAVE_RISEN = sentence(
    "why.may_have_risen",
    "its rate may have risen about {day}: {disputes} disputes in the orders of the last 90 days, "
    "where its rate of the whole period gives {expected}",
    day="{}",
    disputes="{}",
    expected="{}",
)
SUPPLIER_ROSE = sentence("why.supplier_rose", "its supplier's rate rose about {day}", day="{}")
SUPPLIER_MAY_HAVE_RISEN = sentence(
    "why.supplier_may_have_risen", "its supplier's rate may have risen about {day}", day="{}"
)

REASONS = (
    NO_DISPUTES,
    COUNTS,
    RATE,
    CHANCE,
    LANES,
    ELSEWHERE,
    OF_SUPPLIER,
    OWN,
    LOSS,
    DESCRIBED,
    NO_REASONS,
    BUYERS,
    NOT_THE_GOODS,
    UNMATURED,
    PROBABLY,
    MAYBE,
    NO_SIGN,
    NOT_AS_BEFORE,
    WATCH,
    ROSE,
    MAY_HAVE_RISEN,
    SUPPLIER_ROSE,
    SUPPLIER_MAY_HAVE_RISEN,
)
# (id, pattern of the text, names of its values in the order of the text)
PATTERNS = [
    (reason.id, f"^{re.escape(reason).replace(re.escape('{}'), '(.+?)')}$", list(reason.values))
    for reason in REASONS
]
