"""Settings of what good indicators are worth."""

from __future__ import annotations

from pydantic import Field

from pipeline.settings.settings_section import SettingsSection


class ValueSettings(SettingsSection):
    """What a dispute costs apart from its order: docs/explanation/contacts.md."""

    grade_loss_usd: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000_000,
        description="what losing the store's grade costs a month: sales and visits that the "
        "platform takes away; 0: the grade adds nothing to a dispute",
    )
