"""Nights on a full or read-only disk: a small tmpfs, which only root may mount."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ended_night import ExpectedFiles, night, run, say, unfinished_files

# MB free on the disk when a night starts
FREE = (0.1, 0.5, 1, 2, 3, 4, 6)


@contextmanager
def small_disk(megabytes: float) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 2**20)}", "tmpfs", folder],
            check=True,
        )
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def full_disk(workspace: Path, raw: Path, expected: ExpectedFiles) -> list[str]:
    faults, trials = [], []
    size = int(run(["du", "-sm", str(workspace)]).stdout.split()[0])
    with small_disk(size + 100) as folder:
        copy = shutil.copytree(workspace, folder / "w", symlinks=True)
        used_tables = (copy / "tables").resolve().parent
        # a run starts by removing older tables, which would free their space
        for version in (copy / "versions").iterdir():
            if version != used_tables:
                shutil.rmtree(version)
        used = shutil.disk_usage(folder).used / 2**20
        for free in FREE:
            remount(folder, f"size={int((used + free) * 2**20)}")
            process = run(night(copy, raw))
            trials.append(f"{free:g} MB free: exit {process.returncode}")
            faults += [f"{trials[-1]}: {fault}" for fault in expected.faults(copy)]
            if process.returncode not in (0, 17) or "Traceback" in process.stderr:
                faults.append(f"{trials[-1]}: {process.stderr[-300:]}")
            if process.returncode and unfinished_files(copy):
                faults.append(f"{trials[-1]}: unfinished {unfinished_files(copy)}")
            if process.returncode == 0:
                break
        remount(folder, f"size={int((used + 200) * 2**20)}")
        process = run(night(copy, raw))
        if process.returncode or unfinished_files(copy) or expected.faults(copy):
            faults.append(f"with room again: exit {process.returncode} {process.stderr[-200:]}")
    if not any("exit 17" in line for line in trials):
        faults.append("the disk was never full")
    say("a full disk", faults, "; ".join(trials) + "; with room again: exit 0")
    return faults


def first_night_on_a_full_disk(raw: Path) -> list[str]:
    """There is no model yet; the disk is too small for its database."""
    faults, trials = [], []
    with small_disk(1) as folder:
        for megabytes in (0.5, 6, 7, 8):
            remount(folder, f"size={int(megabytes * 2**20)}")
            process = run(night(folder / "w", raw))
            trials.append(f"{megabytes:g} MB: exit {process.returncode}")
            if process.returncode not in (0, 17) or "Traceback" in process.stderr:
                faults.append(f"{trials[-1]}: {process.stderr[-300:]}")
        remount(folder, "size=200m")
        process = run(night(folder / "w", raw))
        if process.returncode or unfinished_files(folder / "w"):
            faults.append(f"with room again: exit {process.returncode} {process.stderr[-200:]}")
    say("a first night on a full disk", faults, "; ".join(trials) + "; with room again: exit 0")
    return faults


def read_only(workspace: Path, raw: Path, expected: ExpectedFiles) -> list[str]:
    faults = []
    size = int(run(["du", "-sm", str(workspace)]).stdout.split()[0])
    with small_disk(size + 100) as folder:
        copy = shutil.copytree(workspace, folder / "w", symlinks=True)
        remount(folder, "ro")
        process = run(night(copy, raw))
        if process.returncode != 17 or "read-only" not in process.stderr or expected.faults(copy):
            faults.append(f"exit {process.returncode}: {process.stderr[-300:]}")
        remount(folder, "rw")
        again = run(night(copy, raw))
        if again.returncode or unfinished_files(copy) or expected.faults(copy):
            faults.append(f"writable again: exit {again.returncode} {again.stderr[-200:]}")
    say(
        "a read-only folder",
        faults,
        f"exit {process.returncode}; writable again: exit {again.returncode}",
    )
    return faults
