"""What every section of `[pull]` has: the pace, tries and limits of requests to a service."""

from __future__ import annotations

from pydantic import Field

from pipeline.settings.delivery.delivery_section import DeliverySection


class PullSection(DeliverySection):
    """Requests to one service. Secrets are never in a section: it says where they are."""

    requests_per_second: float = Field(
        default=5.0, gt=0, le=1_000, description="most requests in a second"
    )
    attempts: int = Field(default=6, ge=1, le=20, description="tries of one request in one run")
    first_wait_seconds: float = Field(
        default=1.0, ge=0, le=600, description="wait after the first failure; then twice that"
    )
    longest_wait_seconds: float = Field(
        default=120.0,
        ge=0,
        le=3_600,
        description="longest wait; a longer ban by the service ends the run until the next one",
    )
    timeout_seconds: float = Field(
        default=30.0, ge=0.1, le=600, description="how long the service may be silent"
    )
    longest_answer_seconds: float = Field(
        default=120.0, ge=0.1, le=3_600, description="how long one answer may take in all"
    )
    largest_answer_mb: float = Field(
        default=20.0, gt=0, le=500, description="largest answer, in millions of bytes"
    )
