"""Signatures against the examples of the platform's own pages, and against public SDKs written down
here in their own way."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.openplatform.signatures import HMAC_MD5, MD5, SHA256, signature

SECRET = "helloworld"
GATEWAY = {"app_key": "123456", "sign_method": "sha256", "timestamp": "1517820392000"}
ROUTER = {
    "method": "taobao.item.seller.get",
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        (
            # the page on system methods
            "/auth/token/create",
            {**GATEWAY, "app_key": "12345678", "code": "3_500102_JxZ05Ux3cnnSSUm6dCxYg6Q26"},
            "35607762342831B6A417A0DED84B79C05FEFBF116969C48AD6DC00279A9F4D81",
        ),
        (
            # the page on business methods: the method is a parameter
            "",
            {
                **GATEWAY,
                "method": "aliexpress.logistics.redefining.getonlinelogisticsinfo",
                "access_token": "test",
                "aliexpress_category_id": "200135143",
            },
            "F7F7926B67316C9D1E8E15F7E66940ED3059B1638C497D77973F30046EFB5BBB",
        ),
        (
            # the page "HTTP request sample", with the path of its original
            "/order/get",
            {**GATEWAY, "access_token": "test", "order_id": "1234"},
            "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
        ),
    ],
)
def test_published_examples_of_the_gateway(
    path: str, parameters: dict[str, str], expected: str
) -> None:
    assert signature(SECRET, parameters, SHA256, path) == expected


def test_the_published_example_of_the_router() -> None:
    parameters = {**ROUTER, "sign_method": "md5"}
    assert signature(SECRET, parameters, MD5) == "66987CB115214E59E6EC978214934FB8"


def test_hmac_md5_as_in_rfc_2202() -> None:
    assert signature("\x0b" * 16, {"Hi": " There"}, HMAC_MD5) == "9294727A3638BB1C13F48EF8158BFC9D"


def as_the_gateways_sdk_does(secret: str, api: str, parameters: dict[str, str]) -> str:
    """The way of the platform's SDK for Python: a slash in the name means a path."""
    joined = "".join(f"{key}{parameters[key]}" for key in sorted(parameters))
    text = f"{api}{joined}" if "/" in api else joined
    digest = hmac.new(secret.encode("utf-8"), text.encode("utf-8"), digestmod=hashlib.sha256)
    return digest.hexdigest().upper()


def as_the_routers_sdk_does(secret: str, parameters: dict[str, str]) -> str:
    """The way of the SDK of the older router: the secret around the pairs."""
    keys = list(parameters.keys())
    keys.sort()
    text = secret + "".join(f"{key}{parameters[key]}" for key in keys) + secret
    return hashlib.md5(text.encode("utf-8")).hexdigest().upper()


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PARAMETERS = st.dictionaries(WORDS.filter(lambda word: word != "sign"), WORDS, max_size=8)


@given(secret=WORDS, parameters=PARAMETERS, path=st.sampled_from(["", "/auth/token/refresh"]))
def test_equal_to_public_sdks(secret: str, parameters: dict[str, str], path: str) -> None:
    gateway = as_the_gateways_sdk_does(secret, path or "a.method", parameters)
    assert signature(secret, {**parameters, "sign": "x"}, SHA256, path) == gateway
    assert signature(secret, parameters, MD5) == as_the_routers_sdk_does(secret, parameters)


def test_an_unknown_way_to_sign_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown"):
        signature(SECRET, {}, "sha1")
