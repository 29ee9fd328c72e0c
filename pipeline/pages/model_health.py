"""The data behind a night: rows per file, what is in quarantine and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.output.safe_text import one_line
from pipeline.workspace.workspace import Workspace

MOST_REASONS = 20
LONGEST = 120


def file_rows(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per source file: rows read and rows put aside. `source`: that of the manifest."""
    aside = source["quarantined_rows"]
    return [
        {
            "file": name,
            "rows": rows,
            "aside": aside.get(name, 0),
            "share": aside.get(name, 0) / rows if rows else 0.0,
        }
        for name, rows in source["input_rows"].items()
    ]


def quarantine_reasons(workspace: Workspace) -> list[dict[str, Any]]:
    """What is wrong, most common first: file, column, reason, how many, and the first row. Also of
    sheets given back. The values themselves stay in the files: they are whatever somebody typed."""
    found = []
    for path in sorted(
        [*workspace.quarantine.glob("*.csv"), *workspace.quarantine.glob("sheets/*.csv")]
    ):
        rows = pl.read_csv(path, infer_schema=False)
        if not {"row", "column", "reason"} <= set(rows.columns):
            continue
        counts = rows.group_by("column", "reason", maintain_order=True).agg(
            count=pl.len(), first=pl.col("row").first()
        )
        for row in counts.iter_rows(named=True):
            texts = {
                name: one_line(row[name] or "", LONGEST) for name in ("column", "reason", "first")
            }
            found.append({"file": one_line(path.stem, LONGEST), **texts, "count": row["count"]})
    return sorted(found, key=lambda row: (-row["count"], row["file"], row["column"]))[:MOST_REASONS]
