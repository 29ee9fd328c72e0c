"""The base class of the sections of config.toml: frozen, and an unknown key is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsSection(BaseModel):
    """One section of config.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
