"""`[pull]` of config.toml for the fake platform: quick tries, and secrets in the environment."""

from __future__ import annotations

from tests.unit.sources.openplatform.fake_platform import APP_KEY

SECTION = """[pull.aliexpress.{name}]
url = "{url}"
app_key = "{key}"
app_secret = {{ env = "AE_SECRET" }}
code = {{ env = "AE_CODE" }}
first_wait_seconds = 0.0
requests_per_second = 1000.0
history_days = 30
attempts = 2
"""


def pull_section(url: str, name: str = "main") -> str:
    """The section of a store at `url`. AE_SECRET and AE_CODE have its secrets."""
    return SECTION.format(name=name, url=url, key=APP_KEY)
