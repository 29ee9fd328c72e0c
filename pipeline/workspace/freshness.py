"""The data check that all nightly steps share: results from old facts are not reliable."""

from __future__ import annotations

from features.clock import calendar_day
from pipeline.settings.errors import Refused
from pipeline.workspace.table_files import TableFiles


def refuse_stale_data(files: TableFiles, as_of_day: int, max_age_days: int) -> None:
    """Raises `Refused` when the newest fact before `as_of_day` is over `max_age_days` days old."""
    if stale := too_old(newest_fact(files, as_of_day), as_of_day, max_age_days):
        raise Refused(f"{stale} The last list stays in place.")


def newest_fact(files: TableFiles, as_of_day: int) -> int:
    """The last day before `as_of_day` on which any fact became known. Raises `Refused` if there is
    none."""
    newest = files.newest_fact_day(as_of_day)
    if newest is None:
        raise Refused(
            f"nothing is known before {calendar_day(as_of_day)}. "
            "Use a later AS_OF, or load older data."
        )
    return newest


def too_old(newest_day: int, as_of_day: int, max_age_days: int) -> str | None:
    """The error message when the newest fact is over `max_age_days` days old, else None."""
    age = as_of_day - newest_day
    if age <= max_age_days:
        return None
    return (
        f"the newest fact is {age} days older than {calendar_day(as_of_day)}; at most "
        f"{max_age_days} are allowed (max_data_age_days in config.toml). "
        "Load newer files, or use an earlier AS_OF."
    )
