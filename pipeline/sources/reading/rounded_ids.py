"""Ids that a spreadsheet or another program has rounded: the digits that it dropped are lost, so an
order would get another order's id, and many products would become one.

A spreadsheet shows 5029510000001234 as `5.02951E+15`, and keeps 15 digits of it, so the others
become 0. Programs that hold ids as floating-point numbers, such as those in JavaScript, print
`5.02951E+15` too, or up to 17 digits and then zeros. No spreadsheet writes JSON: an id of 16 digits
that ends in zeros is exact there.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

ROUNDED = (
    "a number of many digits, which the spreadsheet has rounded; "
    "format the column as text and enter the values again"
)
ROUNDED_IN_JSON = (
    "a number of many digits, which the program that wrote the file has rounded; "
    "fetch it again with a program that keeps such numbers as text or as whole numbers"
)
NO_ID = "an error of the spreadsheet and no id; correct the formula or the width of the column"
_ERROR = r"^#(?:N/A|N/D|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|#+)$"
# `5.02951E+15`, `5,02951E+15`, `5.0E15`, `5e+15` and `5E15`; `1E10` alone may be an article number
_SCIENTIFIC = r"^[+-]?(?:\d+[.,]\d+[eE]\+?|\d[eE]\+)\d{2,3}$|^\d[eE](?:1[5-9]|[2-9]\d)$"
# more than 15 digits, and zeros after those that survive
_LONG, _CUT = r"^\d{16,40}$", r"^\d{15}0{1,2}$|^\d{17}0+$"
# what floating-point numbers keep of it in text without an exponent, and one with a decimal point
_CUT_FLOAT, _FLOAT = r"^\d{17}0+$", r"^(\d{16,40})\.\d*$"
# part of every text that one of the forms above matches, whatever the spaces around it
_SUSPECT = r"#|^\s*[+-]?[\d.,]+[eE]|\d{16}"
_JSON = r"(?i)\.(?:jsonl?|ndjson|gz)$"
# a column is rounded if nearly all long ids in it end in such zeros, and these are so many that
# chance does not explain them: the chance of each zero is 1 in 10
CUT_SHARE, LEAST_ZEROS = 0.8, 4
# the largest whole number up to which floating-point numbers hold each whole number
LARGEST_EXACT = 2**53


def is_rounded(ids: pl.Series) -> pl.Series:
    """Whether each id of a column of texts was rounded; null is not.

    A text like `5.02951E+15` always is. A long number that ends in zeros is if nearly all long
    numbers of the column do.
    """
    texts = ids.str.strip_chars()
    is_scientific = texts.str.contains(_SCIENTIFIC)
    return (is_scientific | (texts.str.contains(_CUT) & _are_cut(texts, _CUT))).fill_null(False)


def is_rounded_in_json(ids: pl.Series) -> pl.Series:
    """Whether each id of a column of values in JSON was rounded; null is not.

    A text like `5.02951E+15` always is, and so is a number above 2^53 with a decimal point. A
    number of 18 digits or more that ends in zeros after 17 is if nearly all long numbers of the
    column do. An even number of 16 or 17 digits may be exact, and is kept.
    """
    texts = ids.str.strip_chars()
    is_printed = texts.str.contains(_SCIENTIFIC)
    whole = texts.str.extract(_FLOAT).cast(pl.Float64)
    is_cut = texts.str.contains(_CUT_FLOAT) & _are_cut(texts, _CUT_FLOAT)
    # as a float, 2^53 + 1 is 2^53
    return (is_printed | (whole >= LARGEST_EXACT).fill_null(False) | is_cut).fill_null(False)


def rounding_faults(ids: pl.Series, files: pl.Series) -> pl.Series:
    """Why each id of a column of texts from several files is refused as rounded; null if it is not.

    `files`: the name of each id's file; JSON has another rule than what spreadsheets save.
    """
    is_json = files.cast(pl.String).str.contains(_JSON)
    of_sheet = pl.select(pl.when(~is_json).then(ids)).to_series()
    of_json = pl.select(pl.when(is_json).then(ids)).to_series()
    return pl.select(
        pl.when(is_rounded(of_sheet))
        .then(pl.lit(ROUNDED))
        .when(is_rounded_in_json(of_json))
        .then(pl.lit(ROUNDED_IN_JSON))
    ).to_series()


def may_be_wrong(ids: pl.Series) -> bool:
    """Whether an id of a column of texts may be rounded or an error; a quick test that lets nothing
    pass which the others here refuse."""
    return bool(ids.str.contains(_SUSPECT).any())


def is_error(ids: pl.Series) -> pl.Series:
    """Whether each text is what a spreadsheet shows in place of a value, such as `#N/A`: all orders
    or products with it would become one."""
    return ids.str.strip_chars().str.to_uppercase().str.contains(_ERROR).fill_null(False)


def _are_cut(texts: pl.Series, cut_form: str) -> bool:
    """Whether nearly all long numbers have the form, by more zeros than chance explains."""
    distinct = texts.drop_nulls().unique()
    long = distinct.filter(distinct.str.contains(_LONG))
    cut = long.filter(long.str.contains(cut_form))
    count_zeros = sum(len(text) - (15 if len(text) < 18 else 17) for text in cut)
    return cut.len() >= CUT_SHARE * long.len() > 0 and count_zeros >= LEAST_ZEROS


def are_rounded_numbers(numbers: Sequence[int | float]) -> list[bool]:
    """Whether each number of a column of number cells was rounded.

    No whole number above 2^53 is exact in a spreadsheet. Of the others, those that end in zeros
    after 15 digits are rounded if nearly all long numbers of the column are: a program may write
    exact ids of 16 digits as numbers, and one in ten of these ends in 0.
    """
    texts = pl.Series([f"{number:.0f}" for number in numbers], dtype=pl.String)
    is_cut = (texts.str.contains(_CUT) & _are_cut(texts, _CUT)).to_list()
    return [cut or abs(number) > LARGEST_EXACT for number, cut in zip(numbers, is_cut, strict=True)]
