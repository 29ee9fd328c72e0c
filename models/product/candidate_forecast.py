"""Forecast the dispute rate of a product that was never sold.

Predicted rate = store's rate x category's factor x supplier's factor x factors for price band,
promise and countries (through the carriers that go there). The interval is that of a product of the
family without orders, so it is as wide as products of one family differ. An unknown category or
supplier counts as an average one, and the spread among categories or suppliers is added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.indicators.product_exposure import PRICE_EDGES, PROMISE_EDGES, UNKNOWN, band_of
from models.product.beta_rates import prior_of
from models.product.product_table import Reviewed

LIKE = 3


@dataclass(frozen=True)
class Candidate:
    """A product to forecast.

    `countries` is where it is to be sold; empty means where the store sells. A number that is None
    counts as average.
    """

    category: str
    supplier_id: str
    price_usd: float | None
    weight_g: float | None
    promised_days: float | None
    countries: Sequence[str]


def predict_candidates(
    reviewed: Reviewed, candidates: Sequence[Candidate], limit: float
) -> pl.DataFrame:
    """One row per candidate, in their order.

    Columns: the rate and its interval, its factors, what drives the rate, what would lower it,
    similar products, and a note.
    """
    families = reviewed.families
    supplier = _codes(reviewed.supplier.names, [c.supplier_id for c in candidates])
    category = _codes(reviewed.category.names, [c.category for c in candidates])
    mean, variance = families.expect(supplier, category)
    rows = []
    for number, candidate in enumerate(candidates):
        parts = _parts(reviewed, candidate)
        factors = {
            "category": float(families.category.mean[category[number]])
            if category[number] >= 0
            else 1.0,
            "supplier": float(families.supplier.mean[supplier[number]])
            if supplier[number] >= 0
            else 1.0,
            **parts,
        }
        posterior = prior_of(
            mean[number : number + 1] * np.prod(list(parts.values())), variance[number : number + 1]
        )
        rows.append(
            {
                "rate": float(posterior.mean[0]),
                "rate_low": float(posterior.quantile(0.05)[0]),
                "rate_high": float(posterior.quantile(0.95)[0]),
                "chance_over_limit": float(posterior.chance_over(limit)[0]),
                **{f"{name}_x": value for name, value in factors.items()},
                "drivers": "; ".join(f"{n} x {v:.2f}" for n, v in _by_size(factors))
                or "nothing unusual",
                "what_would_lower_it": _levers(reviewed, candidate, parts),
                "like_products": _like(reviewed, candidate),
                "note": _note(candidate, supplier[number] >= 0, category[number] >= 0, reviewed),
            }
        )
    return pl.DataFrame(rows)


def _codes(names: pl.Series, wanted: Sequence[str]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(names)}
    return np.array(
        [numbers.get(name, -1) if name != UNKNOWN else -1 for name in wanted], dtype=np.int64
    )


def _factor(reviewed: Reviewed, part: str, value: object) -> float:
    """The factor relative to the average order; 1 for a value never seen."""
    factors = part_factors(reviewed)[part]
    return factors.get(value, 1.0)


def part_factors(reviewed: Reviewed) -> dict[str, Mapping[object, float]]:
    """Per part, the factor of each value relative to the average order."""
    relative: dict[str, Mapping[object, float]] = {}
    weight = reviewed.rows["exposure"].to_numpy()
    for part in ("service", "lane", "promise", "country", "price"):
        names, factors = reviewed.adjustment.values[part], reviewed.adjustment.factors[part]
        coded = reviewed.rows[part]
        seen = (
            pl.DataFrame({"value": coded, "weight": weight})
            .group_by("value")
            .agg(pl.col("weight").sum())
        )
        shares = {v: w for v, w in seen.iter_rows()}
        mean = sum(f * shares.get(n, 0.0) for n, f in zip(names, factors, strict=True)) / max(
            weight.sum(), 1e-9
        )
        relative[part] = {
            n: float(f / mean) if mean > 0 else 1.0 for n, f in zip(names, factors, strict=True)
        }
    return relative


def _parts(reviewed: Reviewed, candidate: Candidate) -> dict[str, float]:
    price = None if candidate.price_usd is None else _band(candidate.price_usd, PRICE_EDGES)
    promise = (
        None if candidate.promised_days is None else _band(candidate.promised_days, PROMISE_EDGES)
    )
    known = _lanes(reviewed).filter(pl.col("country").is_in(list(candidate.countries)))
    where = (
        1.0
        if not known.height
        else known.select((pl.col("x") * pl.col("weight")).sum() / pl.col("weight").sum()).item()
    )
    return {
        "price": 1.0 if price is None else _factor(reviewed, "price", price),
        "promise": 1.0 if promise is None else _factor(reviewed, "promise", promise),
        "countries": where,
    }


def _lanes(reviewed: Reviewed) -> pl.DataFrame:
    """One row per lane: its service, country, share of orders, and factor on the rate."""
    factors = part_factors(reviewed)

    def of(part: str) -> pl.Expr:
        return pl.col(part).replace_strict(
            dict(factors[part]), default=1.0, return_dtype=pl.Float64
        )

    lanes = reviewed.rows.group_by("lane", "service", "country").agg(
        pl.col("exposure").sum().alias("weight")
    )
    return lanes.sort("lane", "country").with_columns(x=of("service") * of("lane") * of("country"))


def _levers(reviewed: Reviewed, candidate: Candidate, parts: Mapping[str, float]) -> str:
    """The carrier, promise and price band that would lower the rate most, each on its own."""
    lanes = _lanes(reviewed).filter(pl.col("weight") > 0)
    if candidate.countries:
        lanes = lanes.filter(pl.col("country").is_in(list(candidate.countries)))
    levers = []
    if lanes.height:
        by = lanes.group_by("service").agg(
            (pl.col("x") * pl.col("weight")).sum() / pl.col("weight").sum(), pl.col("weight").sum()
        )
        best = by.filter(pl.col("weight") >= 30).sort("x", "service").head(1)
        if best.height and best["x"][0] < 0.95 * parts["countries"]:
            levers.append(
                f"carrier {best['service'][0]}: x {best['x'][0] / parts['countries']:.2f}"
            )
    factors = part_factors(reviewed)
    for part, edges, unit, current in (
        ("promise", PROMISE_EDGES, "days", candidate.promised_days),
        ("price", PRICE_EDGES, "USD", candidate.price_usd),
    ):
        bands = {
            band: x for band, x in factors[part].items() if isinstance(band, int) and band >= 0
        }
        if current is None or not bands:
            continue
        band, x = min(bands.items(), key=lambda item: (item[1], item[0]))
        if x < 0.95 * parts[part]:
            levers.append(f"{part} {band_name(band, edges)} {unit}: x {x / parts[part]:.2f}")
    return "; ".join(levers) or "nothing we can measure"


def band_name(band: int, edges: Sequence[float]) -> str:
    """The band in words, for example "5 to 10"."""
    if band == 0:
        return f"under {edges[0]:g}"
    return (
        f"from {edges[-1]:g}" if band == len(edges) else f"{edges[band - 1]:g} to {edges[band]:g}"
    )


def _band(value: float, edges: tuple[float, ...]) -> int:
    return int(band_of(pl.Series([value]), edges)[0])


def _by_size(factors: Mapping[str, float]) -> list[tuple[str, float]]:
    notable = [(name, x) for name, x in factors.items() if abs(np.log(max(x, 1e-9))) > 0.05]
    return sorted(notable, key=lambda item: -abs(np.log(item[1])))


def _like(reviewed: Reviewed, candidate: Candidate) -> str:
    """The nearest products of the category by price and weight, with their disputes."""
    same = reviewed.products.filter(
        (pl.col("category") == candidate.category) & (pl.col("count_orders") > 0)
    )
    unit = pl.col("value_an_order_usd") / pl.col("units_an_order")

    def gap(of: pl.Expr, value: float | None) -> pl.Expr:
        return (
            pl.lit(0.0)
            if not value
            else (of.clip(0.01).log() - float(np.log(max(value, 0.01)))).abs().fill_null(9.0)
        )

    near = same.sort(
        gap(unit, candidate.price_usd) + gap(pl.col("weight_g"), candidate.weight_g), "product_id"
    ).head(LIKE)
    each = near.select("product_id", "count_disputes", "count_orders").iter_rows()
    return "; ".join(f"{name} ({disputes:.0f} of {orders})" for name, disputes, orders in each)


def _note(
    candidate: Candidate, is_supplier_known: bool, is_category_known: bool, reviewed: Reviewed
) -> str:
    sold = set(reviewed.rows["country"].unique())
    unsold = [country for country in candidate.countries if country not in sold]
    remarks = [
        (
            not is_category_known,
            f"category '{candidate.category}' has never been sold here: treated as average",
        ),
        (
            not is_supplier_known,
            f"supplier '{candidate.supplier_id}' has never sold here: treated as average",
        ),
        (bool(unsold), f"never sold to {', '.join(unsold)}: left out of the mix"),
        (candidate.price_usd is None, "no price given: treated as average"),
        (candidate.promised_days is None, "no promised days given: treated as average"),
    ]
    return "; ".join(text for when, text in remarks if when)
