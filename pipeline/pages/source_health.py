"""The source data of a night: rows per file, and what is in quarantine and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.output.safe_text import one_line
from pipeline.workspace.workspace import Workspace

MOST_REASONS = 20
# letters of a text from a quarantine file
LONGEST = 120
DAMAGED = "the file is damaged; see make quarantine"


def file_rows(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per source file: `file`, `rows` (rows read), `quarantined` (rows in quarantine) and
    their `share` in [0, 1]. `source`: the manifest's entry of that name."""
    quarantined = source["quarantined_rows"]
    return [
        {
            "file": name,
            "rows": rows,
            "quarantined": quarantined.get(name, 0),
            "share": quarantined.get(name, 0) / rows if rows else 0.0,
        }
        for name, rows in source["input_rows"].items()
    ]


def quarantine_reasons(workspace: Workspace) -> list[dict[str, Any]]:
    """One row per file, column and reason, most common first: `file`, `column`, `reason`, `first`
    (the first row) and `count`.

    Includes contact sheets that were given back. The rejected values are left out, because they
    can be any text that someone typed.
    """
    reasons: list[dict[str, Any]] = []
    for path in sorted(
        [*workspace.quarantine.glob("*.csv"), *workspace.quarantine.glob("sheets/*.csv")]
    ):
        file = one_line(path.stem, LONGEST)
        try:
            rows = pl.read_csv(path, infer_schema=False)
        except (pl.exceptions.PolarsError, OSError):
            rows = pl.DataFrame()
        if not {"row", "column", "reason"} <= set(rows.columns):
            # the night goes on; make quarantine says what to do about it
            reasons.append({"file": file, "column": "", "reason": DAMAGED, "first": "", "count": 0})
            continue
        counts = rows.group_by("column", "reason", maintain_order=True).agg(
            count=pl.len(), first=pl.col("row").first()
        )
        for row in counts.iter_rows(named=True):
            texts = {
                name: one_line(row[name] or "", LONGEST) for name in ("column", "reason", "first")
            }
            reasons.append({"file": file, **texts, "count": row["count"]})
    return sorted(reasons, key=lambda row: (-row["count"], row["file"], row["column"]))[
        :MOST_REASONS
    ]
