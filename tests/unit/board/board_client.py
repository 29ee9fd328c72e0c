"""The board as a test uses it: sign in, read what a page gives its script, send an entry."""

from __future__ import annotations

import json
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.nights import AS_OF


def desk_of(client: FlaskClient, path: str = f"/night/{AS_OF}") -> dict[str, Any]:
    """What the page gives the script of the desk."""
    page = client.get(path).text
    text = re.search(r'id="desk-data">(.*?)</script>', page, re.DOTALL)
    assert text
    return dict(json.loads(text[1]))


def send(client: FlaskClient, order: str, kind: str, **values: object) -> TestResponse:
    """Send an entry, as the script does, with the token of the page of the order."""
    token = values.pop("csrf", None) or desk_of(client)["token"]
    form = {"order": order, "kind": kind, **values}
    return client.post("/desk/entries", data=form, headers={"X-CSRF-Token": str(token)})


def sign_in(client: FlaskClient, user: str, password: str, **more: str) -> TestResponse:
    """Send the form of the page to sign in."""
    token = re.search(r'name="token" value="([^"]+)"', client.get("/sign-in").text)
    assert token
    form = {"token": token[1], "user": user, "password": password, **more}
    return client.post("/sign-in", data=form)
