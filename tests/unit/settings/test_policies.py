"""Policies: each of the program's own loads; a value without a source, an unknown key or a gap is
refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.indicators.policy import indicators_without_limit
from pipeline.settings.errors import BadInput
from pipeline.settings.policy_files import SHIPPED, load_policy, policy_names

CLASSIC = (SHIPPED / "aliexpress-classic.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", policy_names())
def test_it_loads_and_every_value_has_a_source(name: str) -> None:
    policy = load_policy(name)
    rules = [
        policy.zone,
        *(dict(policy.clock or ()).values()),
        *(v for i in policy.indicators for v in dict(i).values()),
    ]
    entries = [entry for rule in rules if not isinstance(rule, str) for entry in rule.entries]
    assert all(entry.source or entry.unconfirmed for entry in entries)
    assert policy.indicators


def test_an_unpublished_limit_is_empty_and_a_dated_one_changes_on_its_day() -> None:
    day = date(2026, 1, 1)
    assert len(indicators_without_limit(load_policy("aliexpress-classic"), day)) == 3
    limit = load_policy("visa-vamp").indicators[0].limit
    limits = [
        limit.on(date(*when)) for when in ((2025, 5, 31), (2025, 6, 1), (2026, 3, 31), (2026, 4, 1))
    ]
    assert limits == [None, 0.022, 0.022, 0.015]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("auto_submit_day =", "auto_submit_dai ="), "clock.auto_submit_dai"),
        (("{ value = 4, source", "{ value = -4, source"), "escalate_from_day"),
        ((', source = "S5, S13", note', ", note"), "needs its source, or unconfirmed = true"),
        (('{ value = "America/Los_Angeles"', '{ value = "America/Atlantis"'), "zone"),
        (('"America/Los_Angeles"', '"../../etc/passwd"'), "zone"),
        (('name = "aliexpress-classic"', 'name = "other"'), "must equal the file name"),
        (("[clock]", "[clock"), "is not TOML"),
        (
            (
                '{ value = 4, source = "S5, S13, S14, S17" }',
                '[{ value = 4, source = "a" }, { value = 5, source = "b" }]',
            ),
            "must follow each other",
        ),
    ],
)
def test_a_faulty_policy_is_refused_with_its_file_and_entry(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in CLASSIC
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "aliexpress-classic.toml").write_text(
        CLASSIC.replace(*change, 1), encoding="utf-8"
    )
    with pytest.raises(BadInput, match="aliexpress-classic.toml: .*") as error:
        load_policy("aliexpress-classic", tmp_path)
    assert message in str(error.value)


def test_a_policy_name_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="aliexpress-classic"):
        load_policy("../../secrets", tmp_path)
