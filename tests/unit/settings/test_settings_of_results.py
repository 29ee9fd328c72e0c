"""Where data comes from, where results go and who signs in changes no result, and is not recorded
with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.settings.config import Config, load_config
from pipeline.training.fitting import training_settings

SECTIONS = {
    "pull": '[pull.aliexpress.main]\napp_key = "12345678"\napp_secret = {file = "/etc/secret"}\n'
    'code = {env = "CODE"}\n',
    "deliver": '[deliver.channel]\nurl = {env = "URL"}\nsecret = {env = "KEY"}\n',
    "board": "[board]\nhttps = true\n",
    "engine": '[engine]\nspark_master = "local[3]"\n',
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_night_and_a_model_do_not_depend_on(section: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SECTIONS[section])
    config = load_config(tmp_path)
    assert config != Config()
    assert config.settings_of_results() == Config().settings_of_results()
    assert training_settings(config) == training_settings(Config())


def test_links_change_the_list_and_no_model(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[links]\norder = "aliexpress"\n')
    config = load_config(tmp_path)
    assert config.settings_of_results() != Config().settings_of_results()
    assert training_settings(config) == training_settings(Config())
