"""candidate: products not yet sold: their rate with interval, what drives it, what would lower it,
like products."""

from __future__ import annotations

from datetime import date
from math import isfinite
from pathlib import Path

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
    """(`row, candidate, category, supplier_id, money_note` of those that can be judged), the same
    as candidates, and `row, candidate, why_not` of the others."""
    table, faults = read_text_table(path)
    if missing := [name for name in REQUIRED if name not in table.columns]:
        raise BadInput(
            f"{path.name}: has no column {', '.join(missing)}. It needs {', '.join(REQUIRED)}; countries as 'US FR'; "
            "a column candidate may name each."
        )
    named, good = [], list[Candidate]()
    bad = [
        {"row": row, "candidate": None, "why_not": f"{column}: {reason}"}
        for row, column, reason in faults
    ]
    for row in table.iter_rows(named=True):
        place = {"row": row[ROW], "candidate": row.get("candidate") or f"row {row[ROW]}"}
        try:
            numbers = {name: _number(row, name) for name in ("price", "weight_g", "promised_days")}
        except ValueError as error:
            bad.append({**place, "why_not": str(error)})
            continue
        price, note = numbers["price"], ""
        if price is not None:
            rate = config.usd_per.get(row["currency"] or "")
            price = None if rate is None else price * rate
            why = (
                "without a currency"
                if not row["currency"]
                else f"in {row['currency']}, of no known exchange rate"
            )
            note = "" if rate is not None else f"price {why}: left aside"
        one = Candidate(
            row["category"] or UNKNOWN,
            row["supplier_id"] or UNKNOWN,
            price,
            numbers["weight_g"],
            numbers["promised_days"],
            (row["countries"] or "").replace(";", " ").split(),
        )
        good.append(one)
        named.append(
            {**place, "category": one.category, "supplier_id": one.supplier_id, "money_note": note}
        )
    return pl.DataFrame(named), good, pl.DataFrame(bad, schema=SCHEMA)


def _number(row: dict[str, str | None], name: str) -> float | None:
    """None: not told. Raises ValueError with what came and what is allowed."""
    text = row[name]
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value <= 0:
        raise ValueError(f"{name} '{text}' is no number above 0")
    return value


def candidate(
    workspace: Workspace, config: Config, progress: Progress, *, as_of: date, file: Path
) -> Path:
    """Write `candidates.csv` and `.xlsx` into a run folder of their own; return it. Rows that
    cannot be judged are in `candidates_rejected.csv`, with the reason."""
    named, candidates, bad = read_candidates(file, config)
    with progress.piece("candidates") as said:
        reviewed = read_review(workspace, config, as_of)
        limit, source = limit_of(config, workspace, as_of, reviewed.families.rate)
        told = named
        if candidates:
            found = predict_candidates(reviewed, candidates, limit)
            note = (
                pl.concat_list("note", "money_note")
                .list.eval(pl.element().filter(pl.element() != ""))
                .list.join("; ")
            )
            told = (
                pl.concat([named, found], how="horizontal")
                .with_columns(note=note)
                .drop("money_note")
            )
        said.append(f"{len(candidates)} judged, {bad.height} not; limit {limit:.2%} ({source})")
    with publish(workspace, config, as_of, "candidates") as (folder, manifest):
        neutral_frame(told).write_csv(folder / "candidates.csv", float_precision=6)
        neutral_frame(bad).write_csv(folder / "candidates_rejected.csv")
        sheets = {"candidates": neutral_frame(told), "rejected": neutral_frame(bad)}
        write_workbook(folder / "candidates.xlsx", sheets, as_of)
        manifest["candidates"] = {
            "limit": limit,
            "limit_from": source,
            "rows": len(candidates),
            "rejected": bad.height,
        }
    for row in told.iter_rows(named=True):
        say(
            f"{row['candidate']}: {row['rate']:.2%} (90 %: {row['rate_low']:.2%} to {row['rate_high']:.2%}), "
            f"{row['chance_over_limit']:.0%} likely over {limit:.2%}; driven by {row['drivers']}; "
            f"lower it by {row['what_would_lower_it']}"
            + (f"; {row['note']}" if row["note"] else "")
        )
    for row in bad.iter_rows(named=True):
        say(f"{file.name}, row {row['row']}: {row['why_not']}. Kept in candidates_rejected.csv.")
    return (workspace.folder / "runs" / as_of.isoformat() / "latest-candidates").resolve()
