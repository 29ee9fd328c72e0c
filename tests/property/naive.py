"""The oracle: the facts of each order and its entities, computed by plain loops over the tables.

It shares no code with the program.
"""

from __future__ import annotations

from collections import defaultdict

TRANSIT_DAYS = (4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 40, 50, 65, 90)
GAP_DAYS = (0.5, 1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30)
DAY = 86_400
# days without news, and the lowest level of each leg
QUIET_DAYS = (3, 6, 10, 16, 25)
LEG_LEVELS = (0, 3, 5)
LEVELS = {
    "InfoReceived": 1,
    "InTransit_PickedUp": 2,
    "InTransit_Departure": 3,
    "InTransit_Arrival": 4,
    "InTransit_CustomsReleased": 5,
}
SPOKEN = {
    "en": "US CA GB IE AU NZ IN ZA",
    "pt": "BR PT",
    "es": "ES MX CL AR CO PE",
    "fr": "FR BE",
    "de": "CH DE AT",
    "it": "IT",
    "nl": "NL",
    "pl": "PL",
    "cs": "CZ",
    "sv": "SE",
    "no": "NO",
    "uk": "UA",
    "ru": "RU BY KZ",
    "tr": "TR",
    "ar": "SA AE EG MA",
    "he": "IL",
    "ko": "KR",
    "ja": "JP",
    "zh": "CN",
}
LANGUAGE = {
    country: language for language, countries in SPOKEN.items() for country in countries.split()
}

Rows = list[dict]
Facts = list[tuple[int, int]]  # (day known, number)


class Order:
    """One order with its facts.

    `member` has, for each entity, its values and the day on which the order was known to belong to
    each. `learned` has the facts of each measure.
    """

    def __init__(
        self, row: dict, own: dict[str, Rows], products: dict[str, dict], first_of_buyer: int
    ) -> None:
        self.row, self.own, self.products = row, own, products
        self.day = row["known_day"]
        self.member: dict[str, dict[str, int]] = {
            e: {row[e]: 0} for e in ("lane", "buyer_id", "country", "store_id")
        }
        self.member["service"] = {row["lane"].split(">")[0]: 0}
        self.member["language"] = (
            {LANGUAGE[row["country"]]: 0} if row["country"] in LANGUAGE else {}
        )
        for line in own["order_lines"]:
            product = products[line["product_id"]]
            for entity, value, day in (
                ("product_id", line["product_id"], line["known_day"]),
                ("supplier_id", line["supplier_id"], line["known_day"]),
                ("category", product["category"], max(line["known_day"], product["known_day"])),
            ):
                days = self.member.setdefault(entity, {})
                days[value] = min(days.get(value, 10**6), day)
        self.learned: dict[str, Facts] = defaultdict(list)
        if self.day != first_of_buyer:
            self.add("count_returning", self.day)
        self.add_ends()
        self.add_transport()
        self.add_sent(self.learned["count_open"][1:])
        self.add_silences()
        self.add_messages()

    def add(self, measure: str, day: int, number: int = 1) -> None:
        self.learned[measure].append((max(day, self.day), number))

    def first(self, table: str, value: str = "known_day", **match: str) -> dict | None:
        """The fact with the first `known_at`; ties by `occurred_at`, then by the smaller value."""
        matches = [r for r in self.own[table] if all(r[k] == v for k, v in match.items())]
        return min(matches, key=lambda r: (r["known_at"], r["occurred_at"], r[value]), default=None)

    def add_ends(self) -> None:
        opened = self.first("disputes", "cause", step="opened")
        delivered = [r["known_day"] for r in self.own["tracking"] if r["status"] == "Delivered"]
        closings = [
            r["known_day"]
            for r in self.own["order_events"]
            if r["event"] in ("closed", "outcome_observed")
        ]
        promises = [r for r in self.own["promises"] if r["kind"] == "delivery"]
        promise = min(
            promises, key=lambda r: (r["known_at"], r["promised_at"], r["promise_id"]), default=None
        )
        ends = list(closings)
        promise_end = max(promise["promised_day"] + 60, promise["known_day"]) if promise else None
        life_end = max(self.row["occurred_day"] + 120, self.day)
        if promise is None or promise["known_day"] > life_end:
            promise_end = life_end
        if delivered and min(delivered) <= promise_end:
            ends.append(min(delivered) + 15)
        else:
            ends.append(promise_end)
        sent = [r["known_day"] for t in ("shipments", "tracking") for r in self.own[t]]
        ends += [
            r["known_day"]
            for r in self.own["disputes"]
            if r["step"] == "refunded"
            and (r["amount_usd"] is None or r["amount_usd"] >= 0.99 * self.row["total_usd"])
            and not (sent and min(sent) <= r["known_day"])
        ]
        ends += [opened["known_day"]] if opened else []
        self.add("count_orders", self.day)
        self.add("count_open", self.day)
        self.add("count_unsent", self.day)
        if ends:
            self.add("count_open", min(ends), -1)
            self.add("count_outcomes", min(ends))
        if opened:
            self.add("count_disputes", opened["known_day"])
            self.add("sum_dispute_seconds", opened["known_day"], seconds(self.row, opened))
            self.add(f"count_{opened['cause']}", opened["known_day"])
        if refund := self.first("disputes", "amount_usd", step="refunded"):
            self.add("count_refunded", refund["known_day"])
            self.add("sum_refund_cents", refund["known_day"], round(refund["amount_usd"] * 100))
        if withdrawn := self.first("disputes", step="withdrawn"):
            self.add("count_withdrawn", withdrawn["known_day"])
        if review := self.first("reviews", "score"):
            self.add("count_reviews", review["known_day"])
            self.add("sum_star_hundredths", review["known_day"], round(review["score"] * 100))
        if exception := self.first("tracking", status="Exception"):
            self.add("count_exceptions", exception["known_day"])

    def add_transport(self) -> None:
        moving = [
            r for r in self.own["tracking"] if r["status"] not in ("NotFound", "InfoReceived")
        ]
        shipped = min(
            self.own["shipments"] + moving,
            key=lambda r: (r["known_at"], r["occurred_at"]),
            default=None,
        )
        delivered = self.first("tracking", status="Delivered")
        ship_by, promise = self.first_promise("dispatch"), self.first_promise("delivery")
        if shipped:
            self.add("count_shipped", shipped["known_day"])
            self.add("sum_handling_seconds", shipped["known_day"], seconds(self.row, shipped))
            if ship_by and ship_by["known_day"] <= shipped["known_day"]:
                self.add(
                    "count_shipped_late",
                    shipped["known_day"],
                    int(shipped["occurred_at"] > ship_by["promised_at"]),
                )
        if delivered and shipped:
            took = seconds(shipped, delivered)
            self.add("count_delivered", delivered["known_day"])
            self.add("sum_transit_seconds", delivered["known_day"], took)
            self.add(
                f"count_transit_bin{sum(took > edge * DAY for edge in TRANSIT_DAYS)}",
                delivered["known_day"],
            )
        if delivered and promise and delivered["occurred_at"] > promise["promised_at"]:
            self.add("count_late", max(delivered["known_day"], promise["known_day"]))
        last, known_scans = None, set()
        news = [
            (r["known_at"], r["occurred_at"], is_scan, r)
            for is_scan, table in ((False, "shipments"), (True, "tracking"))
            for r in self.own[table]
        ]
        for known_at, occurred_at, is_scan, row in sorted(news, key=lambda n: n[:3]):
            if is_scan and occurred_at not in known_scans and last is not None:
                days = (known_at - last).total_seconds() / DAY
                self.add("count_scans", row["known_day"])
                self.add(f"count_gap_bin{sum(days > edge for edge in GAP_DAYS)}", row["known_day"])
            known_scans.add(occurred_at)
            last = known_at

    def add_sent(self, ended: Facts) -> None:
        """An order no longer waits for shipping when it is shipped or when it ends."""
        days = [day for day, _ in [*self.learned["count_shipped"], *ended]]
        if days:
            self.add("count_unsent", min(days), -1)
        if released := self.first("tracking", sub_status="InTransit_CustomsReleased"):
            self.add("count_released", released["known_day"])
        scans = [r["known_day"] for r in self.own["tracking"] if r["status"] != "Delivered"]
        if scans:
            self.add("count_followed", min(scans))

    def add_silences(self) -> None:
        """Walk through the nights: on which was the parcel quiet for how long, and what came?"""
        arrival = min(
            (r["known_day"] for r in self.own["tracking"] if r["status"] == "Delivered"),
            default=10**6,
        )
        news = [r["known_day"] for t in ("shipments", "tracking") for r in self.own[t]]
        nights = range(min(news) + 1, min(max(news) + 30, arrival + 1)) if news else ()
        for night in nights:
            last = max(day for day in news if day < night)
            if night - last not in QUIET_DAYS:
                continue
            level = max(
                LEVELS.get(r["sub_status"], LEVELS.get(r["status"], 0))
                for r in self.own["tracking"]
                + [{"known_day": last, "status": "", "sub_status": ""}]
                if r["known_day"] < night
            )
            leg = sum(level >= lowest for lowest in LEG_LEVELS) - 1
            cell = leg * len(QUIET_DAYS) + QUIET_DAYS.index(night - last)
            was_heard = any(night <= day < night + 7 for day in news)
            self.add(f"count_quiet_cell{cell}", night + 6)
            self.add(f"count_heard_cell{cell}", night + 6, int(was_heard))
            self.add(f"count_waited_cell{cell}", night + 29)
            self.add(f"count_arrived_cell{cell}", night + 29, int(night <= arrival < night + 30))

    def first_promise(self, kind: str) -> dict | None:
        promises = [r for r in self.own["promises"] if r["kind"] == kind]
        return min(promises, key=lambda r: (r["known_at"], r["promised_at"]), default=None)

    def add_messages(self) -> None:
        for asked in (m for m in self.own["messages"] if m["sender"] == "buyer"):
            self.add("count_questions", asked["known_day"])
            answers = [
                m
                for m in self.own["messages"]
                if m["sender"] == "seller" and seconds(asked, m) >= 0
            ]
            if answers:
                answer = min(answers, key=lambda m: (m["known_at"], seconds(asked, m)))
                day = max(answer["known_day"], asked["known_day"])
                self.add("count_replies", day)
                self.add("sum_reply_seconds", day, seconds(asked, answer))

    def facts(self, measure: str, entity: str, value: str) -> Facts:
        """The facts that count for the entity, from the day its membership is known."""
        if measure not in ("count_lines", "sum_price_cents"):
            return [
                (max(day, self.member[entity][value]), number)
                for day, number in self.learned[measure]
            ]
        facts = []
        for line in self.own["order_lines"]:
            product, cents = self.products[line["product_id"]], round(line["unit_price_usd"] * 100)
            of_category = entity == "category"
            if (product["category"] if of_category else line["product_id"]) == value:
                day = (
                    max(line["known_day"], product["known_day"])
                    if of_category
                    else line["known_day"]
                )
                facts.append((day, 1 if measure == "count_lines" else cents))
        return facts


def seconds(earlier: dict, later: dict) -> int:
    return int((later["occurred_at"] - earlier["occurred_at"]).total_seconds())


def read_worlds(tables: dict[str, Rows]) -> dict[str, list[Order]]:
    """Store -> its orders. `tables` are lists of rows with `known_day`."""
    products = {row["product_id"]: row for row in tables["products"]}
    own: dict[str, dict[str, Rows]] = defaultdict(lambda: defaultdict(list))
    for name, rows in tables.items():
        for row in rows if name not in ("orders", "products") else ():
            own[row["order_id"]][name].append(row)
    first_of_buyer: dict[str, int] = {}
    for row in tables["orders"]:
        first_of_buyer[row["buyer_id"]] = min(
            first_of_buyer.get(row["buyer_id"], 10**6), row["known_day"]
        )
    worlds: dict[str, list[Order]] = defaultdict(list)
    for row in tables["orders"]:
        order = Order(row, own[row["order_id"]], products, first_of_buyer[row["buyer_id"]])
        worlds[row["store_id"]].append(order)
    return worlds
