"""What a night does with the platforms of `[pull]`: fetch what is new first, and load it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from features.clock import is_before
from pipeline.load.pulling.pull import pull_platforms
from pipeline.settings.config import Config
from pipeline.settings.errors import BadInput, PullFailed, UserError
from pipeline.workspace.progress import Progress, say, warn
from pipeline.workspace.run_log import note
from pipeline.workspace.workspace import Workspace

# the platforms that give a store's orders: the source that reads them, and its folder in pulled/
SOURCE_OF = {
    "aliexpress": ("aliexpress", "aliexpress"),
    "shopify": ("mapped", "shops"),
    "woocommerce": ("mapped", "shops"),
}
# they give scans of parcels, for any source
SCANS = frozenset({"seventeentrack", "aftership"})


@dataclass(frozen=True)
class NightInput:
    """What a night loads: a source with its folder, and the folder of tracking files; None each if
    there is none. `failure`: why the pull failed; empty if it did not, None if there was none."""

    source: str | None
    raw: Path | None
    tracking: Path | None
    failure: str | None = None


def pulled_for_night(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    given: NightInput,
    as_of: date,
    is_pulling: bool | None,
) -> NightInput:
    """Pull for the night. Returns what to load: what options name, or else what was pulled.

    `given`: from options; `is_pulling`: None if the settings decide. Raises `PullFailed` if there
    is nothing to make a list from.
    """
    own = pulled_source(workspace, config) if given.source is None else None
    failure = None
    if config.pull.nightly if is_pulling is None else is_pulling:
        say_if_too_late(config, as_of, datetime.now(UTC))
        with workspace.shared():
            failure = pull_for_night(workspace, config, progress)
    tracking = given.tracking or pulled_scans(workspace, config)
    if own and has_answers(own[1]):
        return NightInput(*own, tracking, failure)
    if own and failure and not workspace.tables.exists():
        raise PullFailed(f"nothing was pulled yet, so there is no list. {failure}")
    return replace(given, tracking=tracking, failure=failure)


def pulled_source(workspace: Workspace, config: Config) -> tuple[str, Path] | None:
    """(source, raw) of what the workspace pulls, for a night without SOURCE and RAW. None if it
    pulls from no platform that is a store by itself.

    Raises `BadInput` if it pulls from several such platforms: one night loads one source.
    """
    platforms = {platform for platform, _ in config.pull.stores()} & SOURCE_OF.keys()
    sources = sorted({SOURCE_OF[platform] for platform in platforms})
    if len(sources) > 1:
        raise BadInput(
            f"{workspace.folder / 'config.toml'}: [pull] has {' and '.join(sorted(platforms))}, "
            "and a night loads one source. Say which by SOURCE and RAW, or make a workspace for "
            "each."
        )
    return next(
        ((source, workspace.folder / "pulled" / folder) for source, folder in sources), None
    )


def pulled_scans(workspace: Workspace, config: Config) -> Path | None:
    """The folder with the scans that tracking services gave or pushed; None without any."""
    folder = workspace.folder / "pulled" / "tracking"
    has_service = any(platform in SCANS for platform, _ in config.pull.stores())
    return folder if has_service and has_answers(folder) else None


def pull_for_night(workspace: Workspace, config: Config, progress: Progress) -> str:
    """Fetch what is new from all platforms. Returns why that failed, or an empty text: a night
    then uses what was fetched before, also after a defect of this program."""
    try:
        pull_platforms(workspace, config, progress)
    except UserError as failure:
        return str(failure)
    except Exception as error:
        frames = "".join(traceback.format_tb(error.__traceback__))
        note("pull_defect", kind=type(error).__name__, detail=frames)
        text = f"the pull ended by a defect of the program ({type(error).__name__})"
        warn(f"{text}; log.jsonl says where")
        return text
    return ""


def say_if_too_late(config: Config, as_of: date, now: datetime) -> None:
    """Say so if what is pulled at `now` does not count in the night of `as_of`: that uses only what
    was known before its day began, in the store's zone."""
    today = now.astimezone(ZoneInfo(config.sources.store_zone)).date()
    if not is_before(today, as_of):
        tomorrow = today + timedelta(days=1)
        say(
            f"what is pulled now was known on {today} and counts from the night of {tomorrow} on: "
            f"AS_OF={tomorrow} makes a list with it"
        )


def has_answers(raw: Path) -> bool:
    """Whether something was ever pulled into the folder."""
    return any(path.is_file() for path in raw.rglob("*"))
