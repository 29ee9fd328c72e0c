"""The answers about one store: its platform and name, its settings, and where its secrets are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from pipeline.connect.asked_answers import VARIABLE, AskedAnswers
from pipeline.connect.kept_secrets import ENV, FILE, KEYRING, WAYS, given_source, write_secret
from pipeline.connect.platform_entry import ConnectPlatform, ConnectQuestion
from pipeline.connect.platform_table import PLATFORMS
from pipeline.connections.call_faults import SecretFault
from pipeline.connections.secret_values import SecretValues
from pipeline.connections.store_folders import StoreFolders
from pipeline.connections.system_keyring import require_keyring
from pipeline.settings.config import load_config
from pipeline.settings.delivery.delivery_section import SecretSource, TargetName
from pipeline.settings.delivery.pull_section import PullSection
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import say
from pipeline.workspace.workspace import Workspace

LONGEST = 300


@dataclass(frozen=True)
class ConnectOptions:
    """What was given as options. `answers`: by setting; `secrets`: by setting, where each is;
    `keep`: where typed secrets go; `is_forced`: write also if the test fails."""

    platform: str | None = None
    store: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    keep: str | None = None
    is_forced: bool = False

    def given(self) -> dict[str, str]:
        """By the key of their question."""
        single = {"platform": self.platform, "store": self.store, "keep": self.keep}
        return {**{k: text for k, text in single.items() if text is not None}, **self.answers}


def refuse_open_secrets(options: ConnectOptions) -> None:
    """Raise `BadInput` for options that are, or may be, a secret: before a log has them."""
    known, hidden = set[str](), set[str]()
    for platform in PLATFORMS.values():
        fields = platform.section.model_fields
        hidden |= {key for key, part in fields.items() if _is_secret(part.annotation)}
        hidden |= {question.key for question in platform.questions if question.is_secret}
        known |= fields.keys() | {question.key for question in platform.questions}
    if wrong := sorted(options.answers.keys() & hidden):
        raise BadInput(
            f"{', '.join(wrong)}: a secret is never an answer in an option, where other users of "
            "this machine see it. Say where it is: SECRETS='KEY=env:NAME'."
        )
    if unknown := sorted((options.answers.keys() | options.secrets.keys()) - known):
        raise BadInput(f"{', '.join(unknown)[:LONGEST]}: no platform has such a setting.")
    for key, text in options.secrets.items():
        given_source(text, key)


class StoreAnswers:
    """The answers. `sources`: where the pull will read each secret; `tested`: where the test reads
    it; `typed`: the secrets that were typed."""

    def __init__(
        self, workspace: Workspace, options: ConnectOptions, asked: AskedAnswers, staging: Path
    ) -> None:
        self._workspace, self._options, self._asked = workspace, options, asked
        self._staging, self.secrets = staging, SecretValues()
        self.platform = self._platform()
        self.store = self._store()
        self.folders = StoreFolders.of(workspace.folder, self.store, self.platform.name)
        self.answers: dict[str, Any] = {}
        self.sources: dict[str, SecretSource] = {}
        self.tested: dict[str, SecretSource] = {}
        self.typed: dict[str, str] = {}
        self._way = ""

    def ask(self) -> None:
        """Ask what is not given."""
        questions = {question.key for question in self.platform.questions}
        say(f"{self.platform.title}: {self.platform.needs}")
        self.answers |= {
            key: self._checked(key, text)
            for key, text in self._options.answers.items()
            if key not in questions
        }
        self.tested |= {key: given_source(t, key) for key, t in self._options.secrets.items()}
        self.sources |= self.tested
        for question in self.platform.questions:
            earlier = {**self.answers, **self.sources}
            if question.key not in self.sources and question.is_asked(earlier):
                self._ask(question)

    def settings(self) -> PullSection:
        """The settings of the store, as the test reads them. Raises `BadInput`."""
        made: PullSection = _valid(
            self.platform.section, "settings", {**self.own_settings(), **self.tested}
        )
        return made

    def own_settings(self) -> dict[str, Any]:
        """The answers that are settings and no secrets."""
        fields = self.platform.section.model_fields
        return {key: value for key, value in self.answers.items() if key in fields}

    def _platform(self) -> ConnectPlatform:
        def known(name: str) -> ConnectPlatform:
            if name not in PLATFORMS:
                raise BadInput(f"platform: {name!r:.60} is not one of {', '.join(PLATFORMS)}.")
            return PLATFORMS[name]

        return self._asked.answer(
            "platform", f"Platform ({', '.join(PLATFORMS)})", known, default=next(iter(PLATFORMS))
        )

    def _store(self) -> str:
        """The name of the store's section; it is only asked for if there is one already."""
        pull = load_config(self._workspace.folder).pull
        names = [name for platform, name in pull.stores() if platform == self.platform.name]
        if not names and self._options.store is None:
            return "main"
        name: str = self._asked.answer(
            "store",
            f"Name of the store; there is {', '.join(names)}: connect it anew, or name another",
            lambda text: _valid(TargetName, "store", text),
            default=names[0] if names else "main",
        )
        return name

    def _ask(self, question: ConnectQuestion) -> None:
        if question.before:
            say(question.before(self.answers))
        if question.is_secret:
            self._ask_secret(question)
            return
        self.answers[question.key] = self._asked.answer(
            question.key,
            question.text,
            lambda text: self._checked(question.key, question.cleaned(text)),
            default=question.default,
        )

    def _ask_secret(self, question: ConnectQuestion) -> None:
        key = question.key
        way = FILE if question.is_used_once else self._kept_in()
        if way == ENV:
            name = f"{self.platform.name}_{self.store}_{key}".replace("-", "_").upper()
            self.sources[key] = self.tested[key] = self._asked.answer(
                f"{key}{VARIABLE}",
                f"Environment variable with the {question.text}",
                lambda text: self._set_variable(key, text.strip()),
                default=name,
            )
            return
        value = self._asked.answer(
            key, question.text, lambda text: _one_line(key, question.cleaned(text)), is_hidden=True
        )
        self.secrets.remember(value)
        self.typed[key] = value
        write_secret(self._staging / key, value)
        self.tested[key] = SecretSource(file=str(self._staging / key))
        kept = self.folders.state.relative_to(self._workspace.folder) / key
        self.sources[key] = SecretSource(file=kept.as_posix())
        if way == KEYRING:
            entry = f"{self._workspace.folder.name}-{self.platform.name}-{self.store}-{key}"
            self.sources[key] = SecretSource(keyring=f"dispute-risk/{entry}")

    def _kept_in(self) -> str:
        """The way in which secrets are kept, asked once."""
        if not self._way:
            self._way = self._asked.answer(
                "keep",
                "Where to keep secrets: file (of mode 0600, written now), env (an environment "
                "variable that you set) or keyring (of this system)",
                _known_way,
                default=FILE,
            )
        return self._way

    def _set_variable(self, key: str, name: str) -> SecretSource:
        source: SecretSource = _valid(SecretSource, key, {"env": name})
        try:
            self.secrets.read_line(source, key)
        except SecretFault as fault:
            raise BadInput(
                f"{fault}. Set it in the shell, and for the user that runs the night: export NAME"
            ) from None
        return source

    def _checked(self, key: str, text: str) -> Any:
        """An answer as the setting's own type."""
        part = self.platform.section.model_fields.get(key)
        if part is None:
            return _one_line(key, text)
        return _valid(Annotated[part.annotation, part], key, text)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretSource or SecretSource in getattr(annotation, "__args__", ())


def _known_way(text: str) -> str:
    way = text.strip()
    if way not in WAYS:
        raise BadInput(f"keep: write one of {', '.join(WAYS)}.")
    if way == KEYRING:
        try:
            # now, not after everything was typed
            require_keyring("keep")
        except SecretFault as fault:
            raise BadInput(str(fault)) from None
    return way


def _one_line(key: str, text: str) -> str:
    if not text or not text.isprintable() or len(text) > 5_000:
        raise BadInput(f"{key}: write one line.")
    return text


def _valid(kind: Any, key: str, value: Any) -> Any:
    """The value as a type of the settings. The message never shows the value."""
    check: Callable[[Any], Any] = TypeAdapter(kind).validate_python
    try:
        return check(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, (key, *e['loc'])))}: {e['msg']}" for e in error.errors()
        )
        raise BadInput(f"{faults[:LONGEST]}.") from None
