"""The gettext catalogues of the pages: the same texts in both languages, all of them used, and the
plural forms."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from features.stage import STAGES_AND_UNKNOWN as STAGES
from features.tables import CAUSES
from models.contact.queues import QUEUES
from models.effects.assumed_shares import NOTHING
from models.monitoring.sequential_monitoring import LEVELS
from models.product.product_verdict import (
    CARRIER,
    CHANGED,
    KEEP,
    LISTING,
    NOT_JUDGED,
    STOP,
    SUPPLIER,
)
from models.product.recent_rates import FALLING, RISING, STEADY
from pipeline.board.board_pages import GROUPS as BOARD_GROUPS
from pipeline.board.night_page import GROUPS as DESK_GROUPS
from pipeline.board.release_page import STATES
from pipeline.desk.desk_state import EntryKind
from pipeline.desk.order_search import MATCHES
from pipeline.evaluation.model_page import GROUPS as MODEL_GROUPS
from pipeline.output.contact_list_columns import OUTCOMES
from pipeline.pages.page_words import (
    FOLDER,
    LANGUAGES,
    code_span,
    english,
    group_words,
    plural_categories,
    read_words,
    text_span,
)
from pipeline.pages.product_page import GROUPS as PRODUCT_GROUPS
from pipeline.pages.report import GROUPS as REPORT_GROUPS
from pipeline.pages.time_line import KINDS
from pipeline.registry.registered_versions import ALIASES
from pipeline.settings.action_files import load_actions
from pipeline.settings.languages import LANGUAGES as MESSAGE_LANGUAGES
from pipeline.settings.policy_files import load_policy
from pipeline.sources.tracking.tracking_statuses import STATUSES, SUB_STATUSES

# the groups whose keys are codes of the program; all other keys are written out where they are used
CODES = {
    "stage": STAGES,
    "cause": (*CAUSES, "unknown"),
    "basis": ("assumption", "evidence"),
    "action": (*(action.name for action in load_actions()), NOTHING),
    "outcome": OUTCOMES,
    "language": MESSAGE_LANGUAGES,
    "event": (*KINDS, "tonight", "contact_by"),
    # the words of the status serve those sub-statuses that say no more
    "scan": (
        *STATUSES,
        *(
            code
            for code in SUB_STATUSES
            if "_" in code and not code.endswith(("_Other", "_InvalidCode"))
        ),
    ),
    "queue": tuple(QUEUES),
    "queue_how": tuple(QUEUES),
    "said_by": ("buyer", "seller"),
    "indicator": tuple(i.name for i in load_policy("aliexpress-2022", Path()).indicators),
    "effect": ("prevents disputes", "provokes disputes", "not known yet"),
    "health_level": (*LEVELS, "unknown"),
    "verdict": (NOT_JUDGED, KEEP, LISTING, SUPPLIER, CARRIER, CHANGED, STOP),
    "trend": (RISING, FALLING, STEADY),
    "change": LEVELS,
    "alias": ALIASES,
    "entry": tuple(EntryKind),
    "release_state": (*STATES.values(), "sent"),
    "match": MATCHES,
    "show": ("all", "todo", "mine", "snoozed", "contacted"),
    "step": ("opened", "answered", "withdrawn", "escalated", "ruled", "refunded"),
}


def forms_of(text: object) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [str(text)]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def sources() -> Iterator[str]:
    folders = [FOLDER, *(FOLDER.parent / name for name in ("board", "desk", "evaluation"))]
    paths = chain(
        *(folder.glob("*.py") for folder in folders),
        FOLDER.glob("templates/*.html"),
        FOLDER.glob("templates/*.js"),
    )
    for path in paths:
        yield path.read_text(encoding="utf-8")


def keys_in(source: str) -> set[str]:
    """Quoted texts such as "list.filters" or "@chart.limit" whose first part is a group."""
    groups = {key.split(".")[0] for key in read_words("en")}
    keys = set(re.findall(r'"@?(\w+\.[\w ]+)"', source))
    is_file = re.compile(r"\.(js|html|css|po|sqlite)$")
    return {key for key in keys if key.split(".")[0] in groups and not is_file.search(key)}


def test_every_language_has_the_same_keys_and_placeholders() -> None:
    words = read_words("en")
    for language in LANGUAGES:
        translated = read_words(language)
        assert translated.keys() == words.keys()
        for key, text in words.items():
            forms = [*forms_of(text), *forms_of(translated[key])]
            assert all(forms), key
            assert len({frozenset(placeholders(form)) for form in forms}) == 1, key
            assert isinstance(translated[key], dict) == isinstance(text, dict), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_no_key_twice_and_no_fuzzy_text(language: str) -> None:
    path = FOLDER / "locale" / language / "LC_MESSAGES" / "page.po"
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r'^msgid "[^"]', text, re.MULTILINE)) == len(read_words(language))
    assert "fuzzy" not in text
    assert f'"Language: {language}\\n"' in text


def test_every_key_that_is_used_exists_and_no_key_is_unused() -> None:
    used = set().union(*map(keys_in, sources()))
    codes = {f"{group}.{code}" for group, names in CODES.items() for code in names}
    assert used | codes == read_words("en").keys()


def test_every_group_is_sent_to_a_page() -> None:
    groups = {key.split(".")[0] for key in read_words("en")}
    page_groups = (REPORT_GROUPS, PRODUCT_GROUPS, BOARD_GROUPS, DESK_GROUPS, MODEL_GROUPS)
    assert groups == set().union(*page_groups)
    words = group_words("stage")
    assert words["en"].keys() == {f"stage.{stage}" for stage in STAGES}
    assert words["zh"]["stage.in_transit"] == "运输中"


def test_plural_forms_have_the_names_that_a_browser_uses() -> None:
    assert plural_categories("en") == ["one", "other"]
    assert plural_categories("zh") == ["other"]
    assert plural_categories("ru") == ["one", "few", "many", "other"]
    assert read_words("en")["board.orders"] == {"one": "{count} order", "other": "{count} orders"}
    assert read_words("zh")["board.orders"] == {"other": "{count} 个订单"}


def test_english_takes_the_form_for_the_count() -> None:
    texts = [english("tonight.checks_failed", count=n, failed=1) for n in (1, 14)]
    assert texts == ["1 of 1 data check failed.", "1 of 14 data checks failed."]
    assert english("tonight.checks_passed", count=0) == "0 data checks passed."
    with pytest.raises(KeyError):
        english("tonight.checks_passed")


def test_a_text_in_a_page_carries_its_key_and_values() -> None:
    span = text_span("board.title", store='<b>"x"')
    assert span == (
        '<span data-t="board.title" data-v="{&#34;store&#34;: &#34;&lt;b&gt;\\&#34;x\\&#34;&#34;}">'
        "Nights of &lt;b&gt;&#34;x&#34;</span>"
    )
    assert code_span("stage", "in_transit") == '<span data-t="stage.in_transit">in transit</span>'
    assert code_span("stage", "elsewhere") == "elsewhere"
    assert [code_span("stage", code) for code in (None, "")] == ["-", "-"]
