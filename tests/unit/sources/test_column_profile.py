"""Which columns of an unknown table are times, and which are numbers."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.mapped.column_profile import profile_sheet


def test_numbers_of_days_are_times_only_under_a_name_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(
        "Order date,Postcode,Created at,No,Sent\n"
        "46021,10115,46021.5,40001,2025/12/30 10:00\n"
        "46022,20095,46022.25,40002,2025/12/31\n",
        encoding="utf-8",
    )
    columns = profile_sheet(tmp_path, tmp_path / "o.csv").columns
    assert [name for name, profile in columns.items() if profile.is_time] == [
        "Order date",
        "Created at",
        "Sent",
    ]
    assert columns["No"].is_number
    assert all(profile.format is None for profile in columns.values())
