"""Settings of the product reviews."""

from __future__ import annotations

from pydantic import Field

from pipeline.settings.settings_section import SettingsSection


class Products(SettingsSection):
    """When a product is over its limit, and by how much: docs/explanation/product-rates.md."""

    lookback_days: int = Field(
        default=365,
        ge=30,
        le=36_500,
        description="days of orders to use; older ones say little about today",
    )
    rate_limit: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="limit of a product's dispute rate; default: limits.dispute_rate, else the "
        "policy's limit, else 1.5 x the store's rate",
    )
    sure: float = Field(
        default=0.8,
        gt=0.5,
        lt=1,
        description="probability from which a product counts as over its limit",
    )
    stop_factor: float = Field(
        default=2.0,
        ge=1,
        le=1_000,
        description="a product that is surely over this many times its limit should be stopped",
    )
