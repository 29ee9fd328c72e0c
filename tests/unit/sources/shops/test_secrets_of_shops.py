"""No secret of a shop reaches a log, a message, an answer that is kept, or a table."""

from __future__ import annotations

import logging
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.load.pulling.pull import pull_platforms
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, PullFailed
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.unit.sources.exports.export_truth import Order
from tests.unit.sources.shops import fake_paypal
from tests.unit.sources.shops.conftest import SECRETS
from tests.unit.sources.shops.fake_paypal import FakePaypal
from tests.unit.sources.shops.fake_service import serving
from tests.unit.sources.shops.fake_shopify import FakeShopify
from tests.unit.sources.shops.fake_stripe import FakeStripe
from tests.unit.sources.shops.fake_woocommerce import FakeWoo

FAST = "first_wait_seconds = 0.0\nrequests_per_second = 1000.0\nattempts = 2\n"
SHOPIFY = """[pull.shopify.main]
url = "{url}"
access_token = {{ env = "SHOPIFY_TOKEN" }}
result_hosts = ["localhost"]
poll_seconds = 0.0
"""
STRIPE = """[pull.stripe.main]
url = "{url}"
api_key = {{ env = "STRIPE_KEY" }}
"""
WOO = """[pull.woocommerce.main]
url = "{url}"
consumer_key = {{ env = "WOO_KEY" }}
consumer_secret = {{ env = "WOO_SECRET" }}
"""
PAYPAL = f"""[pull.paypal.main]
url = "{{url}}"
client_id = "{fake_paypal.CLIENT_ID}"
client_secret = {{{{ env = "PAYPAL_SECRET" }}}}
"""
PAIRS = [(FakeShopify, SHOPIFY, FakeStripe, STRIPE), (FakeWoo, WOO, FakePaypal, PAYPAL)]


@pytest.mark.parametrize("pair", PAIRS, ids=["Shopify and Stripe", "WooCommerce and PayPal"])
def test_make_pull_leaves_no_secret(
    pair: tuple[type, str, type, str],
    tmp_path: Path,
    stripe_orders: list[Order],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also not while services fail and repeat the secrets in answers and errors."""
    caplog.set_level(logging.INFO)
    now = datetime(2026, 10, 1, tzinfo=UTC)
    shop_kind, shop_section, account_kind, account_section = pair
    with (
        serving(shop_kind(stripe_orders, now, share=0.2, is_echoing=True)) as shop,
        serving(account_kind(stripe_orders, now, share=0.2, is_echoing=True)) as account,
    ):
        sections = ((shop_section, shop.url), (account_section, account.url))
        text = "".join(each.format(url=url) + FAST for each, url in sections)
        (tmp_path / "config.toml").write_text(text)
        messages = []
        for _ in range(3):
            try:
                pull_platforms(Workspace(tmp_path), load_config(tmp_path), Progress())
            except PullFailed as failure:
                messages.append(str(failure))
        assert shop.faults.total() + account.faults.total() > 3
    sent = {part for each in (*shop.headers, *account.headers) for part in secret_parts(each)}
    secrets = {*sent, *SECRETS.values(), "s1gned"} - {""}
    captured = capfd.readouterr()
    output = captured.out + captured.err + "".join(messages) + caplog.text
    assert "answers kept" in output
    assert not [secret for secret in secrets if secret in output]
    leaking = [
        path.name
        for path in tmp_path.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    ]
    assert leaking == []
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    assert "[secret]" in kept
    for state in (tmp_path / "pull").glob("*/*"):
        assert stat.S_IMODE(state.stat().st_mode) == 0o700


def secret_parts(headers: dict[str, str]) -> set[str]:
    token = headers.get("x-shopify-access-token", "")
    return {token, headers.get("authorization", "").partition(" ")[2]}


@pytest.mark.parametrize(
    ("section", "change", "match"),
    [
        (SHOPIFY, 'client_secret = "shpss_secret-of-the-app"', "client_secret"),
        (SHOPIFY, 'url = "http://corner.myshopify.com"', "https"),
        (SHOPIFY, 'client_id = "abc"', "client_id and client_secret go together"),
        (STRIPE, 'api_key = "rk_live_51-secret-of-the-account"', "api_key"),
        (WOO, 'url = "https://shop.example/?consumer_secret=cs_secret"', "must not contain"),
        (PAYPAL, "history_days = 400", "history_days"),
        (WOO + SHOPIFY, "", "a workspace for each"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_and_its_value_not_shown(
    section: str, change: str, match: str, tmp_path: Path
) -> None:
    name = change.split(" ")[0]
    lines = section.format(url="https://shop.example").splitlines()
    kept = [line for line in lines if not name or not line.startswith(f"{name} ")]
    (tmp_path / "config.toml").write_text("\n".join([*kept, change]))
    with pytest.raises(BadInput, match=match) as error:
        load_config(tmp_path)
    assert "secret-of" not in str(error.value)
    assert "cs_secret" not in str(error.value)
