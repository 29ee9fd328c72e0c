"""A page that is one file: its style, scripts, charts and data are inside it, and nothing else can
run or be fetched.

The Content-Security-Policy names each script and style by its hash (W3C CSP level 3, section 6.7).
So text from a buyer or a listing cannot become a script, even where escaping fails. Data is in
blocks of type application/json, which browsers never run. Vega evaluates its expressions with its
own interpreter (`ast`), because a policy without 'unsafe-eval' forbids compiling them.
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
    code_span,
    group_words,
    label_attribute,
    read_sentences,
    sentence_span,
    text_span,
)

TEMPLATES = Path(__file__).parent / "templates"
# charts use the text colour of the page, so that they are legible in light, in dark and on paper
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


_prepared: list[str] = []


def use_chart_library(text: str) -> None:
    """Use this text of `chart_library`, which takes a second to make."""
    _prepared[:] = [text]


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and vega-embed as one script. Only `vegaEmbed` becomes a global name."""
    if _prepared:
        return _prepared[0]
    version = alt.SCHEMA_VERSION.rsplit(".", 1)[0]
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    bundle = bundle.replace("</script", r"<\/script").replace("<!--", r"<\!--")
    return f"(() => {{\n{bundle}\n}})();"


def chart_spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The Vega-Lite specification of a chart, with its data and the style of our pages."""
    return chart.to_dict() | {"config": CHART_STYLE}


def as_json(content: object) -> Markup:
    """JSON that is safe inside a script element: nothing in it can end or open a tag. Letters
    outside ASCII stay as they are."""
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


def script_hash(text: str) -> str:
    """How a policy names a script or a style: by the hash of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def content_policy(style: str, scripts: Sequence[str], form_action: str = "'none'") -> str:
    """A Content-Security-Policy that allows this style and these scripts, and nothing from another
    address. `form_action`: where the page may send forms, and where its scripts may connect to."""
    hashes = " ".join(map(script_hash, scripts))
    connects = "" if form_action == "'none'" else f"; connect-src {form_action}"
    return (
        f"default-src 'none'; script-src {hashes}; style-src {script_hash(style)}; "
        f"img-src data:; base-uri 'none'; form-action {form_action}{connects}"
    )


def percent(share: float | None, digits: int = 1) -> str:
    """0.123 as '12.3%'; a dash for None."""
    return "-" if share is None else f"{share:.{digits}%}"


def points(share: float | None, digits: int = 2) -> str:
    """A difference of shares in percentage points, with its sign: 0.0012 as '+0.12'; a dash for
    None."""
    return "-" if share is None else f"{100 * share:+.{digits}f}"


@cache
def _environment() -> jinja2.Environment:
    # with the templates that it has compiled: the board renders a page per request
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, points=points)
    environment.globals.update(
        t=text_span, code=code_span, label=label_attribute, sentence=sentence_span
    )
    return environment


def render(
    template: str,
    *,
    scripts: Sequence[str],
    groups: Sequence[str],
    data: Mapping[str, Any],
    has_charts: bool,
    has_sentences: bool = False,
    form_action: str = "'none'",
    **context: Any,
) -> str:
    """Render a page.

    `scripts`: the page's own scripts by file name, in the order in which they run; `groups`: the
    groups of words that these scripts need; `data`: what the scripts read; `has_charts`: whether
    the chart library is included; `has_sentences`: whether the page shows sentences that the
    program wrote, which need translations; `context`: the variables of the template, all of them
    escaped.
    """
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    own_script = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in scripts)
    # the page's own script comes first, so that the page works before the library is parsed
    texts = [own_script, *([chart_library()] if has_charts else [])]
    sentences = {language: read_sentences(language) for language in LANGUAGES if has_sentences}
    return (
        _environment()
        .get_template(template)
        .render(
            policy=content_policy(style, texts, form_action),
            style=Markup(style),
            scripts=[Markup(text) for text in texts],
            data=as_json(data),
            words=as_json(group_words(*groups)),
            sentences=as_json(sentences),
            has_charts=has_charts,
            **context,
        )
    )
