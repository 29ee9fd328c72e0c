"""The words of the pages in each language.

`locale/<language>/LC_MESSAGES/page.po` are gettext catalogues with the same keys. The msgid is the
key by which templates and scripts name a text, such as `list.filters`; the part before the dot is
its group. The msgstr is the text with named {placeholders}. A text with several plural forms
depends on {count}.

A page is written in English and carries the words of the other languages; a script in it switches
between them. Sentences that the program writes about an order, a dispute or a data check are data:
`sentences.po` translates them by id (`features.sentence`). One without a translation stays English.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.pofile import read_po
from markupsafe import Markup

from features.sentence import key_of

LANGUAGES = {"en": "English", "zh": "中文"}
FOLDER = Path(__file__).parent
# the order in which gettext numbers the plural forms of a language (Unicode CLDR)
_CATEGORIES = ("zero", "one", "two", "few", "many", "other")
# a text, or its plural forms by category
Text = str | Mapping[str, str]


@cache
def read_words(language: str) -> Mapping[str, Text]:
    """Texts by key. Plural forms are a mapping by CLDR category, such as `one` and `other`: the
    names that `Intl.PluralRules` uses in a browser."""
    path = FOLDER / "locale" / language / "LC_MESSAGES" / "page.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    categories = plural_categories(language)
    words: dict[str, Text] = {}
    for message in catalogue:
        if isinstance(message.id, tuple | list):
            words[message.id[0]] = dict(zip(categories, message.string or (), strict=True))
        elif message.id:
            words[message.id] = str(message.string)
    return words


def plural_categories(language: str) -> list[str]:
    """The CLDR categories of a language, in the order of gettext's plural forms."""
    tags = Locale.parse(language).plural_form.tags
    return [category for category in _CATEGORIES if category in tags or category == "other"]


def group_words(*groups: str) -> dict[str, dict[str, Text]]:
    """The words of some groups by language, for the script of a page."""
    return {
        language: {
            key: text for key, text in read_words(language).items() if key.split(".")[0] in groups
        }
        for language in LANGUAGES
    }


def english(key: str, **values: object) -> str:
    """The English text of a key with its placeholders filled. Raises KeyError for an unknown key,
    and for plural forms without `count`."""
    text = read_words("en")[key]
    if not isinstance(text, str):
        count = values["count"]
        assert isinstance(count, int), f"{key}: count is {count!r}, not an integer"
        text = text[Locale.parse("en").plural_form(count)]
    return text.format(**values)


@cache
def read_sentences(language: str) -> Mapping[str, str]:
    """Sentence id -> translation with {placeholders}. English needs none: the program writes it."""
    path = FOLDER / "locale" / language / "LC_MESSAGES" / "sentences.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    return {str(message.id): str(message.string) for message in catalogue if message.id}


def sentence_span(text: str, key: object = None) -> Markup:
    """A sentence that the program wrote; the script of the page translates it by its key.

    `key`: that of `features.sentence`, if `text` comes from a file; else it is the sentence's own.
    """
    key_json = json.dumps(key_of(text) if key is None else key, ensure_ascii=False)
    return Markup('<span data-s="{}" data-e="{}">{}</span>').format(key_json, text, text)


def text_span(key: str, **values: object) -> Markup:
    """A text of the page; the script of the page switches its language. `values` fill the
    placeholders."""
    attribute = Markup()
    if values:
        values_json = json.dumps(values, ensure_ascii=False, default=str)
        attribute = Markup(' data-v="{}"').format(values_json)
    return Markup('<span data-t="{}"{}>{}</span>').format(key, attribute, english(key, **values))


def code_span(group: str, code: object) -> Markup | str:
    """The words for a code, such as a stage or a cause. A code without words is shown as it is, and
    an empty one as a dash."""
    key = f"{group}.{code}"
    if key in read_words("en"):
        return text_span(key)
    return "-" if code is None or code == "" else str(code)


def label_attribute(name: str, key: str) -> Markup:
    """An HTML attribute, such as `aria-label`, whose text follows the language."""
    return Markup('{}="{}" data-ta="{}:{}"').format(Markup(name), english(key), name, key)
