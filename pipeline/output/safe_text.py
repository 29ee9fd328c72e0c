"""Text from buyers and listings may be hostile. Make it harmless in a spreadsheet and on the
terminal."""

from __future__ import annotations

import re

import polars as pl

# what a spreadsheet reads as the start of a formula (OWASP, "CSV injection")
_FORMULA = r"^\s*[=+\-@\t\r＝＋－＠]"
_NUMBER = r"^[+\-]?[0-9]+([.,][0-9]+)*$"
_CONTROL = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def neutral(column: pl.Expr) -> pl.Expr:
    """The text without control and direction marks, with a leading quote where a formula would
    start."""
    text = column.str.replace_all(_CONTROL, "")
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(is_formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text)


def one_line(text: str, longest: int = 100) -> str:
    """Text for the terminal: no control or direction marks, no line breaks, at most `longest`
    characters and "...". Text that is so already is returned as the same object."""
    plain = " ".join(re.sub(_CONTROL, "", text).split())
    if len(plain) > longest:
        return plain[:longest] + "..."
    return text if plain == text else plain


def neutral_text(text: str) -> str:
    """`neutral` for one text, such as an id: the form in which a page shows it."""
    if re.fullmatch(r"[\w.#:]*", text):
        return text
    return str(pl.select(neutral(pl.lit(text))).item())


def plain_text(text: str) -> str:
    """Text for a page or a log: no control or direction marks. Line breaks and tabs stay."""
    return re.sub(_CONTROL, "", text.replace("\r\n", "\n"))


def neutral_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `neutral` applied to every text column."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns(neutral(pl.col(name)).alias(name) for name in texts)
