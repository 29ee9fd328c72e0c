"""Nights on a disk that is full or read-only: a small tmpfs, which only root may mount."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ended_night import Wanted, half_done, night, run, say

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


def full_disk(place: Path, raw: Path, wanted: Wanted) -> list[str]:
    faults, told = [], []
    size = int(run(["du", "-sm", str(place)]).stdout.split()[0])
    with small_disk(size + 100) as folder:
        copy = shutil.copytree(place, folder / "w", symlinks=True)
        used_tables = (copy / "tables").resolve().parent
        # a run begins with removing the tables before those in use: what they take would count as
        # free
        for version in (copy / "versions").iterdir():
            if version != used_tables:
                shutil.rmtree(version)
        used = shutil.disk_usage(folder).used / 2**20
        for free in FREE:
            remount(folder, f"size={int((used + free) * 2**20)}")
            ended = run(night(copy, raw))
            told.append(f"{free:g} MB free: exit {ended.returncode}")
            faults += [f"{told[-1]}: {what}" for what in wanted.missing(copy)]
            if ended.returncode not in (0, 17) or "Traceback" in ended.stderr:
                faults.append(f"{told[-1]}: {ended.stderr[-300:]}")
            if ended.returncode and half_done(copy):
                faults.append(f"{told[-1]}: half done {half_done(copy)}")
            if ended.returncode == 0:
                break
        remount(folder, f"size={int((used + 200) * 2**20)}")
        ended = run(night(copy, raw))
        if ended.returncode or half_done(copy) or wanted.missing(copy):
            faults.append(f"with room again: exit {ended.returncode} {ended.stderr[-200:]}")
    if not any("exit 17" in line for line in told):
        faults.append("the disk was never full")
    say("a full disk", faults, "; ".join(told) + "; with room again: exit 0")
    return faults


def first_night_on_a_full_disk(raw: Path) -> list[str]:
    """No model yet: its database is what the disk is too small for."""
    faults, told = [], []
    with small_disk(1) as folder:
        for megabytes in (0.5, 6, 7, 8):
            remount(folder, f"size={int(megabytes * 2**20)}")
            ended = run(night(folder / "w", raw))
            told.append(f"{megabytes:g} MB: exit {ended.returncode}")
            if ended.returncode not in (0, 17) or "Traceback" in ended.stderr:
                faults.append(f"{told[-1]}: {ended.stderr[-300:]}")
        remount(folder, "size=200m")
        ended = run(night(folder / "w", raw))
        if ended.returncode or half_done(folder / "w"):
            faults.append(f"with room again: exit {ended.returncode} {ended.stderr[-200:]}")
    say("a first night on a full disk", faults, "; ".join(told) + "; with room again: exit 0")
    return faults


def read_only(place: Path, raw: Path, wanted: Wanted) -> list[str]:
    faults = []
    size = int(run(["du", "-sm", str(place)]).stdout.split()[0])
    with small_disk(size + 100) as folder:
        copy = shutil.copytree(place, folder / "w", symlinks=True)
        remount(folder, "ro")
        ended = run(night(copy, raw))
        if ended.returncode != 17 or "read-only" not in ended.stderr or wanted.missing(copy):
            faults.append(f"exit {ended.returncode}: {ended.stderr[-300:]}")
        remount(folder, "rw")
        again = run(night(copy, raw))
        if again.returncode or half_done(copy) or wanted.missing(copy):
            faults.append(f"writable again: exit {again.returncode} {again.stderr[-200:]}")
    say(
        "a read-only folder",
        faults,
        f"exit {ended.returncode}; writable again: exit {again.returncode}",
    )
    return faults
