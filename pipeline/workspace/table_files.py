"""Reads the table files of a workspace, the facts of some orders without those of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from features.clock import in_days, is_visible
from features.tables import TABLES, UNSEEN, LifeDays, Tables, create_tables
from pipeline.settings.errors import BadInput
from pipeline.workspace.stored_tables import (
    DAYS,
    NUMBER,
    FramesOnDemand,
    StoredTables,
    stored_frame,
)


def tracking_numbers(settings: Mapping[str, Any]) -> bool | None:
    """Whether shipment ids are the carriers' tracking numbers; None if the source does not know.
    An ingest of an earlier version did not store it."""
    stored: bool | None = settings.get("tracking_numbers")
    return True if stored is None and settings.get("source") == "aliexpress" else stored


@dataclass(frozen=True)
class TableFiles:
    """The table files in `folder`, and the facts about the store that belong to them.

    Frames have the columns of their table, `occurred_day` and `known_day`, unless stated otherwise.
    """

    folder: Path
    zone: str
    has_partial_outcomes: bool
    has_shipments: bool = True
    usual_life_days: LifeDays = ()
    tracking_numbers: bool | None = None

    @classmethod
    def of_stored(cls, tables: StoredTables) -> TableFiles:
        """The files from which the tables were read."""
        return cls(
            tables.folder,
            tables.zone,
            tables.has_partial_outcomes,
            tables.has_shipments,
            tables.usual_life_days,
        )

    @classmethod
    def of(cls, folder: Path, settings: Mapping[str, Any]) -> TableFiles:
        """Raises `BadInput` if an older version of this program wrote the files."""
        files = cls(
            folder,
            settings["zone"],
            settings["has_partial_outcomes"],
            usual_life_days=tuple(map(tuple, settings.get("life_days_by_month") or ())),
            tracking_numbers=tracking_numbers(settings),
        )
        if NUMBER not in files._scan("orders").collect_schema():
            raise BadInput(
                f"{folder}: was written by an older version of this program. "
                "Load the data again: make ingest."
            )
        return replace(files, has_shipments=files._records_shipments())

    def _records_shipments(self) -> bool:
        """Whether any parcel of the store was ever reported as sent or on its way."""
        on_its_way = self._scan("tracking").filter(pl.col("status") != "Delivered")
        return any(
            not scan.select(pl.first()).head(1).collect().is_empty()
            for scan in (self._scan("shipments"), on_its_way)
        )

    def read_all(self) -> StoredTables:
        """All tables, whole."""
        return self._stored({name: self.read_all_of(name) for name in TABLES})

    def open_all(self) -> StoredTables:
        """All tables; each is read anew whenever it is asked for, and not before."""
        return self._stored(FramesOnDemand(tuple(TABLES), self.read_all_of))

    def _stored(self, frames: Mapping[str, pl.DataFrame]) -> StoredTables:
        return StoredTables(
            frames,
            self.zone,
            self.has_partial_outcomes,
            self.has_shipments,
            self.usual_life_days,
            self.folder,
        )

    def _with(self, frames: Mapping[str, pl.DataFrame]) -> Tables:
        return Tables(
            frames, self.zone, self.has_partial_outcomes, self.has_shipments, self.usual_life_days
        )

    def count_orders(self) -> int:
        """The number of orders."""
        return int(self._scan("orders").select(pl.len()).collect().item())

    def count_facts(self) -> int:
        """The number of rows of all tables."""
        return sum(int(self._scan(name).select(pl.len()).collect().item()) for name in TABLES)

    def read_part(
        self, first: int, count: int, used: Mapping[str, Collection[str]] | None = None
    ) -> Tables:
        """What features may see of the orders with numbers `first` to `first + count - 1`, and all
        products.

        `order_id` is the order number here: integers are joined and sorted several times faster
        than text. `used`: only these tables and columns.
        """
        frames = {}
        for name in TABLES if used is None else used:
            scan, table = self._scan(name), TABLES[name]
            wanted = table.schema if used is None else used[name]
            visible = [
                column
                for column in table.schema
                if column in wanted and column not in UNSEEN.get(name, ()) and column != "order_id"
            ]
            if "order_id" in table.schema:
                scan = scan.filter(pl.col(NUMBER).is_between(first, first + count - 1))
                frames[name] = scan.select(
                    pl.col(NUMBER).alias("order_id"), *visible, "known_day"
                ).collect()
            else:
                frames[name] = scan.select(*visible, "known_day").collect()
        return self._with(frames)

    def read_columns(
        self, used: Mapping[str, Iterable[str]], numbers: pl.Series | None = None
    ) -> Tables:
        """All orders, or those with the order `numbers`, but only the columns in `used` (by table
        name); other tables are empty. `order_id` is the order number: integers are joined several
        times faster than text."""
        is_in = None if numbers is None else pl.col(NUMBER).is_in(numbers.implode())
        return self._read_columns(used, is_in)

    def _read_columns(self, used: Mapping[str, Iterable[str]], is_in: pl.Expr | None) -> Tables:
        frames = {name: table.empty() for name, table in TABLES.items()}
        for name, columns in used.items():
            selected = [
                pl.col(NUMBER).alias(column) if column == "order_id" else pl.col(column)
                for column in columns
            ]
            rows = self._scan(name)
            if is_in is not None and "order_id" in columns:
                rows = rows.filter(is_in)
            frames[name] = rows.select(selected).collect()
        return self._with(frames)

    def read_part_columns(
        self, first: int, count: int, used: Mapping[str, Iterable[str]]
    ) -> Tables:
        """`read_columns` of the orders with numbers `first` to `first + count - 1`."""
        return self._read_columns(used, pl.col(NUMBER).is_between(first, first + count - 1))

    def first_order_day(self) -> int | None:
        """The day of the first order; None without orders."""
        day = self._scan("orders").select(pl.col("occurred_day").min()).collect().item()
        return None if day is None else int(day)

    def read_buyers(self) -> pl.DataFrame:
        """One row per order: `order_id` (the order number), `buyer_id`, `known_day`."""
        return (
            self._scan("orders")
            .select(pl.col(NUMBER).alias("order_id"), "buyer_id", "known_day")
            .collect()
        )

    def read_disputed(self) -> Tables:
        """All facts of the orders that were ever disputed, and all products."""
        return self._read_about(
            self._scan("disputes").select(pl.col(NUMBER).unique()).collect()[NUMBER]
        )

    def read_orders(self, order_ids: Iterable[str]) -> Tables:
        """All facts of some orders, and all products."""
        wanted = pl.col("order_id").is_in(list(order_ids))
        return self._read_about(
            self._scan("orders").filter(wanted).select(NUMBER).collect()[NUMBER]
        )

    def _read_about(self, numbers: pl.Series) -> Tables:
        is_about = pl.col(NUMBER).is_in(numbers.implode())
        frames = {}
        for name, table in TABLES.items():
            scan = (
                self._scan(name).filter(is_about)
                if "order_id" in table.schema
                else self._scan(name)
            )
            frames[name] = scan.select(*table.schema, *DAYS).collect()
        return self._with(frames)

    def read_contacts(self) -> pl.DataFrame:
        """The table `contacts`, whole."""
        return self._scan("contacts").select(*TABLES["contacts"].schema, *DAYS).collect()

    def read_buyers_of(self, order_ids: pl.Series) -> pl.DataFrame:
        """`order_id, buyer_id, country, currency, store_id`, one row per id, in the order of
        `order_ids`."""
        columns = ("order_id", "buyer_id", "country", "currency", "store_id")
        buyers = self._scan("orders").select(columns).collect()
        return order_ids.to_frame("order_id").join(
            buyers, on="order_id", how="left", maintain_order="left"
        )

    def read_names(self, numbers: pl.Series) -> pl.DataFrame:
        """`order_number, order_id` of the orders with these numbers."""
        return (
            self._scan("orders")
            .select(NUMBER, "order_id")
            .filter(pl.col(NUMBER).is_in(numbers.implode()))
            .collect()
        )

    def read_part_names(self, first: int, count: int) -> pl.DataFrame:
        """`order_number, order_id` of the orders with numbers `first` to `first + count - 1`."""
        is_in = pl.col(NUMBER).is_between(first, first + count - 1)
        return self._scan("orders").filter(is_in).select(NUMBER, "order_id").collect()

    def read_facts(self, name: str, order_ids: Iterable[str]) -> pl.DataFrame:
        """The rows of one table for some orders."""
        wanted = (
            self._scan("orders")
            .filter(pl.col("order_id").is_in(list(order_ids)))
            .select(NUMBER)
            .collect()
        )
        about = self._scan(name).filter(pl.col(NUMBER).is_in(wanted[NUMBER].implode()))
        return about.select(*TABLES[name].schema, *DAYS).collect()

    def read_all_of(self, name: str, columns: Sequence[str] = ()) -> pl.DataFrame:
        """One table, whole, or some columns of it."""
        return self._scan(name).select(columns or (*TABLES[name].schema, *DAYS)).collect()

    def read_known(
        self, name: str, columns: Sequence[str], first_day: int, until_day: int
    ) -> pl.DataFrame:
        """Some columns of one table, and `known_day`, for the facts that became known in
        [first_day, until_day)."""
        about = self._scan(name).filter(in_days(pl.col("known_day"), first_day, until_day))
        return about.select(*columns, "known_day").collect()

    def read_placed(self) -> pl.DataFrame:
        """One row per order: `order_id, occurred_at`."""
        return self._scan("orders").select("order_id", "occurred_at").collect()

    def write_one(self, name: str, frame: pl.DataFrame, folder: Path) -> None:
        """Write the file of one table into another folder, with the same order numbers."""
        tables = create_tables({name: frame}, zone=self.zone)
        numbers = self._scan("orders").select("order_id", NUMBER).collect()
        stored_frame(name, tables[name], numbers).write_parquet(folder / f"{name}.parquet")

    def read_products(self, product_ids: pl.Series) -> pl.DataFrame:
        """The rows of some products."""
        about = self._scan("products").filter(pl.col("product_id").is_in(product_ids.implode()))
        return about.select(*TABLES["products"].schema, *DAYS).collect()

    def count_by_day(self, name: str, as_of_day: int, about: pl.Expr | None = None) -> pl.DataFrame:
        """`known_day, count` of a table's facts before `as_of_day`. `about` selects the facts to
        count."""
        scan = self._scan(name).filter(is_visible(pl.col("known_day"), pl.lit(as_of_day)))
        scan = scan if about is None else scan.filter(about)
        return scan.group_by("known_day").agg(count=pl.len()).sort("known_day").collect()

    def newest_fact_day(self, as_of_day: int) -> int | None:
        """The last day before `as_of_day` on which a fact became known; None without facts."""
        known = pl.col("known_day")
        newest = [
            self._scan(name).filter(is_visible(known, pl.lit(as_of_day))).select(known.max())
            for name in TABLES
        ]
        return max(
            (day for day in pl.concat(pl.collect_all(newest))["known_day"] if day is not None),
            default=None,
        )

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _scan(self, name: str) -> pl.LazyFrame:
        """The file. Optional columns that an older version did not write are null."""
        scan = pl.scan_parquet(self._path(name))
        present = scan.collect_schema().names()
        return scan.with_columns(
            pl.lit(None, column.dtype).alias(column.name)
            for column in TABLES[name].columns
            if not column.is_required and column.name not in present
        )
