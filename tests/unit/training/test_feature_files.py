"""The training matrix file, and the page that lists every feature."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.build.registry import FAMILIES, FEATURE_NAMES, FEATURES, build_features, family_name
from features.spine import build_spine
from pipeline.training.describe_features import DESCRIPTION, HEAD, description
from pipeline.training.features_page import PAGE, ModelPart, features_page
from tests.conftest import day
from tests.unit.nights import AS_OF, ROOT


def table_rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_matrix_has_every_feature_and_each_family_has_its_own_columns(
    workspace: Path, run_step: Callable
) -> None:
    run = run_step("features", "--workspace", workspace, "--as-of", AS_OF, "--keep")
    assert run.returncode == 0, run.stderr
    matrix = pl.read_parquet(workspace / "features" / "training_matrix.parquet")
    assert matrix.columns == ["order_id", "as_of_day", "stage", *FEATURE_NAMES, "label"]
    assert set(matrix["label"]) == {0, 1}
    for family in FAMILIES:
        part = pl.read_parquet(workspace / "features" / f"{family_name(family)}.parquet")
        assert part.equals(matrix.select(part.columns))
    again = run_step("features", "--workspace", workspace, "--as-of", AS_OF)
    assert again.returncode == 0
    assert [path.name for path in (workspace / "features").iterdir()] == ["training_matrix.parquet"]
    assert pl.read_parquet(workspace / "features" / "training_matrix.parquet").equals(matrix)


@pytest.mark.parametrize("step", ["features", "describe-features"])
def test_a_day_before_the_first_order_is_refused(
    workspace: Path, run_step: Callable, step: str
) -> None:
    run = run_step(step, "--workspace", workspace, "--as-of", "2020-01-01")
    assert run.returncode == 11
    assert "Use a later AS_OF" in run.stderr
    assert not (workspace / "features").exists()
    assert not (workspace / DESCRIPTION).exists()


def test_the_page_lists_every_feature_of_the_registry(workspace: Path, run_step: Callable) -> None:
    run = run_step("describe-features", "--workspace", workspace, "--as-of", AS_OF)
    assert run.returncode == 0, run.stderr
    assert (workspace / PAGE).read_text(encoding="utf-8").count("<code>") == len(FEATURES)
    made, committed = (workspace / DESCRIPTION, ROOT / "docs" / "reference" / "features.md")
    for page in (made, committed):
        rows = table_rows(page.read_text(encoding="utf-8"))
        assert [row[:5] for row in rows] == [
            [f"`{f.name}`", f.unit, f.lookback, f.theme, f.why] for f in FEATURES.values()
        ], f"{page}: make describe-features, and copy the page to docs/reference/features.md"
        assert all(len(row) == HEAD.count(" | ") + 1 for row in rows)


def test_the_html_page_shows_values_and_the_part_of_the_model() -> None:
    rows = pl.DataFrame({name: [1.0, 2.0, 3.0] for name in FEATURE_NAMES}).with_columns(
        order_id=pl.Series(["a", "<script>x</script>", "c"]), as_of_day=pl.Series([20_000] * 3)
    )
    name = FEATURE_NAMES[0]
    page = features_page(rows, date(2025, 1, 1), ModelPart("version 3", {name: 0.125}))
    row = page.split(f"<code>{name}</code>")[1].split("</tr>")[0]
    cells = re.findall(r'<td class="number">([^<]*)</td>', row)
    assert cells == ["0%", "1 to 3", "2", "12.5%"]
    assert "in version 3." in page
    assert "<script" not in page
    assert page.count("<code>") == len(FEATURE_NAMES)
    none = features_page(rows, date(2025, 1, 1), None)
    assert "there is no champion yet" in none
    assert "12.5%" not in none


def test_shares_and_examples_by_hand() -> None:
    rows = pl.DataFrame({name: [None, 1.0, 3.0, 0.0] for name in FEATURE_NAMES})
    rows = rows.with_columns(
        order_id=pl.Series(["a", "b", "<b>|c`", "d"]),
        as_of_day=pl.Series([20_000] * 4),
        stage=pl.lit("dispatch"),
    )
    page = description(rows, date(2025, 1, 1))
    row = table_rows(page)[FEATURE_NAMES.index("order_count_units")]
    assert row[5:] == ["25%", '_b__c_ on 2024-10-04: 3, "3 units in the order"']
    assert not re.search(r"<b>", page)


def test_a_rounding_difference_is_not_a_discount(make_tables: Callable) -> None:
    tables = make_tables(
        orders="""
        order_id | occurred_at | total_usd | shipping_usd
        a        | 05-01       | 0.30      | 0.00
        b        | 05-01       | 8.00      | 2.00
        """,
        order_lines="""
        order_id | occurred_at | line_id | unit_price_usd | quantity | shipping_usd
        a        | 05-01       | 1       | 0.10           | 3        | 0
        b        | 05-01       | 1       | 8.00           | 1        | 2
        """,
    )
    features = build_features(tables, build_spine(tables, [day("05-02")]))
    assert features["order_discount_share"].to_list() == [0.0, pytest.approx(0.2)]
