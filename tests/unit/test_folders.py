"""Folders import only what one table allows, without circles, and each says what lives in it."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.unit.our_packages import MAY_IMPORT, ROOT, folder_of, sources

# a folder of modules, and the folders that it imports from; a new arrow is a decision
FOLDERS = """
features
features/build              features features/families features/totals
features/families           features features/totals
features/indicators         features
features/totals             features
models
models/actions              features features/build models/effects
models/comparison           features models/contact models/learner
models/contact              features models/effects
models/effects              features features/totals
models/indicators           features features/indicators
models/learner              features features/build models/monitoring models/pool
models/monitoring           features
models/pool                 features
models/product              features features/indicators models/monitoring
models/reasons              features models/learner
models/scoring              features features/build models/actions models/contact
                            models/effects models/learner models/monitoring models/reasons
models/texts                features
pipeline                    pipeline/cli pipeline/installation pipeline/settings
                            pipeline/workspace
pipeline/api                pipeline/desk pipeline/output pipeline/pages pipeline/settings
pipeline/board              pipeline/api pipeline/deliver pipeline/deliver/bulk
                            pipeline/desk pipeline/load pipeline/output pipeline/pages
                            pipeline/settings pipeline/workspace
pipeline/cli                pipeline/board pipeline/configuration pipeline/connect
                            pipeline/deliver/bulk pipeline/deliver/targets pipeline/desk
                            pipeline/documentation pipeline/evaluation
                            pipeline/evaluation/actions pipeline/fleet pipeline/forget
                            pipeline/indicators pipeline/installation pipeline/load
                            pipeline/load/pulling pipeline/night pipeline/pages
                            pipeline/product_review pipeline/receiver pipeline/settings
                            pipeline/simulation pipeline/simulation/realism pipeline/sources
                            pipeline/training pipeline/workspace
pipeline/configuration      pipeline/connections pipeline/drafts pipeline/settings
                            pipeline/settings/delivery pipeline/workspace
pipeline/connect            features pipeline/connections pipeline/load/pulling
                            pipeline/output pipeline/settings pipeline/settings/delivery
                            pipeline/workspace
pipeline/connections        pipeline/settings pipeline/settings/delivery pipeline/workspace
pipeline/deliver            pipeline/connections pipeline/output pipeline/settings
                            pipeline/settings/delivery pipeline/workspace
pipeline/deliver/bulk       features models/actions pipeline/connections pipeline/deliver
                            pipeline/history pipeline/load pipeline/settings
                            pipeline/settings/delivery pipeline/workspace
pipeline/deliver/targets    pipeline/connections pipeline/deliver pipeline/installation
                            pipeline/output pipeline/settings pipeline/settings/delivery
                            pipeline/workspace
pipeline/desk               features features/build models/actions pipeline/drafts
                            pipeline/history pipeline/load pipeline/output pipeline/pages
                            pipeline/settings pipeline/workspace
pipeline/documentation      features/indicators pipeline/configuration pipeline/evaluation
                            pipeline/night pipeline/settings pipeline/workspace
pipeline/drafts             features features/indicators models/actions pipeline/settings
                            pipeline/workspace
pipeline/engines            features features/build features/totals models/monitoring
                            models/scoring pipeline/settings pipeline/workspace
pipeline/evaluation         features features/build features/indicators models/actions
                            models/comparison models/contact models/effects
                            models/indicators models/learner models/product models/reasons
                            pipeline/history pipeline/indicators pipeline/night
                            pipeline/output pipeline/pages pipeline/product_review
                            pipeline/registry pipeline/settings pipeline/simulation
                            pipeline/training pipeline/workspace
pipeline/evaluation/actions features models/actions models/effects models/learner
                            pipeline/engines pipeline/settings pipeline/simulation
                            pipeline/training pipeline/workspace
pipeline/evaluation/findings
                            features features/build features/indicators models/comparison
                            models/learner models/reasons pipeline/pages pipeline/settings
                            pipeline/training
pipeline/fleet              pipeline/output pipeline/pages pipeline/settings
                            pipeline/workspace
pipeline/forget             pipeline/connections pipeline/deliver pipeline/desk
                            pipeline/history pipeline/indicators pipeline/load
                            pipeline/load/incremental pipeline/load/pulling pipeline/night
                            pipeline/output pipeline/pages pipeline/settings
                            pipeline/settings/delivery pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/erasure
                            pipeline/sources/forgotten pipeline/sources/parcelservices
                            pipeline/sources/shops pipeline/workspace
pipeline/history            features models/actions models/contact models/effects
                            pipeline/settings pipeline/workspace
pipeline/indicators         features features/indicators models/indicators pipeline/drafts
                            pipeline/output pipeline/settings pipeline/workspace
pipeline/installation       pipeline/settings
pipeline/load               features pipeline/load/incremental pipeline/load/pulling
                            pipeline/output pipeline/settings pipeline/sources
                            pipeline/sources/conversation pipeline/sources/erasure
                            pipeline/sources/mapped pipeline/sources/proposing
                            pipeline/sources/reading pipeline/sources/tracking
                            pipeline/workspace
pipeline/load/incremental   features pipeline/settings pipeline/sources
                            pipeline/sources/tracking pipeline/workspace
pipeline/load/pulling       features pipeline/connections pipeline/output pipeline/settings
                            pipeline/settings/delivery pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/database
                            pipeline/sources/erasure pipeline/sources/forgotten
                            pipeline/sources/openplatform pipeline/sources/shops
                            pipeline/workspace
pipeline/night              features features/build features/indicators models/actions
                            models/contact models/effects models/indicators models/learner
                            models/monitoring models/product models/reasons models/scoring
                            pipeline/drafts pipeline/engines pipeline/history pipeline/indicators
                            pipeline/load pipeline/output pipeline/pages pipeline/registry
                            pipeline/settings pipeline/sources pipeline/training
                            pipeline/workspace
pipeline/output             features models/reasons
pipeline/pages              features features/indicators models/comparison models/contact
                            models/indicators models/monitoring models/product
                            pipeline/history pipeline/indicators pipeline/output
                            pipeline/settings pipeline/workspace
pipeline/product_review     features features/indicators models/product pipeline/output
                            pipeline/pages pipeline/settings pipeline/sources
                            pipeline/sources/reading pipeline/workspace
pipeline/receiver           pipeline/connections pipeline/settings
                            pipeline/settings/delivery pipeline/sources/tracking
                            pipeline/workspace
pipeline/registry           features/build models/learner pipeline/settings
                            pipeline/workspace
pipeline/settings           features features/indicators models/actions models/contact
                            models/learner pipeline/settings/delivery
pipeline/settings/delivery
pipeline/simulation         features pipeline/settings pipeline/simulation/exports
                            pipeline/simulation/world pipeline/workspace
pipeline/simulation/exports
pipeline/simulation/realism pipeline/settings pipeline/simulation pipeline/simulation/world
                            pipeline/workspace
pipeline/simulation/words
pipeline/simulation/world   features pipeline/simulation/words
pipeline/sources            features pipeline/output pipeline/settings
                            pipeline/sources/reading pipeline/workspace
pipeline/sources/aliexpress features pipeline/settings pipeline/sources
                            pipeline/sources/conversation pipeline/sources/erasure
                            pipeline/sources/mapped pipeline/sources/reading
                            pipeline/workspace
pipeline/sources/conversation
                            models/texts pipeline/sources
pipeline/sources/database   pipeline/installation pipeline/output pipeline/settings
                            pipeline/sources pipeline/sources/mapped
                            pipeline/sources/reading pipeline/workspace
pipeline/sources/erasure    pipeline/sources
pipeline/sources/forgotten  pipeline/connections pipeline/settings/delivery pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/mapped
                            pipeline/sources/shops pipeline/sources/tracking
                            pipeline/workspace
pipeline/sources/mapped     features pipeline/settings pipeline/sources
                            pipeline/sources/reading
pipeline/sources/olist      pipeline/settings pipeline/sources
pipeline/sources/openplatform
                            pipeline/connections pipeline/output pipeline/settings
                            pipeline/settings/delivery pipeline/sources/aliexpress
                            pipeline/workspace
pipeline/sources/parcelservices
                            features pipeline/connections pipeline/output pipeline/settings
                            pipeline/settings/delivery pipeline/sources
                            pipeline/sources/tracking pipeline/workspace
pipeline/sources/proposing  pipeline/output pipeline/sources pipeline/sources/mapped
pipeline/sources/reading    pipeline/settings
pipeline/sources/shops      pipeline/connections pipeline/installation pipeline/output
                            pipeline/settings pipeline/settings/delivery
                            pipeline/sources/mapped pipeline/sources/openplatform
                            pipeline/sources/proposing pipeline/workspace
pipeline/sources/tracking   features pipeline/settings pipeline/sources
                            pipeline/sources/aliexpress pipeline/sources/mapped
                            pipeline/sources/reading
pipeline/training           features features/build models/comparison models/contact
                            models/learner models/pool pipeline/engines pipeline/history
                            pipeline/registry pipeline/settings pipeline/workspace
pipeline/workspace          features pipeline/installation pipeline/settings
"""
MOST_MODULES = 16


def imported_folders(path: Path) -> set[str]:
    """The folders of our own packages that a file imports modules or names from."""
    folders = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MAY_IMPORT:
            for alias in node.names:
                module = ROOT.joinpath(*(node.module or "").split("."), alias.name)
                is_module = module.is_dir() or module.with_suffix(".py").exists()
                target = module if is_module else module.parent
                folder = target if target.is_dir() else target.parent
                folders.add(folder.relative_to(ROOT).as_posix())
    return folders - {folder_of(path)}


def allowed_arrows() -> dict[str, set[str]]:
    """The table `FOLDERS`; an indented line goes on with the folder above it."""
    arrows: dict[str, set[str]] = {}
    for line in FOLDERS.strip().splitlines():
        names = line.split()
        if not line.startswith(" "):
            folder, *names = names
            arrows[folder] = set()
        arrows[folder] |= set(names)
    return arrows


def test_folders_import_only_what_the_table_allows() -> None:
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in [path for package in MAY_IMPORT for path in sources(package)]:
        arrows[folder_of(path)] |= imported_folders(path)
    allowed = allowed_arrows()
    changes = [
        *(f"no line for {folder}" for folder in sorted(arrows.keys() - allowed.keys())),
        *(f"no folder {folder}" for folder in sorted(allowed.keys() - arrows.keys())),
        *(
            f"{folder}: {verb} {' '.join(sorted(targets))}"
            for folder in sorted(arrows.keys() & allowed.keys())
            for verb, targets in (
                ("imports also", arrows[folder] - allowed[folder]),
                ("no longer imports", allowed[folder] - arrows[folder]),
            )
            if targets
        ),
    ]
    assert not changes, "FOLDERS differs from the code:\n" + "\n".join(changes)


def test_no_two_folders_import_each_other() -> None:
    """Folders can be put in an order in which each imports only earlier ones."""
    left = allowed_arrows()
    while left:
        free = [folder for folder, targets in left.items() if not targets & left.keys()]
        assert free, f"these folders import each other in a circle: {sorted(left)}"
        for folder in free:
            del left[folder]


def test_pipeline_holds_only_folders() -> None:
    assert {path.name for path in (ROOT / "pipeline").glob("*.py")} == {
        "__init__.py",
        "__main__.py",
    }


def test_folders_stay_small_and_say_what_lives_in_them() -> None:
    folders = {path.parent for package in MAY_IMPORT for path in sources(package)}
    for folder in sorted(folders):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(modules) <= MOST_MODULES, folder
        about = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert about, folder
        assert len(about) > 60, f"{folder}/__init__.py needs a paragraph"
