"""From an empty workspace to tonight's list, with shops and payment providers on this machine that
fail: Shopify with Stripe, WooCommerce with PayPal. Prints seconds, faults, kills, and how many
questions a person answers.

PYTHONPATH=. python tests/bench/shop_pull.py [ORDERS] [KILLS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import polars as pl

from pipeline.settings.config import load_config
from pipeline.sources.shops.export_tables import ShopTables
from tests.unit.sources.exports.export_oracle import EUR
from tests.unit.sources.exports.export_truth import Order, made_orders
from tests.unit.sources.shops import fake_paypal
from tests.unit.sources.shops.conftest import SECRETS
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import FakeService, serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

PAIRS: tuple[tuple[str, dict[str, type[FakeService]]], ...] = (
    ("stripe", {"shopify": FakeShopify, "stripe": FakeStripe}),
    ("paypal", {"woocommerce": FakeWoo, "paypal": FakePaypal}),
)
# what a person answers for each service: its address if it has one, where to keep secrets, the
# secrets, and the currency of a shop
ANSWERS = {
    "shopify": ["URL", "file", SECRETS["SHOPIFY_TOKEN"], f"EUR {EUR}"],
    "stripe": ["file", SECRETS["STRIPE_KEY"]],
    "woocommerce": ["URL", "file", SECRETS["WOO_KEY"], SECRETS["WOO_SECRET"], f"EUR {EUR}"],
    "paypal": [fake_paypal.CLIENT_ID, "file", SECRETS["PAYPAL_SECRET"]],
}
# so that the waits of this run are not counted as the program's
HURRY = "first_wait_seconds = 0.05\nrequests_per_second = 1000.0\n"
RESULTS = {"shopify": 'result_hosts = ["localhost"]\npoll_seconds = 0.1\n'}
MOST_RUNS = 200


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def shop_orders(count: int, reasons: str) -> list[Order]:
    """The orders of the last 60 days until today."""
    orders = made_orders(Random(reasons), count, "Europe/Berlin", reasons)
    shift = datetime.now(UTC) - timedelta(days=61) - orders[0].placed
    shift = timedelta(days=shift.days)
    for order in orders:
        order.placed, order.paid = order.placed + shift, order.paid + shift
        order.shipped = order.shipped + shift if order.shipped else None
        order.disputed = order.disputed + shift if order.disputed else None
    return orders


def connected(folder: Path, services: dict[str, FakeService]) -> tuple[float, int]:
    """Connect the services by answering the questions: seconds and questions."""
    seconds, count = 0.0, 0
    for kind, service in services.items():
        answers = [kind, *ANSWERS[kind]]
        arguments = ["connect", "--workspace", folder]
        if "URL" in answers:
            answers[answers.index("URL")] = service.url
        else:
            # a person keeps the address of the provider; it is not asked for
            arguments += ["--answer", f"url={service.url}"]
        took, code, output = step(*arguments, typed="".join(f"{text}\n" for text in answers))
        if code or f"{len(answers)} questions answered" not in " ".join(output.split()):
            raise SystemExit(f"not connected: {output}")
        seconds, count = seconds + took, count + len(answers)
        config = folder / "config.toml"
        section = f"[pull.{kind}.main]\n"
        hurried = section + HURRY + RESULTS.get(kind, "")
        config.write_text(config.read_text().replace(section, hurried))
    return seconds, count


def step(
    *arguments: object, is_killed: Callable[[], bool] | None = None, typed: str = ""
) -> tuple[float, int | None, str]:
    """Run a step in its own process: seconds, exit code (None: killed) and output. It is killed as
    soon as `is_killed` says so."""
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    env = {**os.environ, **SECRETS, "NO_PROXY": "127.0.0.1,localhost"}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as answers:
        answers.write(typed)
        answers.seek(0)
        process = subprocess.Popen(command, stdin=answers, stdout=output, stderr=output, env=env)
        code: int | None = None
        while code is None:
            try:
                code = process.wait(0.005 if is_killed else None)
            except subprocess.TimeoutExpired:
                if is_killed is not None and is_killed():
                    process.kill()
                    process.wait()
                    break
        output.seek(0)
        return time.perf_counter() - started, code, output.read()


def pulled(folder: Path, services: Iterable[FakeService], kills: int) -> tuple[float, int, int]:
    """Pull until nothing is left: seconds, runs and kills, each after a few requests."""
    seconds, count_kills, draw = 0.0, 0, Random(3)
    for count in range(1, MOST_RUNS):
        most = sum(each.requests.total() for each in services) + draw.randint(1, 15)
        is_killed = partial(has_asked, services, most) if count_kills < kills else None
        took, code, output = step("pull", "--workspace", folder, is_killed=is_killed)
        seconds += took
        count_kills += code is None
        if code == 0 and " left for the next run" not in output and count_kills >= kills:
            return seconds, count, count_kills
    raise SystemExit(f"never done: {output}")


def has_asked(services: Iterable[FakeService], most: int) -> bool:
    return sum(each.requests.total() for each in services) >= most


def show(reasons: str, kinds: dict[str, type[FakeService]], count: int, kills: int) -> None:
    orders = shop_orders(count, reasons)
    now = datetime.now(UTC)
    tables = {}
    for share, name in ((0.0, "without faults"), (0.05, f"5 % faults, {kills} kills")):
        with tempfile.TemporaryDirectory() as folder:
            services = {kind: fake(orders, now, share=share) for kind, fake in kinds.items()}
            first, second = services.values()
            with serving(first), serving(second):
                for fake in services.values():
                    if isinstance(fake, FakePaypal | FakeStripe):
                        fake.page_size = 100
                    if isinstance(fake, FakeShopify):
                        fake.has_payments = False
                workspace = Path(folder) / "shop"
                workspace.mkdir()
                took, questions = connected(workspace, services)
                say(f"{' + '.join(kinds)}: connected in {took:.0f} s, {questions} questions")
                seconds, runs, killed = pulled(workspace, services.values(), kills if share else 0)
            requests = sum(each.requests.total() for each in services.values())
            faults = sum(fake.faults.total() for fake in services.values())
            size = sum(path.stat().st_size for path in (workspace / "pulled").rglob("*"))
            say(
                f"{' + '.join(kinds)}, {name}: {count:,} orders pulled in {seconds:.0f} s, {runs} "
                f"runs, {killed} kills, {requests:,} requests, {faults} faults, "
                f"{size / 1e6:.1f} MB kept"
            )
            read = ShopTables(workspace, load_config(workspace).pull).tables
            tables[share] = {table.file: sorted(map(str, rows)) for table, rows in read}
            if not share:
                nightly(workspace)
    say(f"  tables with faults equal those without: {tables[0.0] == tables[0.05]}")


def nightly(workspace: Path) -> None:
    took, code, output = step(
        "nightly", "--workspace", workspace, "--no-pull", "--as-of", f"{datetime.now(UTC):%Y-%m-%d}"
    )
    listed = next(iter(sorted(workspace.glob("runs/*/*/contact_list.csv"))), None)
    height = pl.read_csv(listed, infer_schema=False).height if listed else 0
    say(
        f"  list of tonight: {height} orders in {took:.0f} s, exit code {code}; nothing was "
        "written by hand"
    )
    if code:
        say(output)


if __name__ == "__main__":
    counts = [int(text) for text in sys.argv[1:]]
    for reasons, kinds in PAIRS:
        show(reasons, kinds, *(counts + [1_500, 10][len(counts) :]))
