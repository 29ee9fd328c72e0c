"""Causes of disputes: published codes of every list, and words in fourteen languages."""

from __future__ import annotations

import tomllib
from collections import defaultdict

import polars as pl
import pytest

from pipeline.settings.languages import LANGUAGES
from pipeline.sources.phrases import HERE, cause_of, fold, fold_letters, folded

CAUSES = ("not_received", "not_as_described", "other", "unknown")
LISTS = tomllib.loads((HERE / "reason_codes.toml").read_text(encoding="utf-8"))["list"]
GROUPS = tomllib.loads((HERE / "reason_words.toml").read_text(encoding="utf-8"))["group"]


def causes(*reasons: str | None) -> list[str]:
    frame = pl.DataFrame(
        {"r": reasons, "g": [None] * len(reasons)}, {"r": pl.String, "g": pl.String}
    )
    return frame.select(cause_of(pl.col("r"), pl.col("g"))).to_series().to_list()


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed["name"])
def test_every_published_code_is_understood_however_it_is_written(listed: dict) -> None:
    assert listed["source"]
    for cause in CAUSES:
        for code in listed[cause]:
            ways = [
                code,
                code.lower(),
                code.upper(),
                code.replace("_", " "),
                code.replace("_", "-"),
            ]
            if code.isalpha():  # ItemNotReceived in one case has lost its words
                ways = [code, code if code == code.upper() else code[0].lower() + code[1:]]
            assert causes(*ways) == [cause] * len(ways), code


def test_no_code_has_two_causes() -> None:
    found = defaultdict(set)
    for listed in LISTS:
        for cause in CAUSES:
            for code in listed[cause]:
                found[fold(code)].add(cause)
    assert {code: each for code, each in found.items() if len(each) > 1} == {}


def test_all_lists_and_all_languages_are_there() -> None:
    assert [listed["name"] for listed in LISTS] == [
        "Stripe",
        "Shopify Payments",
        "PayPal",
        "Braintree",
        "Visa",
        "Mastercard",
        "Adyen",
        "Amazon",
        "eBay",
        "Klarna",
    ]
    languages = {*LANGUAGES, "it", "nl", "pl", "tr", "ja"}
    # the second group of goods only corrects English phrases about parcels
    for group in [group for group in GROUPS if len(group) > 2]:
        assert set(group) - {"cause"} == languages


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("product_not_received", "not_received"),
        # a no-show or an addendum, and not goods that did not arrive
        ("4859", "other"),
        ("4855", "not_received"),
        ("Non-Receipt of Cash or Load Transaction Value", "other"),
        ("Charges for Loss, Theft, or Damages", "other"),
        ("DAMAGED_BY_CUSTOMER", "other"),
        ("4999", "unknown"),
        ("customer returned goods", "other"),
        ("Customer has returned the item", "other"),
        ("Returned to sender", "not_received"),
        ("Refund not received", "other"),
        ("I have not received my refund", "other"),
        ("I haven't received my order", "not_received"),
        ("13.1 - Merchandise/Services Not Received", "not_received"),
        ("Visa 13.3: Not as Described", "not_as_described"),
        ("10.4", "other"),
        ("4853 Cardholder Dispute - goods not as described", "not_as_described"),
        ("4853", "unknown"),
        ("4855: goods", "not_received"),
        ("CR-MISSING_PARTS", "not_as_described"),
        ("AMZ-PG-BAD-DESC", "not_as_described"),
        ("damaged in transit", "not_as_described"),
        ("Received wrong item", "not_as_described"),
        ("empty box", "not_as_described"),
        ("Ordered wrong item", "other"),
        ("general", "unknown"),
        ("hello", "unknown"),
        ("", "unknown"),
    ],
)
def test_reasons_that_are_easily_taken_for_another(reason: str, cause: str) -> None:
    assert causes(reason) == [cause]


@pytest.mark.parametrize(
    ("language", "not_received", "not_as_described", "other"),
    [
        ("en", "The parcel never arrived", "The zip is broken", "I changed my mind"),
        (
            "de",
            "Ware nicht erhalten",
            "Artikel entspricht nicht der Beschreibung",
            "Falsch bestellt",
        ),
        ("es", "No he recibido el pedido", "Producto defectuoso", "Ya no lo quiero"),
        ("pt", "Não recebi o produto", "Produto veio com defeito", "Desisti da compra"),
        ("fr", "Colis non reçu", "Article non conforme à la description", "Je n'en veux plus"),
        ("ru", "Товар не получен", "Товар не соответствует описанию", "Передумал"),
        ("ar", "لم يصل الطلب", "المنتج مختلف عن الوصف", "لا أريد المنتج"),
        ("ko", "상품을 받지 못했습니다", "상품이 파손되었습니다", "단순 변심"),
        ("zh", "没有收到货", "货不对板", "我不想要了"),
        ("it", "Non ho ricevuto il pacco", "Prodotto difettoso", "Ho cambiato idea"),
        ("nl", "Pakket niet ontvangen", "Product is kapot", "Niet meer nodig"),
        ("pl", "Nie otrzymałem przesyłki", "Produkt niezgodny z opisem", "Zmiana zdania"),
        ("tr", "Ürünü teslim almadım", "Ürün kırık geldi", "Vazgeçtim"),
        ("ja", "商品が届かない", "商品が破損していた", "間違えて注文した"),
    ],
)
def test_words_in_every_language(
    language: str, not_received: str, not_as_described: str, other: str
) -> None:
    expected = ["not_received", "not_as_described", "other"]
    given = [not_received, not_as_described, other]
    assert causes(*given) == expected
    assert causes(*[text.upper() for text in given]) == expected
    assert causes(*[fold_letters(text) for text in given]) == expected
    assert causes(*[text.replace(" ", "_") for text in given]) == expected


def test_the_column_is_folded_as_a_single_text_is() -> None:
    texts = [
        "Não_Recebi!",
        "ItemNotReceived",
        "CR-MISSING_PARTS",
        "AMZ-PG-BAD-DESC",
        "ÜRÜNÜ TESLİM ALMADIM",
        "Nie otrzymałem",
        "не получён",
        "届かない",
        "받지 못",
        "لم يصل",
    ]
    column = pl.DataFrame({"r": texts}).select(folded(pl.col("r"))).to_series().to_list()
    assert column == [fold(text) for text in texts]
