"""A page that is one file: its style, scripts, charts and data are inside it, and nothing else may
run or be fetched.

The Content-Security-Policy names each script and style by its hash (W3C CSP level 3, section 6.7),
so that no text of a buyer or a listing can become a script, even where escaping failed. Data stands
in blocks of type application/json, which browsers never run. Vega evaluates its expressions by its
interpreter (`ast`), because a policy without 'unsafe-eval' forbids the other way.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import vl_convert
from markupsafe import Markup

from pipeline.pages.page_words import (
    LANGUAGES,
    all_words,
    attribute,
    named,
    read_sentences,
    said,
    sentence,
)

TEMPLATES = Path(__file__).parent / "templates"
# the chart takes the page's ink, so that it is right in light, in dark and on paper
INK = "currentColor"
CHART_STYLE = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.15,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "top",
        "labelColor": INK,
        "titleColor": INK,
    },
    "header": {
        "labelFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
    },
    "text": {"color": INK},
    "view": {"stroke": None},
}


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and what puts their charts into a page; its short names stay its own."""
    version = alt.SCHEMA_VERSION.rsplit(".", 1)[0]
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    bundle = bundle.replace("</script", r"<\/script").replace("<!--", r"<\!--")
    return f"(() => {{\n{bundle}\n}})();"


def chart_spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Vega-Lite with its data inside."""
    return chart.to_dict() | {"config": CHART_STYLE}


def as_json(content: object) -> Markup:
    """JSON that may stand between script tags: nothing in it can end or open one. Text keeps its
    letters."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter, escaped in _ESCAPED.items():
        text = text.replace(letter, escaped)
    return Markup(text)


_ESCAPED = {
    "<": r"\u003c",
    ">": r"\u003e",
    "&": r"\u0026",
    "\u2028": r"\u2028",
    "\u2029": r"\u2029",
}


def _sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(style: str, scripts: Sequence[str], forms: str = "'none'") -> str:
    """Nothing but these scripts and this style, and nothing from anywhere; `forms`: where forms may
    be sent."""
    return (
        f"default-src 'none'; script-src {' '.join(map(_sha256, scripts))}; style-src {_sha256(style)}; "
        f"img-src data:; base-uri 'none'; form-action {forms}"
    )


def render(
    template: str,
    *,
    program: Sequence[str],
    parts: Sequence[str],
    data: Mapping[str, Any],
    charts: bool,
    forms: str = "'none'",
    **shown: Any,
) -> str:
    """A page. `program`: its scripts by name, run in this order; `parts`: the words that they need;
    `data`: what they read; `shown`: what the template itself shows (all of it is escaped)."""
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    own = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in program)
    # the page stands before the library is read
    scripts = [own, *([chart_library()] if charts else [])]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=said, w=named, a=attribute, s=sentence, languages=LANGUAGES)
    return environment.get_template(template).render(
        policy=content_policy(style, scripts, forms),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        data=as_json(data),
        words=as_json(all_words(*parts)),
        sentences=as_json(
            {language: read_sentences(language) for language in LANGUAGES if "list" in parts}
        ),
        **shown,
    )
