"""The rows from which the facts of a `[[fact]]` are made: those of its file, with columns of other
files, and one row per item where a row has several."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from pipeline.sources.checked_file import CheckedFile
from pipeline.sources.csv_text import ROW
from pipeline.sources.mapped.mapping import Fact, Join, Packed

# most items in one row; more are a sign of a wrong separator
MOST_ITEMS = 1000
FIELD_TWICE = "an item has no field, or names one twice, so it is not known which one counts"
TOO_MANY = f"more than {MOST_ITEMS} items in one row; check the separators in the mapping"
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_ .-]{0,39}$")


def new_columns(fact: Fact) -> set[str]:
    """The columns that `join` and `numbered` add to those of the file."""
    return {name for join in fact.join for name in join.columns} | set(fact.numbered)


def is_packed_field(fact: Fact, name: str) -> bool:
    """Whether the column is a field of a packed item."""
    return fact.packed is not None and name.startswith(fact.packed.prefix)


def wanted_columns(fact: Fact) -> list[str]:
    """The columns that the file must have."""
    names = [
        *fact.per,
        *fact.where,
        *fact.where_not,
        *[name for cell in fact.columns.values() for name in cell.names],
    ]
    names = [name for name in names if not is_packed_field(fact, name)]
    added: set[str] = set(fact.numbered)
    for join in fact.join:
        names += [name for name in join.match if name not in added]
        added |= set(join.columns)
    return [name for name in names if name not in added]


def source_rows(
    file: CheckedFile, fact: Fact, others: Sequence[Sequence[CheckedFile]]
) -> pl.DataFrame:
    """The rows of `file` for this fact. Rows that cannot be joined or unpacked without doubt are
    rejected in `file`. `others`: the files of each join."""
    rows = file.rows
    for join, files in zip(fact.join, others, strict=True):
        rows = _joined(file, rows, join, files)
    if fact.packed:
        return _unpacked(file, rows, fact)
    return _numbered(rows, fact) if fact.numbered else rows


def _joined(
    file: CheckedFile, rows: pl.DataFrame, join: Join, files: Sequence[CheckedFile]
) -> pl.DataFrame:
    """The rows with the new columns of the join; null where the other files have no such row.

    A row for which the other files have several values is rejected.
    """
    values = [pl.col(old).str.strip_chars().alias(new) for new, old in join.columns.items()]
    parts = [
        other.rows.join(other.bad_rows(), on=ROW, how="anti").select(
            *_keys(join.match.values(), join.strip), *values
        )
        for other in files
    ]
    keys = [f"__key_{position}__" for position in range(len(join.match))]
    new = list(join.columns)
    known = pl.concat(parts).drop_nulls(keys).with_columns(pl.col(new).replace("", None))
    known_values = known.group_by(keys, maintain_order=True).agg(
        pl.max_horizontal(pl.col(name).drop_nulls().n_unique() for name in new).alias("__count__"),
        *[pl.col(name).drop_nulls().first().alias(name) for name in new],
    )
    keyed = rows.with_columns(_keys(join.match, join.strip))
    both = keyed.join(known_values, on=keys, how="left", maintain_order="left")
    is_double = both["__count__"].fill_null(0) > 1
    shown, other_names = ", ".join(join.match), ", ".join(sorted(other.name for other in files))
    reason = f"{other_names} has several rows with this value and different {', '.join(new)}"
    _reject(file, both.filter(is_double), shown, reason)
    return both.drop(*keys, "__count__")


def _keys(columns: Iterable[str], strip: str) -> list[pl.Expr]:
    texts = []
    for position, name in enumerate(columns):
        text = pl.col(name).str.strip_chars()
        text = text.str.strip_prefix(strip) if strip else text
        filled = pl.when(text.str.len_bytes() > 0).then(text)
        texts.append(filled.alias(f"__key_{position}__"))
    return texts


def _reject(file: CheckedFile, rows: pl.DataFrame, column: str, reason: str) -> None:
    words = [pl.lit(column).alias("column"), pl.lit(reason).alias("reason")]
    file.faults.append(rows.select(pl.col(ROW), *words).unique(ROW, maintain_order=True))


def numbered_names(pattern: str, names: Sequence[str]) -> dict[int, str]:
    """By number, the columns that a pattern such as `line_item_#` names."""
    before, _, after = pattern.partition("#")
    shape = re.compile(rf"^{re.escape(before)}(\d{{1,4}}){re.escape(after)}$")
    matches = ((shape.match(name), name) for name in names)
    return {int(match[1]): name for match, name in matches if match}


def packed_columns(column: Sequence[str], names: Sequence[str]) -> list[str]:
    """The columns of the file with packed items, in the order of their numbers."""
    chosen = []
    for each in column:
        numbered = numbered_names(each, names) if "#" in each else {}
        chosen += [numbered[number] for number in sorted(numbered)]
        chosen += [each] if each in names else []
    return chosen


def _unpacked(file: CheckedFile, rows: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """One row per item; the fields of the items become columns."""
    packed = fact.packed
    assert packed is not None
    cells = packed_columns(packed.column, rows.columns)
    texts = rows.select(ROW, *cells).iter_rows()
    items: list[tuple[int, dict[str, str]]] = []
    bad: dict[str, list[int]] = {FIELD_TWICE: [], TOO_MANY: []}
    for row, *cells_of_row in texts:
        own = [item for text in cells_of_row if text for item in _items(text, packed)]
        if len(own) > MOST_ITEMS:
            bad[TOO_MANY].append(row)
            continue
        if any(item is None for item in own):
            bad[FIELD_TWICE].append(row)
        items += [(row, item) for item in own if item]
    for reason, numbers in bad.items():
        wrong = pl.DataFrame({ROW: numbers}, schema={ROW: pl.Int64})
        _reject(file, wrong, ", ".join(packed.column)[:80], reason)
    wanted = {name for cell in fact.columns.values() for name in cell.names}
    fields = sorted(name for name in wanted if is_packed_field(fact, name))
    schema = {ROW: pl.Int64, **dict.fromkeys(fields, pl.String)}
    plain = [[row, *(item.get(name) for name in fields)] for row, item in items]
    unpacked = pl.DataFrame(plain, schema=schema, orient="row")
    rest = rows.drop([name for name in fields if name in rows.columns])
    return unpacked.join(rest, on=ROW, how="left", maintain_order="left").select(
        *rest.columns, *fields
    )


def _items(text: str, packed: Packed) -> Iterator[dict[str, str] | None]:
    """The fields of each item; None for an item that has none or names one twice."""
    for part in text.split(packed.items) if packed.items else [text]:
        item: dict[str, str] = {}
        last = ""
        for piece in part.split(packed.fields):
            name, sign, value = piece.partition(packed.value)
            if sign and _NAME.match(name.strip()):
                last = packed.prefix + name.strip()
                if last in item:
                    yield None
                    break
                item[last] = value
            elif last:
                # a separator within a title
                item[last] += packed.fields + piece
        else:
            if part.strip() and not item:
                yield None
            elif item:
                yield {name: value.strip() for name, value in item.items() if value.strip()}


def _numbered(rows: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """One row per number with a filled column among `Item 1 SKU`, `Item 1 Quantity`, ..."""
    by_column = {
        new: numbered_names(pattern, rows.columns) for new, pattern in fact.numbered.items()
    }
    numbers = sorted({number for names in by_column.values() for number in names})
    parts = []
    for number in numbers:
        cells = [
            (pl.col(names[number]) if number in names else pl.lit(None, pl.String)).alias(new)
            for new, names in by_column.items()
        ]
        part = rows.with_columns(cells, __number__=pl.lit(number))
        is_filled = pl.any_horizontal(
            pl.col(new).str.strip_chars().fill_null("") != "" for new in by_column
        )
        parts.append(part.filter(is_filled))
    if not parts:
        return rows.with_columns(pl.lit(None, pl.String).alias(new) for new in by_column).clear()
    return pl.concat(parts).sort(ROW, "__number__").drop("__number__")
