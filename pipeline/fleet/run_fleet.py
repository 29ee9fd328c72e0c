"""Make the nights of all stores: some at a time, each in a process of its own, within a budget of
time. What failed for a reason that may pass is tried again at the end."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from pipeline.fleet.fleet_stores import FleetStore
from pipeline.fleet.store_night import IMPORTED_ONCE, do_night
from pipeline.settings.errors import (
    DeliveryFailed,
    DiskTrouble,
    NoDatabase,
    TooLittleMemory,
    WorkspaceBusy,
)

DONE, FAILED, OUT_OF_TIME, NOT_STARTED = "done", "failed", "out of time", "not started"
# The night may succeed if it is tried again; a killed process has a negative code. A pull tries
# again by itself. If it failed, the night is published without what is new: another try would find
# it done, and hide that.
PASSING = frozenset(
    error.exit_code
    for error in (WorkspaceBusy, DiskTrouble, NoDatabase, TooLittleMemory, DeliveryFailed)
)
# one thread each: several stores share the processors
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
KILL_AFTER_SECONDS = 10.0


@dataclass(frozen=True)
class FleetRules:
    """`jobs`: stores at the same time. `budget_seconds`: no store starts later. `store_seconds`:
    the most that one store may take. `attempts`: of one store, if it fails for a reason that may
    pass."""

    jobs: int = 1
    budget_seconds: float = 6 * 3600.0
    store_seconds: float = 3600.0
    attempts: int = 2


@dataclass(frozen=True)
class StoreResult:
    """What came of a store. `exit_code`: of its last attempt; None if it did not start or was
    stopped. `seconds`: of all attempts."""

    store: FleetStore
    state: str
    exit_code: int | None
    seconds: float
    attempts: int


@dataclass
class _Attempt:
    store: FleetStore
    number: int
    spent: float
    started: float
    process: ForkServerProcess


def run_fleet(
    stores: Sequence[FleetStore],
    rules: FleetRules,
    arguments: Callable[[FleetStore], Sequence[str]],
    log: Callable[[FleetStore], Path],
    chart_library: str,
    on_end: Callable[[StoreResult], None],
) -> list[StoreResult]:
    """The results, in the order of `stores`.

    `arguments`: those of the step `nightly`; `log`: the file for what it prints. `on_end` is called
    whenever a store has ended.
    """
    started, waiting = time.monotonic(), deque((store, 1, 0.0) for store in stores)
    running: list[_Attempt] = []
    results: dict[str, StoreResult] = {}

    def end(result: StoreResult) -> None:
        results[result.store.name] = result
        on_end(result)

    with _processes() as start:
        while waiting or running:
            is_over = time.monotonic() - started > rules.budget_seconds
            while waiting and (is_over or len(running) < rules.jobs):
                store, number, spent = waiting.popleft()
                if is_over:
                    end(StoreResult(store, NOT_STARTED, None, spent, number - 1))
                    continue
                process = start(do_night, (arguments(store), log(store), chart_library))
                running.append(_Attempt(store, number, spent, time.monotonic(), process))
            for attempt in _ended(running, rules):
                running.remove(attempt)
                result = _result(attempt, rules)
                if _may_pass(result) and attempt.number < rules.attempts:
                    waiting.append((attempt.store, attempt.number + 1, result.seconds))
                else:
                    end(result)
    return [results[store.name] for store in stores]


@contextmanager
def _processes() -> Iterator[Callable[..., ForkServerProcess]]:
    """A function that starts a process with everything imported."""
    context = get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED_ONCE])

    def start(target: Callable[..., None], arguments: tuple[object, ...]) -> ForkServerProcess:
        process = context.Process(target=target, args=arguments)
        process.start()
        return process

    with _environment(ONE_THREAD):
        yield start


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that are made meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def _ended(running: Sequence[_Attempt], rules: FleetRules) -> list[_Attempt]:
    """The attempts that have ended, or have to: waits for the first of them."""
    if not running:
        return []
    left = min(each.started for each in running) + rules.store_seconds - time.monotonic()
    connection.wait([each.process.sentinel for each in running], timeout=max(left, 0.0))
    now = time.monotonic()
    return [
        each
        for each in running
        if not each.process.is_alive() or now - each.started >= rules.store_seconds
    ]


def _result(attempt: _Attempt, rules: FleetRules) -> StoreResult:
    """What came of an attempt. One that takes too long is asked to end, then killed."""
    process, is_late = attempt.process, attempt.process.is_alive()
    if is_late:
        process.terminate()
        process.join(KILL_AFTER_SECONDS)
        process.kill()
    process.join()
    seconds = attempt.spent + time.monotonic() - attempt.started
    code = process.exitcode
    process.close()
    if is_late:
        return StoreResult(attempt.store, OUT_OF_TIME, None, seconds, attempt.number)
    state = DONE if code == 0 else FAILED
    return StoreResult(attempt.store, state, code, seconds, attempt.number)


def _may_pass(result: StoreResult) -> bool:
    code = result.exit_code
    return result.state == FAILED and code is not None and (code < 0 or code in PASSING)
