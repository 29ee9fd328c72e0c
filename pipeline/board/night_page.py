"""The published page of a night with the desk inside it: its script, its words, and the state of
the buyers on the list.

The page of an earlier night, or of an earlier version, works too: nothing is rendered again. The
policy of the page (Content-Security-Policy) names each script by its hash, and so it also names
that of the desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from pipeline.pages.html import TEMPLATES, as_json, script_hash
from pipeline.pages.page_words import group_words, text_span

# what a published page contains, and what the board puts there instead
_NO_FORMS, _OWN_FORMS = "form-action &#39;none&#39;", "form-action &#39;self&#39;"
_SCRIPTS = "script-src "
FORM_MARKER = '<span id="board"></span>'
# the words that the scripts of the desk need in addition to those of the page
GROUPS = ("desk", "entry", "show", "outcome", "board")
DESK_SCRIPTS = ("desk.js", "desk_list.js")


@cache
def desk_script() -> str:
    """The script of the desk for the page of a night."""
    return "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in DESK_SCRIPTS)


def with_desk(page: str, desk: Mapping[str, Any], *, can_release: bool) -> str:
    """The published page with the desk. `desk`: what its script reads. `can_release`: whether to
    link the page on which a lead releases drafts.

    Marks in the page are replaced at their first occurrence, which is the page's own and precedes
    any text of an order; the script goes before the last end of the body, for the same reason.
    """
    script = desk_script()
    words = {"words": group_words(*GROUPS)}
    link = Markup('<a href="/release">{}</a> ').format(text_span("board.release"))
    release = link if can_release else ""
    bar = Markup(
        '<span id="board"></span><a href="/nights">{}</a> <a href="/orders">{}</a> {}'
        '<span role="status" id="desk-status"></span>'
    ).format(text_span("desk.nights"), text_span("desk.find"), release)
    added = Markup('<script type="application/json" id="desk-data">{}</script><script>{}</script>')
    added = added.format(as_json({**desk, **words}), Markup(script))
    allowed = f"{_SCRIPTS}{escape(script_hash(script))} "
    page = page.replace(_NO_FORMS, f"{_OWN_FORMS}; connect-src &#39;self&#39;", 1)
    page = page.replace(_SCRIPTS, allowed, 1).replace(FORM_MARKER, bar, 1)
    before, end, after = page.rpartition("</body>")
    return f"{before}{added}{end}{after}"
