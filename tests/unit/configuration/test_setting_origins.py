"""Every setting says where its value comes from, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.configuration.config_check import check_configuration
from pipeline.configuration.setting_list import sections
from pipeline.configuration.setting_origins import effective_settings, explained
from pipeline.settings.errors import BadInput

SECRET = "correct-horse-battery"
CONFIG = """
seed = 3
limits = { dispute_rate = 0.03 }
booster = { num_leaves = 16 }
[decide]
capacity = 80
[deliver.slack.shop]
url = { env = "SLACK_URL" }
"""


def origins(folder: Path) -> dict[str, tuple[str, str]]:
    return {one.key: (one.value, one.origin) for one in effective_settings(folder)}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "tuned.toml").write_text("[booster]\nnum_leaves = 4\nlambda_l2 = 5.0\n")
    return tmp_path


def test_a_workspace_without_files_has_only_defaults(tmp_path: Path) -> None:
    assert {origin for _, origin in origins(tmp_path).values()} == {"default"}


def test_a_value_names_its_file(store: Path) -> None:
    values = origins(store)
    assert values["seed"] == ("3", "config.toml")
    assert values["decide.capacity"] == ("80", "config.toml")
    assert values["decide.refund_share"] == ("1.0", "default")
    assert values["limits"] == ('{"dispute_rate": 0.03}', "config.toml")


def test_a_tuned_value_counts_unless_config_has_its_own(store: Path) -> None:
    values = origins(store)
    assert values["booster.num_leaves"] == ("16", "config.toml")
    assert values["booster.lambda_l2"] == ("5.0", "tuned.toml")
    assert values["booster.learning_rate"][1] == "default"


def test_every_setting_of_the_reference_is_shown(tmp_path: Path) -> None:
    documented = {
        f"{section.path}.{setting.name}".lstrip(".")
        for section in sections()
        for setting in section.settings
        if "NAME" not in section.path
    }
    assert documented == set(origins(tmp_path))


def test_a_secret_is_shown_as_where_it_is(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_URL", f"https://hooks.test/{SECRET}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"https://user:{SECRET}@models.test")
    shown = CliRunner().invoke(app, ["config", "show", "--workspace", str(store)])
    assert shown.exit_code == 0
    assert "environment variable SLACK_URL" in shown.output
    assert "MLFLOW_TRACKING_URI is set" in shown.output
    assert SECRET not in shown.output


def test_only_the_changed_settings_are_shown_on_request(store: Path) -> None:
    shown = CliRunner().invoke(app, ["config", "show", "--workspace", str(store), "--changed"])
    assert "decide.capacity" in shown.output
    assert "decide.refund_share" not in shown.output


@pytest.mark.parametrize(
    "key", ["seed", "decide.capacity", "deliver.channel.daily_cap", "deliver.slack.shop.url"]
)
def test_a_setting_is_explained(key: str) -> None:
    section, setting = explained(key)
    assert setting.name == key.split(".")[-1]
    assert setting.meaning or section.about


@pytest.mark.parametrize(
    ("key", "hint"),
    [("decide.capcity", "decide.capacity"), ("gate", "gate.loss_margin"), ("capacity", "decide.")],
)
def test_an_unknown_setting_is_answered_with_those_like_it(key: str, hint: str) -> None:
    with pytest.raises(BadInput, match=hint):
        explained(key)


def test_explain_shows_the_value_of_a_workspace(store: Path) -> None:
    asked = ["config", "explain", "decide.capacity", "--workspace", str(store)]
    shown = CliRunner().invoke(app, asked)
    assert "default: 50; allowed: ≥ 1, ≤ 1000000" in shown.output
    assert "80 (config.toml)" in shown.output.replace("\n", " ")


def test_a_sound_configuration_passes(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_URL", f"https://hooks.test/{SECRET}")
    lines = check_configuration(store)
    assert "deliver: 1 targets, 1 secrets" in lines
    assert "pull: 0 stores and services, 0 secrets" in lines


def test_the_secrets_of_pull_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text(
        '[pull.aliexpress.main]\napp_key = "1"\napp_secret = { env = "AE_SECRET" }\n'
        'code = { env = "AE_CODE" }\n'
    )
    monkeypatch.setenv("AE_SECRET", SECRET)
    with pytest.raises(BadInput, match=r"pull.aliexpress.main.code: .* AE_CODE is not set"):
        check_configuration(tmp_path)
    monkeypatch.setenv("AE_CODE", SECRET)
    assert "pull: 1 stores and services, 2 secrets" in check_configuration(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("capacity = 5\n", "capacity"),
        ('policy = "none-such"\n', "none-such"),
        ('actions = {not_allowed = ["none-such"]}\n', "none-such"),
        (CONFIG, "SLACK_URL is not set"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=fault):
        check_configuration(tmp_path)


def test_a_limit_that_the_policy_does_not_know_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("limits = { none_such = 0.1 }\n")
    assert any(line.startswith("look at limits") for line in check_configuration(tmp_path))
