"""The steps of a product selection review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsOf, From, To, WorkspaceFolder, not_before, open_workspace
from pipeline.workspace.progress import say

app = typer.Typer()


@app.command()
def products(
    folder: WorkspaceFolder,
    as_of: AsOf,
    costs: Annotated[
        Path | None, typer.Option(help="CSV file with product_id, cost (per unit) and currency")
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(help="show the effect of dropping this product; may be repeated"),
    ] = None,
    move: Annotated[
        str | None,
        typer.Option(
            metavar="OLD LANE=NEW LANE", help="show the effect of moving a lane's orders to another"
        ),
    ] = None,
) -> None:
    """Review the products: dispute rate, likely cause and what to do about each.

    Reads tables/ and the policy.
    Writes products.html, products.csv, suppliers.csv, categories.csv and
    products.xlsx into runs/AS_OF/latest-products/; with --drop or --move also
    what_if.csv.
    """
    from pipeline.product_review.products import products as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(
            workspace, config, progress, as_of=as_of, costs=costs, dropped=drop or [], moved=move
        )
    say(f"to open at the review: {run / 'products.html'}")
    say(f"the same as tables: {run / 'products.csv'}, {run / 'products.xlsx'}")


@app.command()
def candidate(
    folder: WorkspaceFolder,
    as_of: AsOf,
    file: Annotated[
        Path,
        typer.Option(
            help="CSV file, one row per product; columns: candidate, category, supplier_id, price, "
            "currency, weight_g, promised_days, countries; cells may be empty"
        ),
    ],
) -> None:
    """Forecast the dispute rate of products not yet sold.

    Reads the file, tables/ and the policy.
    Writes candidates.csv, candidates.xlsx and candidates_rejected.csv into
    runs/AS_OF/latest-candidates/.
    """
    from pipeline.product_review.candidate import candidate as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        run = step(workspace, config, progress, as_of=as_of, file=file)
    say(f"the same as tables: {run / 'candidates.csv'}, {run / 'candidates.xlsx'}")


@app.command()
def compare_products(
    folder: WorkspaceFolder,
    as_of: AsOf,
    first: Annotated[str, typer.Option("--a", help="id of a product")],
    other: Annotated[str, typer.Option("--b", help="id of the product to compare it with")],
) -> None:
    """Show which of two products is disputed less, and how certain that is.

    Reads tables/.
    Writes nothing.
    """
    from pipeline.product_review.compare_products import compare_products as step

    workspace, config, progress = open_workspace(folder)
    with workspace.shared():
        step(workspace, config, progress, as_of=as_of, first=first, other=other)


@app.command()
def products_check(folder: WorkspaceFolder, first: From, last: To) -> None:
    """Compare the product reviews of 24 past days of a simulated store with its true rates.

    Reads tables/ and truth/.
    Writes products_check.csv.
    """
    from pipeline.evaluation.product_review_check import RESULT
    from pipeline.evaluation.product_review_check import products_check as step

    workspace, config, progress = open_workspace(folder)
    with workspace.locked(must_exist=True):
        step(workspace, config, progress, first=first, last=not_before(first, last))
    say(f"figures: {workspace.folder / RESULT}")
