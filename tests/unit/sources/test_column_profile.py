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


def test_long_numbers_are_no_times_under_the_name_of_an_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Order ID,Invoice No,created\n3000001001,20260501,1767225600\n"
        "3000001002,20260502,1767312000\n"
    )
    sheet = profile_sheet(tmp_path, path)
    assert {name: profile.is_time for name, profile in sheet.columns.items()} == {
        "Order ID": False,
        "Invoice No": False,
        "created": True,
    }
