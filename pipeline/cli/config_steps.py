"""The steps about settings: make a workspace, and show, check and explain its configuration."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from pipeline.cli.options import SOURCE_NAMES, WorkspaceFolder, open_workspace
from pipeline.load.known_sources import SOURCES
from pipeline.settings.errors import BadInput
from pipeline.workspace.progress import say, warn

app = typer.Typer()
config = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
OptionalWorkspace = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="WORKSPACE", help="workspace whose value is shown too"),
]


@app.command()
def init(
    folder: WorkspaceFolder,
    raw: Annotated[
        str | None, typer.Option(metavar="RAW", help="folder with the store's files")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help=f"format of these files: {SOURCE_NAMES}")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="time zone of the store, such as Europe/Berlin")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="platform rules that apply to the store, such as paypal")
    ] = None,
    capacity: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="most messages to buyers in one night")
    ] = None,
) -> None:
    """Make a workspace by asking five questions; an option answers its question.

    Reads the names of the files in --raw.
    Writes config.toml into the workspace, which must not have one.
    """
    from pipeline.configuration.new_workspace import (
        Answers,
        guessed_source,
        make_workspace,
        questions,
        refuse_existing,
    )

    refuse_existing(folder)
    given = {"raw": raw, "source": source, "zone": zone, "policy": policy, "capacity": capacity}
    answers: dict[str, str] = {}
    for option, question in questions(sorted(SOURCES)).items():
        default = question.default
        if option == "source" and Path(answers["raw"]).is_dir():
            default = guessed_source(Path(answers["raw"]))
        text = given[option]
        if text is not None:
            answers[option] = question.check(text)
            continue
        while option not in answers:
            try:
                answers[option] = question.check(_answer(option, question.text, default))
            except BadInput as error:
                warn(str(error))
    made = Answers(**answers)
    say(f"written: {make_workspace(folder, made)}")
    files = f"SOURCE={made.source} RAW={made.raw} WORKSPACE={folder}"
    say(f"next, check the files: make doctor {files}")
    say(f"then make the first list: make nightly {files} AS_OF=<today, like 2026-01-31>")


@app.command()
def connect(
    folder: WorkspaceFolder,
    platform: Annotated[
        str | None, typer.Option(help="platform to connect, such as aliexpress or shopify")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="your name for this store, for its section in config.toml")
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            metavar="KEY=VALUE",
            help="answer to a question, such as app_key=1; may be repeated",
        ),
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="KEY=WHERE",
            help="where a secret is: env:NAME, file:/path or keyring:service/name; may be repeated",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="[file|env|keyring]", help="where to keep the secrets you type"),
    ] = None,
    is_forced: Annotated[
        bool, typer.Option("--force", help="write it even if the test fails")
    ] = False,
) -> None:
    """Connect a store to a platform: asks for what it needs, tests it, and writes [pull].

    Asks the platform which methods the account may call. An option answers its
    question; secrets are typed without being shown.
    Writes [pull] of config.toml, and secrets and the first token into pull/ in the
    workspace, for its owner only.
    """
    from pipeline.connect.connect_store import connect as step
    from pipeline.connect.store_answers import ConnectOptions, refuse_open_secrets

    options = ConnectOptions(
        platform, store, pairs(answers, "answer"), pairs(secrets, "secret"), keep, is_forced
    )
    # before the log of the workspace, which has the options
    refuse_open_secrets(options)
    folder.mkdir(parents=True, exist_ok=True)
    workspace, config, _ = open_workspace(folder)
    with workspace.shared():
        count = step(workspace, options)
    say(f"{count} questions answered")
    # what is pulled counts from the next day on
    zone = config.sources.store_zone
    tomorrow = (datetime.now(ZoneInfo(zone)) + timedelta(days=1)).date()
    say(f"the first list, for the day that begins next in {zone}:")
    say(f"make nightly WORKSPACE={folder} AS_OF={tomorrow}")


def pairs(texts: list[str] | None, name: str) -> dict[str, str]:
    """`KEY=VALUE` options by key. The message shows no value: it may be a secret."""
    made = dict[str, str]()
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key.isidentifier():
            raise typer.BadParameter(f"--{name}: write it as KEY=VALUE")
        made[key] = value
    return made


def _answer(option: str, text: str, default: str) -> str:
    """The answer to a question. Raises `BadParameter` where no one can answer."""
    try:
        return str(typer.prompt(text, default=default))
    except typer.Abort:
        name = option.upper()
        raise typer.BadParameter(
            f"no answer to: {text}. Without a terminal, give all answers as options; here {name}."
        ) from None


@config.command()
def show(
    folder: WorkspaceFolder,
    is_changed_only: Annotated[
        bool, typer.Option("--changed", help="only the settings that differ from the defaults")
    ] = False,
) -> None:
    """Show the value of every setting, and where it comes from.

    Reads config.toml and tuned.toml in the workspace.
    Writes nothing; no secret is shown.
    """
    from pipeline.configuration.environment_variables import VARIABLES
    from pipeline.configuration.setting_origins import DEFAULT, effective_settings

    settings = effective_settings(folder)
    listed = [one for one in settings if not is_changed_only or one.origin != DEFAULT]
    width = max((len(one.key) for one in listed), default=0)
    for one in listed:
        say(f"{one.key:<{width}} = {one.value}  ({one.origin})")
    changed = sum(one.origin != DEFAULT for one in settings)
    say(f"{len(settings)} settings, {changed} of them from a file of {folder}")
    for variable in VARIABLES:
        say(f"environment: {variable.name} is {variable.state}: {variable.meaning}")


@config.command()
def check(folder: WorkspaceFolder) -> None:
    """Check that all settings are allowed and fit together.

    Reads config.toml, tuned.toml, policies/, actions/, messages/ and the secrets
    that [deliver] and [pull] name.
    Writes nothing; no secret is shown.
    """
    from pipeline.configuration.config_check import check_configuration

    for line in check_configuration(folder):
        say(line)


@config.command()
def explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="a setting, such as decide.capacity")],
    folder: OptionalWorkspace = None,
) -> None:
    """Explain a setting: its meaning, what is allowed, its default, and its value.

    Reads config.toml and tuned.toml in the workspace, if one is given.
    Writes nothing.
    """
    from pipeline.configuration.setting_origins import effective_settings, explained

    section, setting = explained(key)
    say(f"{key}: {setting.meaning or section.about}")
    say(
        f"default: {setting.default}" + (f"; allowed: {setting.allowed}" if setting.allowed else "")
    )
    if folder is not None:
        values = {one.key: one for one in effective_settings(folder)}
        one = values.get(key)
        say(f"in {folder}: {one.value} ({one.origin})" if one else f"{folder} does not set it")
