"""Who may use the board: users and roles, sessions, the proxy, the limit of wrong passwords."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from pipeline.board.board_app import create_app
from pipeline.board.sign_in import own_path
from pipeline.cli.app import app
from pipeline.desk.desk_log import DeskLog
from pipeline.desk.desk_members import (
    FILE,
    StoredUser,
    change_member,
    hashed_password,
    read_members,
)
from pipeline.desk.desk_state import Role
from pipeline.settings.config import load_config
from pipeline.settings.errors import BadInput, Damaged
from pipeline.workspace.workspace import Workspace
from tests.unit.board.board_client import desk_of, send, sign_in
from tests.unit.nights import AS_OF

PASSWORD = "correct horse battery"
# scrypt takes a tenth of a second, so it is done once
HASH = hashed_password(PASSWORD)


@pytest.fixture
def team(workspace: Path) -> Path:
    """The finished store with two agents, a lead, a reader and one whom a proxy signs in."""
    for name, role in (("mei", "agent"), ("tom", "agent"), ("lin", "lead"), ("shop", "reader")):
        user = StoredUser(role=Role(role), password_hash=HASH)
        change_member(workspace, name, lambda _, user=user: user)
    change_member(workspace, "ana", lambda _: StoredUser(role=Role.agent))
    return workspace


def client_of(workspace: Path) -> FlaskClient:
    board = create_app(Workspace(workspace), frozenset({"localhost"}), load_config(workspace))
    return board.test_client()


def signed_in(workspace: Path, user: str) -> FlaskClient:
    client = client_of(workspace)
    assert sign_in(client, user, PASSWORD).status_code == 303
    return client


def test_every_page_needs_a_sign_in(team: Path) -> None:
    client = client_of(team)
    for path in ("/", "/nights", "/orders?q=1", f"/night/{AS_OF}", "/order?id=1", "/log"):
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, f"/sign-in?next={path.split('?')[0]}")
    assert client.get("/desk/changes").status_code == 401
    assert send(client, "o", "claim", csrf="x").status_code == 403
    answer = sign_in(client, "mei", PASSWORD, next="/nights")
    assert (answer.status_code, answer.location) == (303, "/nights")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    page = client.get("/nights").text
    assert "Signed in as mei" in page
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token
    assert client.post("/sign-out", data={"token": token[1]}).location == "/sign-in"
    assert client.get("/nights").status_code == 303


@pytest.mark.parametrize(
    ("user", "password"),
    [("mei", "wrong"), ("eve", PASSWORD), ("shop", PASSWORD), ("ana", ""), ("", ""), ("ana", "x")],
)
def test_a_wrong_sign_in_says_the_same_for_all(team: Path, user: str, password: str) -> None:
    client = client_of(team)
    answer = sign_in(client, user, password)
    assert answer.status_code == 403
    assert "The user or the password is wrong." in answer.text
    assert client.get("/nights").status_code == 303


def test_wrong_passwords_are_limited_and_right_ones_are_not(team: Path) -> None:
    client = client_of(team)
    assert [sign_in(client, "mei", "wrong").status_code for _ in range(6)] == [403] * 5 + [429]
    assert "Wait five minutes" in sign_in(client, "mei", PASSWORD).text
    # another user of the same office is not locked out
    assert sign_in(client, "tom", PASSWORD).status_code == 303
    log = DeskLog(team)
    kinds = [entry.kind for entry in log.newest(10)]
    log.close()
    assert kinds == ["signed_in"] + ["sign_in_refused"] * 5


def test_a_session_ends_with_the_password_the_role_or_the_user(team: Path) -> None:
    client = signed_in(team, "mei")
    assert client.get("/nights").status_code == 200
    change_member(team, "mei", lambda user: StoredUser(role=Role.lead, password_hash=HASH))
    assert client.get("/nights").status_code == 303
    client = signed_in(team, "mei")
    change_member(team, "mei", lambda _: None)
    assert client.get("/nights").status_code == 303
    # without the file, the board does not open to everyone
    client = signed_in(team, "tom")
    (team / FILE).unlink()
    assert client.get("/nights").status_code == 303


def test_roles(team: Path) -> None:
    mei, tom, lin = (signed_in(team, name) for name in ("mei", "tom", "lin"))
    order = next(iter(desk_of(lin)["sheet"]), None) or "o-001245"
    assert send(mei, order, "claim").status_code == 200
    answer = send(tom, order, "claim")
    assert answer.json["problem"] == {"key": "desk.claimed_by", "values": {"user": "mei"}}  # type: ignore[index]
    assert send(mei, order, "assign", to="tom").status_code == 409
    assert send(lin, order, "assign", to="shop").status_code == 409
    assert send(lin, order, "assign", to="tom").status_code == 200
    number = send(tom, order, "note", text="hello").json["number"]  # type: ignore[index]
    assert send(mei, order, "undo", number=number).status_code == 409
    assert send(lin, order, "undo", number=number).status_code == 200
    assert mei.get("/log").status_code == 403
    assert "undone" in lin.get("/log").text
    assert desk_of(mei)["members"] == ["ana", "lin", "mei", "tom"]


def test_a_proxy_signs_in_from_its_address_only(team: Path) -> None:
    lines = '[board]\nproxy_header = "X-Remote-User"\nproxy_address = "10.0.0.2"\nhttps = true\n'
    with (team / "config.toml").open("a") as file:
        file.write(lines)
    client = client_of(team)
    for name, address, code in (
        ("ana", "10.0.0.2", 200),
        ("ana", "10.0.0.3", 303),
        ("eve", "10.0.0.2", 303),
        ("shop", "10.0.0.2", 303),
        ("", "10.0.0.2", 303),
    ):
        environ = {"REMOTE_ADDR": address}
        headers = {"X-Remote-User": name}
        answer = client.get("/nights", headers=headers, environ_base=environ)
        assert answer.status_code == code, (name, address)
    assert "Secure" in client_of(team).get("/sign-in").headers["Set-Cookie"]


def test_only_a_path_of_the_board_follows_a_sign_in() -> None:
    for good in ("/", "/nights", "/order?id=1&x=2"):
        assert own_path(good) == good
    for bad in ("//evil.example", "/\\evil.example", "https://evil.example", "", "x", "/a\r\nb"):
        assert own_path(bad) == "/"


def test_the_user_file_has_no_secrets_and_is_for_its_owner(team: Path) -> None:
    text = (team / FILE).read_text(encoding="utf-8")
    assert PASSWORD not in text
    assert (team / FILE).stat().st_mode & 0o777 == 0o600
    (team / FILE).write_text("{}x")
    with pytest.raises(Damaged, match="is not a user file"):
        read_members(team)


def test_users_are_made_on_the_command_line(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*options: str) -> str:
        arguments = ["board-user", "--workspace", str(workspace), *options]
        return CliRunner().invoke(app, arguments, catch_exceptions=False).output

    monkeypatch.setenv("BOARD_PASSWORD", PASSWORD)
    assert "mei is added" in run("--login", "mei")
    assert "mei is changed" in run("--login", "mei", "--role", "lead")
    assert "ana is added" in run("--login", "ana", "--proxy")
    output = run("--login", "shop", "--role", "reader", "--token")
    token = output.split()[-1]
    assert token.startswith("drt_")
    content = read_members(workspace)
    assert content is not None
    assert {n: u.role for n, u in content.users.items()} == {
        "ana": "agent",
        "mei": "lead",
        "shop": "reader",
    }
    assert not content.users["ana"].password_hash
    for path in workspace.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert token.encode() not in data, path
            assert PASSWORD.encode() not in data, path
    assert "mei is removed" in run("--login", "mei", "--remove")
    monkeypatch.setenv("BOARD_PASSWORD", "short")
    for options, message in (
        (("--login", "tom"), "at least 12"),
        (("--login", "a b"), "is not a user name"),
        (("--login", "eve", "--remove"), "there is no user"),
        (("--login", "eve", "--role", "boss"), "is not one of agent, lead, reader"),
    ):
        with pytest.raises(BadInput, match=message):
            run(*options)
