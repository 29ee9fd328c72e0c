"""Settings of the checks: on a night's data, on the model's health, and before a promotion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipeline.settings.settings_section import SettingsSection

GateAction = Literal["refuse", "banner", "ignore"]
GATE_ACTIONS: dict[str, GateAction] = {
    "newest_fact": "refuse",
    "row_counts": "refuse",
    "base_rate": "banner",
    "quarantine": "refuse",
    "pull": "banner",
    "champion_age": "banner",
    "champion_knows_outcome": "banner",
    "drift": "banner",
    "mean_probability": "banner",
}


class DataGates(SettingsSection):
    """When a data check refuses a night or adds a warning to its list.

    The checks are in `models/monitoring/input_checks.py`. A ratio applies in both directions.
    """

    actions: dict[str, GateAction] = Field(
        default=GATE_ACTIONS,
        description="what a failed check does: refuse the night, add a banner to the list, or "
        "ignore",
    )
    count_ratio: float = Field(
        default=4.0,
        gt=1,
        le=1_000_000,
        description="highest ratio of last week's rows to a usual week's",
    )
    rate_ratio: float = Field(
        default=2.5,
        gt=1,
        le=1_000_000,
        description="highest ratio of the dispute rate of the last 28 days to the usual one",
    )
    quarantine_share: float = Field(
        default=0.02, ge=0, le=1, description="highest share of all source rows in quarantine"
    )
    champion_age_days: int = Field(
        default=120,
        ge=1,
        le=36_500,
        description="oldest model; an older one has not seen the last season",
    )
    drift_size: float = Field(
        default=1.0,
        gt=0,
        le=1_000_000,
        description="standard deviations by which a feature may move",
    )
    drift_share: float = Field(
        default=0.2, ge=0, le=1, description="share of the features that may move further"
    )
    probability_ratio: float = Field(
        default=2.0,
        gt=1,
        le=1_000_000,
        description="highest ratio of mean probability to the observed rate",
    )

    @field_validator("actions")
    @classmethod
    def _all_gates(cls, actions: dict[str, GateAction]) -> dict[str, GateAction]:
        if unknown := sorted(set(actions) - set(GATE_ACTIONS)):
            raise ValueError(
                f"there is no data check {', '.join(unknown)}; allowed: {', '.join(GATE_ACTIONS)}"
            )
        return {**GATE_ACTIONS, **actions}


class Monitor(SettingsSection):
    """When the model's health is watch or act: `models/monitoring/sequential_monitoring.py`.

    A retrained model always has to pass the promotion gate.
    """

    retrain: Literal["propose", "auto"] = Field(
        default="propose",
        description="auto: when the health proposes it, train a challenger and judge it",
    )
    rise: float = Field(
        default=1.15,
        gt=1,
        le=1_000,
        description="ratio of disputes to their forecast up to which there is no alarm",
    )
    fall: float = Field(
        default=1.6,
        gt=1,
        le=1_000,
        description="the same for fewer disputes; larger, because messages prevent some",
    )
    early_rise: float = Field(
        default=1.15,
        gt=1,
        le=1_000,
        description="as rise, for recent nights, whose timing of disputes is assumed",
    )
    early_fall: float = Field(default=2.5, gt=1, le=1_000, description="as fall, for recent nights")
    judged_nights: int = Field(
        default=28,
        ge=7,
        le=3_650,
        description="nights with final outcomes that a challenger does not learn from, to judge "
        "it on",
    )


class Gate(SettingsSection):
    """The promotion gate, which a challenger must pass to replace the champion:
    `models/comparison/promotion_gate.py`."""

    loss_margin: float = Field(
        default=0.10,
        ge=0,
        le=1_000,
        description="share of the USD saved with the champion that the challenger may lose, at "
        "the worst end of the interval",
    )
    calibration_error: float = Field(
        default=0.02, gt=0, lt=1, description="highest calibration error, overall and per stage"
    )
    rate_ratio: float = Field(
        default=1.2,
        gt=1,
        le=1_000,
        description="highest ratio of predicted to actual disputes, in both directions",
    )
    least_disputes: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="a stage with fewer disputed orders is not judged alone",
    )
