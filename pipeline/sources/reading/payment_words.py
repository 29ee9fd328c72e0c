"""The kind of a payment from the words that shops and payment providers use for it."""

from __future__ import annotations

import polars as pl

# our word -> pattern for the lower-case words of a source; the first that fits counts
WORDS: dict[str, str] = {
    "voucher": r"voucher|gift.?card|store credit|coupon",
    "cash_on_delivery": r"cash on delivery|\bcod\b|collect on delivery|nachnahme",
    "wallet": r"pay ?pal|alipay|we ?chat|apple ?pay|google ?pay|amazon ?pay|klarna|afterpay|wallet"
    r"|shop pay|webmoney|yandex|qiwi|ideal|\bpix\b",
    "bank_transfer": r"boleto|bank|transfer|\bbacs\b|wire|sepa|iban|invoice|ch[eè]que|\bcheck\b",
    "card": r"card|visa|master|amex|american express|stripe|online_cc|shopify.payments|\bcc\b",
}


def payment_type(words: pl.Expr) -> pl.Expr:
    """One of `features.tables.PAYMENT_TYPES` for each text; null for an empty one."""
    text = words.str.strip_chars().str.to_lowercase()
    chain: pl.Expr = pl.when(text.str.len_chars() > 0).then(pl.lit("other"))
    for kind, pattern in reversed(WORDS.items()):
        chain = pl.when(text.str.contains(pattern)).then(pl.lit(kind)).otherwise(chain)
    return pl.when(text.is_not_null()).then(chain)
