"""The environment variables that change what a step does. Their values are never shown: most hold
a secret."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One environment variable and what it is for."""

    name: str
    meaning: str

    @property
    def state(self) -> str:
        """`set` or `not set`."""
        return "set" if os.environ.get(self.name) else "not set"


VARIABLES = (
    Variable(
        "MLFLOW_TRACKING_URI",
        "a team's MLflow server; models are then registered there and not in the workspace",
    ),
    Variable("DATABASE_URL", "the database of SOURCE=database, if database.toml has no url"),
    Variable("DATABASE_PASSWORD", "the password of that database"),
    Variable("BOARD_PASSWORD", "the password of a user of the board, instead of a prompt"),
    Variable("JAVA_HOME", "the Java that ENGINE=spark runs on"),
)
