"""candidate: the expected dispute rate of products not yet sold, and what would lower it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from features.indicators.product_exposure import UNKNOWN
from models.product.candidate_forecast import Candidate, predict_candidates
from pipeline.output.safe_text import neutral_frame
from pipeline.output.spreadsheet import write_workbook
from pipeline.product_review.review import limit_of, read_review
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput
from pipeline.sources.csv_text import ROW, read_text_table
from pipeline.workspace.progress import Progress, say
from pipeline.workspace.published_run import publish
from pipeline.workspace.workspace import Workspace

REQUIRED = (
    "category",
    "supplier_id",
    "price",
    "currency",
    "weight_g",
    "promised_days",
    "countries",
)
SCHEMA = {"row": pl.Int64, "candidate": pl.String, "why_not": pl.String}


def read_candidates(
    path: Path, config: Config
) -> tuple[pl.DataFrame, list[Candidate], pl.DataFrame]:
    """Read candidates.csv.

    Returns `row, candidate, category, supplier_id, money_note` of the rows that can be judged, the
    same rows as candidates, and `row, candidate, why_not` of the others.

    Raises `BadInput` for a missing file or column.
    """
    table, faults = read_text_table(path)
    if missing := [name for name in REQUIRED if name not in table.columns]:
        raise BadInput(
            f"{path.name}: has no column {', '.join(missing)}. It needs {', '.join(REQUIRED)}; "
            "countries as 'US FR'; a column candidate may give each row a name."
        )
    accepted, candidates = [], list[Candidate]()
    rejected: list[dict[str, Any]] = [
        {"row": row, "candidate": None, "why_not": f"{column}: {reason}"}
        for row, column, reason in faults
    ]
    for row in table.iter_rows(named=True):
        key = {"row": row[ROW], "candidate": row.get("candidate") or f"row {row[ROW]}"}
        try:
            candidate_of_row, money_note = _parse(row, config.usd_per)
        except ValueError as error:
            rejected.append({**key, "why_not": str(error)})
            continue
        candidates.append(candidate_of_row)
        accepted.append(
            {
                **key,
                "category": candidate_of_row.category,
                "supplier_id": candidate_of_row.supplier_id,
                "money_note": money_note,
            }
        )
    return pl.DataFrame(accepted), candidates, pl.DataFrame(rejected, schema=SCHEMA)


def _parse(row: Mapping[str, str | None], usd_per: Mapping[str, float]) -> tuple[Candidate, str]:
    """The candidate of a row, and why its price is ignored ("" if it is used).

    Raises ValueError for a number that is not one.
    """
    price, weight_g, promised_days = (
        _number(row, name) for name in ("price", "weight_g", "promised_days")
    )
    currency, note = row["currency"], ""
    if price is not None:
        rate = usd_per.get(currency or "")
        price = None if rate is None else price * rate
        if rate is None:
            why = f"in {currency}, without an exchange rate" if currency else "without a currency"
            note = f"price {why}: not used"
    countries = (row["countries"] or "").replace(";", " ").split()
    category, supplier = row["category"] or UNKNOWN, row["supplier_id"] or UNKNOWN
    return Candidate(category, supplier, price, weight_g, promised_days, countries), note


def _number(row: Mapping[str, str | None], name: str) -> float | None:
    """None for an empty cell. Raises ValueError with what came and what is allowed."""
    text = row[name]
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value <= 0:
        raise ValueError(f"{name} '{text}' is not a number above 0")
    return value


def candidate(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, file: Path
) -> Path:
    """Write `candidates.csv` and `candidates.xlsx` into their own run folder; return it.

    Rows that cannot be judged are in `candidates_rejected.csv`, with the reason.

    Raises `BadInput` for a missing file or column, `Refused` for stale data or no sales.
    """
    accepted, candidates, rejected = read_candidates(file, config)
    with progress.piece("candidates") as notes:
        reviewed = read_review(workspace, config, as_of)
        limit, source = limit_of(config, workspace, as_of, reviewed.families.rate)
        forecasts = accepted
        if candidates:
            predicted = predict_candidates(reviewed, candidates, limit)
            forecasts = pl.concat([accepted, predicted], how="horizontal")
            forecasts = forecasts.with_columns(note=_joined_notes()).drop("money_note")
        notes.append(
            f"{len(candidates)} judged, {rejected.height} not; limit {limit:.2%} ({source})"
        )
    tables = {"candidates": neutral_frame(forecasts), "rejected": neutral_frame(rejected)}
    with publish(workspace, config, as_of, "candidates") as (folder, manifest):
        tables["candidates"].write_csv(folder / "candidates.csv", float_precision=6)
        tables["rejected"].write_csv(folder / "candidates_rejected.csv")
        write_workbook(folder / "candidates.xlsx", tables, as_of)
        manifest["candidates"] = {
            "limit": limit,
            "limit_from": source,
            "rows": len(candidates),
            "rejected": rejected.height,
        }
    _say_forecasts(forecasts, limit)
    for row in rejected.iter_rows(named=True):
        say(f"{file.name}, row {row['row']}: {row['why_not']}. Kept in candidates_rejected.csv.")
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-candidates").resolve()


def _joined_notes() -> pl.Expr:
    notes = pl.concat_list("note", "money_note")
    return notes.list.eval(pl.element().filter(pl.element() != "")).list.join("; ")


def _say_forecasts(forecasts: pl.DataFrame, limit: float) -> None:
    for row in forecasts.iter_rows(named=True):
        note = f"; {row['note']}" if row["note"] else ""
        say(
            f"{row['candidate']}: {row['rate']:.2%} "
            f"(90 % interval {row['rate_low']:.2%} to {row['rate_high']:.2%}), "
            f"{row['chance_over_limit']:.0%} likely to exceed {limit:.2%}; "
            f"driven by {row['drivers']}; lower it by {row['what_would_lower_it']}{note}"
        )
