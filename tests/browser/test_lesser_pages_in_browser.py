"""The pages of the features, of a fleet and of a simulated store: they fit the screen, and axe
reports nothing.

Needs Chromium (tests/browser/install.sh); skipped without it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.fleet.fleet_stores import find_stores
from pipeline.fleet.fleet_summary import PAGE, summary_of, write_summary
from pipeline.fleet.run_fleet import DONE, FAILED, StoreResult
from pipeline.settings.config import load_config
from pipeline.simulation.realism.realism_page import world_page
from pipeline.training.describe_features import describe_features
from pipeline.workspace.progress import Progress
from pipeline.workspace.workspace import Workspace
from tests.browser.open_page import AXE, PICTURES, needs_chromium
from tests.unit.nights import NIGHT

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def pages(
    finished: Path, simulated_raw: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The pages of a copy of the finished store, with its simulated files next to it. It is the
    only store of the fleet, once done and once failed."""
    stores = tmp_path_factory.mktemp("pages")
    folder = shutil.copytree(finished, stores / "store", symlinks=True)
    for name in ("raw", "truth"):
        shutil.copytree(simulated_raw.parent / name, folder / name)
    workspace, config = Workspace(folder), load_config(folder)
    with workspace.locked():
        describe_features(workspace, config, Progress(), as_of=NIGHT)
        world_page(workspace, config, Progress())
    (store,) = find_stores(stores)
    results = [StoreResult(store, DONE, 0, 3.2, 1), StoreResult(store, FAILED, 10, 0.1, 2)]
    write_summary(summary_of(results, NIGHT, stores, stores), NIGHT, stores)
    return {
        "features": folder / "features.html",
        "fleet": stores / PAGE,
        "world": folder / "simulated_store.html",
    }


@pytest.mark.parametrize("name", ["features", "fleet", "world"])
def test_the_page_fits_and_axe_reports_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    if not AXE.exists():
        pytest.skip("no axe-core on this machine: tests/browser/install.sh")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(pages[name].as_uri())
    page.wait_for_selector(".chart svg" if name == "world" else "main", state="attached")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width, scheme in ((390, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [f"{r['id']}: {r['nodes'][0]['html']}" for r in results["violations"]] == []
        page.screenshot(path=PICTURES / f"{name}-{width}.png")
    page.close()
