"""Add the API to the board's app: tokens, parameters, answers and errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from flask_limiter import Limiter
from polars.exceptions import PolarsError
from werkzeug.exceptions import HTTPException

from pipeline.api.api_answers import ApiError
from pipeline.api.api_reader import ApiReader, NoAnswer
from pipeline.api.openapi_document import PATHS, ApiPath, BadParameter, openapi_document
from pipeline.desk.desk_members import UserFile, token_owner
from pipeline.output.safe_text import one_line
from pipeline.settings.errors import UserError

BASE = "/api/v1"
# requests with a wrong token from one address
WRONG_TOKENS = "60 per minute"


def add_api(
    app: Flask,
    reader: ApiReader,
    limiter: Limiter,
    users: Callable[[], UserFile | None],
    needs_login: Callable[[], bool],
) -> None:
    """Add the paths below `/api/v1`. With a user file, each needs a bearer token of a user."""
    api = Blueprint("api", __name__, url_prefix=BASE)
    document = openapi_document(BASE)

    @api.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(document)

    for path in PATHS:
        view = _view(path, reader, users, needs_login)
        rule = path.path.replace("{night}", "<night>").replace("{order_id}", "<path:order_id>")
        api.add_url_rule(rule, path.name, view, methods=["GET"])
    limiter.limit(WRONG_TOKENS, deduct_when=lambda response: response.status_code == 401)(api)
    app.register_blueprint(api)

    @app.errorhandler(HTTPException)
    def as_json(error: HTTPException) -> Any:
        """Errors of paths of the API are JSON, such as 404 and 405; those of pages are pages."""
        if not request.path.startswith(f"{BASE}/"):
            return error
        response = error.get_response()
        response.data = ApiError(error=str(error.description)).model_dump_json()
        response.content_type = "application/json"
        return response


def _view(
    path: ApiPath,
    reader: ApiReader,
    users: Callable[[], UserFile | None],
    needs_login: Callable[[], bool],
) -> Callable[..., Any]:
    def view(**parts: str) -> Any:
        if needs_login() and not _has_token(users()):
            refusal = _error("send a token of a user: Authorization: Bearer ...", 401)
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        try:
            values = _values(path, parts)
            answer = path.read(reader, **values)
        except BadParameter as error:
            return _error(str(error), 400)
        except NoAnswer as error:
            return _error(str(error), 404)
        except (UserError, PolarsError, OSError) as error:
            # the message may name a path of this machine
            logging.getLogger(__name__).error("%s: %s", path.path, error)
            return _error("a file of the workspace cannot be read; the board's log says more", 500)
        return Response(answer.model_dump_json(), content_type="application/json")

    return view


def _has_token(content: UserFile | None) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if content is None or scheme.lower() != "bearer" or not token:
        return False
    return token_owner(content.users, token.strip()) is not None


def _values(path: ApiPath, parts: dict[str, str]) -> dict[str, Any]:
    """The arguments of the reader. Raises `BadParameter`."""
    values: dict[str, Any] = {}
    known = [parameter.name for parameter in path.parameters if parameter.where == "query"]
    for name, given in request.args.lists():
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise BadParameter(f"{one_line(name)}: is not a parameter; allowed: {allowed}")
        if len(given) > 1:
            raise BadParameter(f"{name}: is given {len(given)} times")
    for parameter in path.parameters:
        is_part = parameter.where == "path"
        text = parts[parameter.name] if is_part else request.args.get(parameter.name)
        value = parameter.read(text)
        if parameter.schema.get("format") == "date":
            try:
                value = date.fromisoformat(value if len(value) == 10 else "")
            except ValueError:
                raise BadParameter(f"{parameter.name}: must be a day like 2026-05-03") from None
        values["query" if parameter.name == "q" else parameter.name] = value
    return values


def _error(text: str, code: int) -> Response:
    return Response(ApiError(error=text).model_dump_json(), code, content_type="application/json")
