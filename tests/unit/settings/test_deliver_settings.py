"""`[deliver]` takes what is allowed and no secret; its errors show no value."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput

SECRET = "hunter2-4711"
WHOLE = """
[deliver.email.lead]
host = "mail.example.com"
user = "robot"
password = { env = "MAIL_PASSWORD" }
sender = "night@example.com"
to = ["lead@example.com"]
[deliver.slack.team]
url = { file = "/etc/dispute-risk/slack" }
[deliver.webhook.erp]
url = "https://erp.example.com/nights"
secret = { env = "ERP_KEY" }
[deliver.helpdesk.desk]
product = "zendesk"
way = "csv"
[deliver.sftp.archive]
host = "files.example.com"
user = "night"
key = { file = "/etc/dispute-risk/key" }
[deliver.s3.lake]
endpoint = "http://127.0.0.1:9000"
bucket = "nights"
access_key = { env = "A" }
secret_key = { env = "B" }
"""
MAIL = '[deliver.email.lead]\nhost = "{host}"\nsender = "a@b.de"\nto = ["a@b.de"]\n'
HOOK = '[deliver.webhook.erp]\nurl = "{url}"\nsecret = {{ env = "A" }}\n'


def test_targets_have_names_and_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(WHOLE)
    deliver = load_config(tmp_path).deliver
    assert list(deliver.targets) == ["lead", "team", "erp", "desk", "archive", "lake"]
    assert deliver.kind_of("archive") == "sftp"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MAIL.format(host="x") + f'user = "u"\npassword = "{SECRET}"', "password"),
        (MAIL.format(host="x") + f'passwort = "{SECRET}"', "deliver.email.lead.passwort"),
        (MAIL.format(host="x") + 'user = "u"', "user and password go together"),
        (MAIL.format(host="x") + 'security = "none"', "on this machine only"),
        (
            MAIL.format(host="x").replace("a@b.de", "a@b.de\\nBcc: c@d.de"),
            "deliver.email.lead.sender",
        ),
        (MAIL.format(host="x").replace('["a@b.de"]', "[]"), "deliver.email.lead.to"),
        (f'[deliver.slack.team]\nurl = "https://hooks.slack.com/{SECRET}"', "deliver.slack.team"),
        ('[deliver.slack.team]\nurl = { env = "A", file = "b" }', "write one of"),
        ("[deliver.slack.team]\nurl = {}", "write one of"),
        ('[deliver.slack."../x"]\nurl = { env = "A" }', "deliver.slack"),
        (HOOK.format(url=f"https://u:{SECRET}@erp.example.com/"), "a user or a password"),
        (HOOK.format(url=f"https://erp.example.com/?token={SECRET}"), "may be a secret"),
        (HOOK.format(url="http://erp.example.com/"), "must begin with https://"),
        (HOOK.format(url="https://erp.example.com:99999/"), "is not a web address"),
        ('[deliver.helpdesk.d]\nproduct = "zendesk"', "needs also: url, user, token"),
        ('[deliver.sftp.a]\nhost = "h"\nuser = "u"', "password or key"),
        (
            '[deliver.sftp.a]\nhost = "h"\nuser = "u"\nkey = { env = "A" }\nfiles = ["../etc"]',
            "files",
        ),
        (WHOLE.replace("slack.team", "slack.lead"), "two targets are named lead"),
        ('[deliver.channel]\nsecret = { env = "A" }', "url and secret go together"),
        (f'deliver = "{SECRET}"', "deliver"),
    ],
)
def test_what_is_not_allowed_is_named_without_its_value(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadInput) as refusal:
        load_config(tmp_path)
    assert says in str(refusal.value)
    assert SECRET not in str(refusal.value)
