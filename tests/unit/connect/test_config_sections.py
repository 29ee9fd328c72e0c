"""A section of config.toml is changed, and everything else stays as a person wrote it."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from pipeline.connect.config_sections import changed_config, write_config
from pipeline.settings.errors import BadInput

PATH = ("pull", "aliexpress", "main")
VALUES = {"app_key": "1", "app_secret": {"env": "A"}, "code": {"file": "/c"}, "access_token": None}
SECTION = {"app_key": "1", "app_secret": {"env": "A"}, "code": {"file": "/c"}}
OTHER = '[pull.aliexpress.second]\napp_key = "2"\naccess_token = { env = "T" } # hers\n'
OTHER += 'app_secret = { env = "B" }\n'
# files that people write; the last ones have tables out of order or keys with dots
FILES = (
    "",
    "# nothing yet",
    "policy = 'aliexpress-classic' # ours\n\n[decide]\ncapacity = 5\n",
    "[decide]\ncapacity = 5\n\n# the platforms\n[pull]\nnightly = false # by hand\n",
    f"{OTHER}\n# the end\n",
    '[pull.aliexpress.main]\napp_key = "9" # old\naccess_token = { env = "X" }\n'
    'app_secret = { env = "X" }\nmost_rows = 70 # mine\n\n[decide] # after it\ncapacity = 5\n',
    f"{OTHER}\n[decide]\ncapacity = 5\n\n[pull]\nnightly = true\n",
    f"[page]\ncharts = false\n{OTHER}[decide]\ncapacity = 5 # out of order\n[pull.aliexpress.x]\n"
    f"{OTHER.split(chr(10), 1)[1]}",
    "pull.nightly = false\nseed = 3 # last\n",
    "\ufeffseed = 3\r\n# from another system\r\n",
)


@pytest.mark.parametrize("text", FILES)
def test_everything_else_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    before = tomllib.loads(text.lstrip("\ufeff"))
    made = changed_config(path, {PATH: VALUES})
    after = tomllib.loads(made)
    section = after["pull"]["aliexpress"].pop("main")
    old = before.get("pull", {}).get("aliexpress", {}).pop("main", {})
    kept = {key: value for key, value in old.items() if key not in VALUES}
    assert section == {**SECTION, **kept}
    assert after.get("decide") == before.get("decide")
    assert after["pull"].get("nightly") == before.get("pull", {}).get("nightly")
    assert after["pull"]["aliexpress"] == before.get("pull", {}).get("aliexpress", {})
    comments = [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]
    changed = {"old"}
    assert all(comment in made for comment in comments if comment not in changed)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[pull", "this is not TOML"),
        ("pull = 3\n", r"pull must be a table, written as \[pull.aliexpress.main\]"),
        ("capacity = 5\n", "capacity: Extra inputs"),
    ],
)
def test_a_file_that_is_not_allowed_is_left_alone(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=match):
        changed_config(path, {PATH: VALUES})
    assert path.read_text() == text


def test_a_link_stays_a_link_and_the_file_closed(tmp_path: Path) -> None:
    target = tmp_path / "etc" / "shop.toml"
    target.parent.mkdir()
    target.write_text("seed = 3\n")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    write_config(link, changed_config(link, {PATH: VALUES}))
    assert link.is_symlink()
    assert tomllib.loads(target.read_text())["pull"]
    assert not stat.S_IMODE(target.stat().st_mode) & 0o027
