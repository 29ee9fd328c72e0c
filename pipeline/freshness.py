"""A gate that all nightly files share: what is made from old facts could not be trusted."""

from __future__ import annotations

from features.clock import calendar_day
from pipeline.errors import Refused
from pipeline.table_files import TableFiles


def refuse_stale_data(files: TableFiles, as_of_day: int, max_age_days: int) -> None:
    newest = files.newest_fact_day(as_of_day)
    if newest is None:
        raise Refused(f"nothing is known before {calendar_day(as_of_day)}. Use a later AS_OF, or load older data.")
    age = as_of_day - newest
    if age > max_age_days:
        raise Refused(
            f"the newest fact is {age} days older than {calendar_day(as_of_day)}; at most {max_age_days} are allowed "
            "(max_data_age_days in config.toml). Load newer files, or use an earlier AS_OF. The last list stays."
        )
