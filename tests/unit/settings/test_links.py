"""Links are https addresses whose host no value can change."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput
from pipeline.settings.link_settings import LONGEST, PRESETS, Links, filled

SHOP = "https://shop.example/orders?id={order_id}&buyer={buyer_id}"


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("http://shop.example/{order_id}", "must begin with https://"),
        ("javascript:alert({order_id})", "must begin with https://"),
        ("https:///orders/{order_id}", "must begin with https://"),
        ("https://shop@evil.example/{order_id}", "without a user name"),
        ("https://{order_id}.example/", "must not have a placeholder in the host name"),
        ("https://shop.example/{buyer_name}", "{buyer_name}; allowed: {order_id}"),
        ("https://shop.example/{order_id!r}", "allowed: {order_id}"),
        ("https://shop.example/{order_id:>99}", "allowed: {order_id}"),
        ("https://shop.example/{}", "allowed: {order_id}"),
        ("https://shop.example/{order_id", "is not a URL template"),
        ("https://shop.example/ {order_id}", "spaces or control characters"),
        ("=HYPERLINK(1)", "must begin with https://"),
        ("aliexpres", "must begin with https://"),
    ],
)
def test_a_wrong_template_is_refused_with_the_setting_and_the_reason(
    tmp_path: Path, template: str, says: str
) -> None:
    (tmp_path / "config.toml").write_text(f"[links]\norder = '{template}'\n")
    with pytest.raises(BadInput) as refused:
        load_config(tmp_path)
    assert "links.order" in str(refused.value)
    assert says in str(refused.value)


def test_presets_and_links_of_one_store(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[links]\norder = "aliexpress"\nthread = "aliexpress"\n'
        f'[links.stores.eu]\norder = "{SHOP}"\nparcel = ""\n'
    )
    links = load_config(tmp_path).links
    values = {"order_id": "81 2/é", "buyer_id": "b&1", "tracking_number": "RX1"}
    assert links.of_store("cn").of(values) == {
        "order_url": "https://gsp.aliexpress.com/m_apps/order-manage/orderDetail"
        "?orderId=81%202%2F%C3%A9",
        "thread_url": PRESETS["thread"]["aliexpress"],
        "parcel_url": "https://t.17track.net/en#nums=RX1",
    }
    assert links.of_store("eu").of(values) == {
        "order_url": "https://shop.example/orders?id=81%202%2F%C3%A9&buyer=b%261",
        "thread_url": None,
        "parcel_url": None,
    }


def test_a_link_lacks_no_value_and_is_not_too_long() -> None:
    assert filled(SHOP, {"order_id": "1", "buyer_id": None}) is None
    assert filled(SHOP, {"order_id": "1", "buyer_id": ""}) is None
    assert filled(SHOP, {"order_id": "x" * LONGEST, "buyer_id": "1"}) is None
    assert Links().of({"order_id": "1", "tracking_number": None})["parcel_url"] is None


@given(order=st.text(min_size=1, max_size=40), buyer=st.text(min_size=1, max_size=40))
def test_no_value_changes_the_address(order: str, buyer: str) -> None:
    """Whatever an id contains, host, path and fields stay, and the fields have the values."""
    address = filled(SHOP, {"order_id": order, "buyer_id": buyer})
    assert address is not None
    assert address.isascii()
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "shop.example", "/orders")
    assert parts.fragment == ""
    assert parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) == {
        "id": [order],
        "buyer": [buyer],
    }
