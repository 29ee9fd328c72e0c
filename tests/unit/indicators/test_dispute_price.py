"""The price of a dispute in a workspace: what it reads, and which day of assessment it is for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from unittest.mock import Mock

import pytest

from features.asof import visible
from features.clock import calendar_day
from features.tables import TABLES
from pipeline.indicators.dispute_price import dispute_price, price_of_tables, priced_assessment
from pipeline.settings.config import Config, load_config
from pipeline.settings.policy_files import load_policy
from pipeline.workspace.table_files import TableFiles
from pipeline.workspace.workspace import Workspace
from tests.spec.models.test_rate_forecast import TODAY, steady_store

AS_OF = calendar_day(TODAY)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Ten orders a day, two of which are disputed: a dispute rate of 20 %."""
    workspace = Workspace(tmp_path_factory.mktemp("steady"))
    workspace.write_tables(steady_store(lambda _: 2), {"input_sha256": {}})
    return workspace


def config(limit: float | None, loss: float) -> Config:
    limits = {} if limit is None else {"dispute_rate": limit}
    return Config(limits=limits, value={"grade_loss_usd": loss})  # type: ignore[arg-type]


def test_without_a_stated_loss_no_table_is_read(tmp_path: Path) -> None:
    files = Mock(spec=TableFiles)
    price = dispute_price(Workspace(tmp_path), files, config(0.2, 0.0), AS_OF)
    assert (price.usd, price.rates, files.mock_calls) == (0.0, (), [])
    assert "not stated" in price.says


def test_a_store_near_its_limit_pays_more_for_a_dispute(store: Workspace) -> None:
    files = store.table_files()
    near, far = (dispute_price(store, files, config(limit, 500.0), AS_OF) for limit in (0.2, 0.4))
    assert near.usd > 5.0
    assert far.usd == 0.0
    assert "breach its limit of 20.00%" in near.says
    assert "changes nothing" in far.says
    assert [note.id for note in near.notes] == [
        "grade_price.no_limit",
        "grade_price.no_limit",
        "grade_price.no_escalation",
    ]


def test_facts_of_later_days_change_nothing() -> None:
    """The store goes on for 40 days after this night."""
    tables = steady_store(lambda _: 2)
    known = {name: visible(tables[name], TODAY) for name in TABLES}
    prices = [
        price_of_tables(each, load_policy("aliexpress-classic"), config(0.2, 500.0), AS_OF).usd
        for each in (tables, tables.with_frames(known))
    ]
    assert known["orders"].height < tables["orders"].height
    assert prices[0] == prices[1] > 0.0


def test_a_store_without_limits(store: Workspace) -> None:
    price = dispute_price(store, store.table_files(), config(None, 500.0), AS_OF)
    assert price.usd == 0.0
    assert price.says.id == "grade_price.no_rate"


def test_the_setting_is_read_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[value]\ngrade_loss_usd = 250\n", encoding="utf-8")
    assert load_config(tmp_path).value.grade_loss_usd == 250.0


@pytest.mark.parametrize(
    ("night", "assessed"),
    [
        ("2024-05-28", "2024-06-27"),
        ("2024-06-12", "2024-06-27"),  # fifteen days before it
        ("2024-06-13", "2024-07-27"),
        ("2024-06-26", "2024-07-27"),  # tomorrow's assessment counts hardly any dispute to come
        ("2024-06-27", "2024-07-27"),
    ],
)
def test_the_assessment_that_most_disputes_to_come_count_for(night: str, assessed: str) -> None:
    assert priced_assessment(date.fromisoformat(night), 27) == date.fromisoformat(assessed)
