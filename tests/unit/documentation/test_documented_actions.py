"""The actions that the pages show are complete: each loads, and its text is the one shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.actions.actions import Action
from pipeline.drafts.action_texts import require_templates
from pipeline.settings.action_files import SHIPPED, load_actions
from pipeline.settings.config import Config
from pipeline.settings.toml_model import read_toml

DOCS = Path(__file__).resolve().parents[3] / "docs"
REFERENCE, GUIDE = "reference/actions.md", "guide/service-lead/add-an-action.md"
SENTENCE = re.compile(r"^ *(We would like to give you a voucher.*)$", re.MULTILINE)


def toml_blocks(page: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("page", [REFERENCE, GUIDE])
def test_the_voucher_of_a_page_is_a_complete_action(page: str, tmp_path: Path) -> None:
    block = next(text for text in toml_blocks(page) if text.startswith("name ="))
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "voucher.toml").write_text(block, encoding="utf-8")
    sentence = SENTENCE.search((DOCS / page).read_text("utf-8"))
    assert sentence
    (tmp_path / "messages" / "en").mkdir(parents=True)
    (tmp_path / "messages" / "en" / "offer_voucher.txt").write_text(sentence[1], encoding="utf-8")
    actions = load_actions(tmp_path)
    require_templates(actions, tmp_path)
    assert "voucher" in {action.name for action in actions}


def test_the_example_of_the_reference_has_every_key(tmp_path: Path) -> None:
    (tmp_path / "voucher.toml").write_text(toml_blocks(REFERENCE)[0], encoding="utf-8")
    shown = read_toml(tmp_path / "voucher.toml")
    assert set(shown) == set(Action.model_fields)
    table = (DOCS / REFERENCE).read_text("utf-8")
    assert [key for key in Action.model_fields if f"`{key}`" not in table] == []


@pytest.mark.parametrize("page", [REFERENCE, GUIDE])
def test_the_settings_of_a_page_are_known(page: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(toml_blocks(page)[1], encoding="utf-8")
    config = Config(**read_toml(tmp_path / "config.toml"))
    config.actions.check_names({action.name for action in load_actions()} | {"voucher"})


def test_the_reference_names_every_action_of_the_program() -> None:
    text = (DOCS / REFERENCE).read_text("utf-8")
    names = {file.stem for file in SHIPPED.glob("*.toml")}
    parts = re.findall(r"`(\w+)`", text)
    starts = [name for name in parts if name.startswith("partial_refund")]
    written = set(parts) | {start[:-3] + end for start in starts for end in parts if end[0] == "_"}
    assert names <= written
