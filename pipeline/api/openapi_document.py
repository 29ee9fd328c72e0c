"""The OpenAPI 3.1 document of the API, made from the models of its answers.

OpenAPI 3.1 takes JSON Schema as it is, and pydantic writes it, so the document and the answers
cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import models_json_schema

from pipeline.api.api_answers import (
    ApiAnswer,
    ApiError,
    ContactListPage,
    DisputeClock,
    IndicatorRates,
    Nights,
    OpenOrders,
    OrderQueues,
    ProductReviewPage,
    StoreHealth,
)
from pipeline.api.api_order_answers import OrderAnswer
from pipeline.api.api_reader import ApiReader

VERSION = "1.0.0"
MOST_ROWS, USUAL_ROWS = 1_000, 100
MOST_OFFSET, LONGEST_QUERY = 10_000_000, 100
_NUMBER = re.compile(r"[0-9]{1,9}")
_REFUSALS = {
    "400": "a parameter is wrong",
    "401": "the token is missing or wrong",
    "403": "the board does not answer to this host name",
    "404": "there is nothing to answer with",
    "429": "too many requests with a wrong token",
    "500": "a file of the workspace is damaged",
}


class BadParameter(Exception):
    """A parameter is wrong; the message says what is allowed."""


@dataclass(frozen=True)
class ApiParameter:
    """A parameter of a path. `where` is path or query; `schema` is JSON Schema."""

    name: str
    about: str
    schema: dict[str, Any]
    where: str = "query"

    def read(self, text: str | None) -> Any:
        """The value of a text from the address. Raises `BadParameter`."""
        if self.schema["type"] != "integer":
            value = self.schema.get("default", "") if text is None else text
            if len(value) > self.schema.get("maxLength", len(value)):
                raise BadParameter(f"{self.name}: at most {self.schema['maxLength']} characters")
            return value
        if text is None:
            return self.schema["default"]
        low, high = self.schema["minimum"], self.schema["maximum"]
        if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
            raise BadParameter(f"{self.name}: must be a whole number from {low} to {high}")
        return int(text)


LIMIT = ApiParameter(
    "limit",
    "how many rows",
    {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": USUAL_ROWS},
)
OFFSET = ApiParameter(
    "offset",
    "how many rows to skip",
    {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0},
)
QUERY = ApiParameter(
    "q",
    "a part of an order id, buyer id, tracking number, or the id or title of a product",
    {"type": "string", "maxLength": LONGEST_QUERY, "default": ""},
)
NIGHT = ApiParameter("night", "a published night", {"type": "string", "format": "date"}, "path")
ORDER = ApiParameter("order_id", "the id of an order", {"type": "string", "minLength": 1}, "path")


@dataclass(frozen=True)
class ApiPath:
    """One path of the API: what it answers, and how the reader makes the answer."""

    path: str
    about: str
    answer: type[ApiAnswer]
    read: Callable[..., ApiAnswer]
    parameters: tuple[ApiParameter, ...] = ()

    @property
    def name(self) -> str:
        """The name of the operation."""
        return "get_" + re.sub(r"\W+", "_", self.path).strip("_")


PATHS = (
    ApiPath("/lists", "The published nights.", Nights, ApiReader.nights),
    ApiPath(
        "/lists/{night}",
        "The contact list of a night, with what the agents say about each buyer.",
        ContactListPage,
        ApiReader.contact_list,
        (NIGHT, LIMIT, OFFSET),
    ),
    ApiPath(
        "/queues",
        "The open orders by what is wrong with them, listed or not.",
        OrderQueues,
        ApiReader.queues,
        (LIMIT, OFFSET),
    ),
    ApiPath(
        "/orders",
        "The open orders with their scores.",
        OpenOrders,
        ApiReader.open_orders,
        (QUERY, LIMIT, OFFSET),
    ),
    ApiPath("/orders/{order_id}", "All about one order.", OrderAnswer, ApiReader.order, (ORDER,)),
    ApiPath("/clock", "The open disputes by deadline.", DisputeClock, ApiReader.clock),
    ApiPath("/kpi", "The platform's rates.", IndicatorRates, ApiReader.indicators),
    ApiPath(
        "/products", "The product review.", ProductReviewPage, ApiReader.products, (LIMIT, OFFSET)
    ),
    ApiPath("/health", "Whether the night can be trusted.", StoreHealth, ApiReader.health),
)


def openapi_document(base: str) -> dict[str, Any]:
    """The document; `base` is the path below which the API answers."""
    models = [(path.answer, "serialization") for path in PATHS]
    _, schemas = models_json_schema(
        [*models, (ApiError, "serialization")],  # type: ignore[list-item]
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dispute prevention",
            "version": VERSION,
            "description": "Lists, orders, dispute clock, rates, products and health of one store. "
            "It only reads.",
        },
        "servers": [{"url": base}],
        "security": [{"token": []}],
        "paths": {path.path: {"get": _operation(path)} for path in PATHS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: ApiPath) -> dict[str, Any]:
    def answer(about: str, model: type[ApiAnswer]) -> dict[str, Any]:
        schema = {"$ref": f"#/components/schemas/{model.__name__}"}
        return {"description": about, "content": {"application/json": {"schema": schema}}}

    return {
        "operationId": path.name,
        "summary": path.about,
        "parameters": [
            {
                "name": p.name,
                "in": p.where,
                "required": p.where == "path",
                "description": p.about,
                "schema": p.schema,
            }
            for p in path.parameters
        ],
        "responses": {
            "200": answer(path.about, path.answer),
            **{code: answer(about, ApiError) for code, about in _REFUSALS.items()},
        },
    }
