"""Test the credentials of an account, and say which methods it may call. Nothing is registered, so
no quota is used."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.connections.call_faults import (
    ForbiddenCall,
    PlatformFault,
    PullStopped,
    RefusedCall,
    SecretFault,
)
from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import PullClock
from pipeline.connections.secret_values import SecretValues
from pipeline.sources.parcelservices.aftership_calls import AftershipCalls
from pipeline.sources.parcelservices.parcel_run import Settings, section_of, service_of
from pipeline.sources.parcelservices.seventeen_calls import SeventeenCalls

NO_SCANS = "no scans of carriers: only the promised day shows that a parcel is late"
NO_NEW = "new parcels are not followed; register them on the service's pages yourself"
NO_QUOTA = "the quota is known only when it is used up"


def check_connection(
    settings: Settings, name: str, clock: PullClock | None = None
) -> list[MethodCheck]:
    """One check for each method that a pull of the account `name` calls. Raises nothing: a missing
    secret and a service that does not answer are shown in each check."""
    secrets, section = SecretValues(), section_of(settings)
    try:
        key = secrets.read_line(settings.key, f"pull.{section}.{name}.key")
        service = service_of(settings, key, secrets, clock or PullClock(), lambda: None)
    except SecretFault as fault:
        text = str(fault)
        return [
            MethodCheck(method, may_call=False, detail=text, cost=cost)
            for method, cost, _ in _methods_of(section)
        ]
    try:
        return [
            _check(method, cost, lambda probe=probe: probe(service), secrets)  # type: ignore[misc]
            for method, cost, probe in _methods_of(section)
        ]
    finally:
        service.close()


Probe = Callable[[SeventeenCalls | AftershipCalls], str]


def _methods_of(section: str) -> tuple[tuple[str, str, Probe], ...]:
    """(method, what is missing without it, a call that changes nothing)"""
    if section == "seventeentrack":
        return (
            ("getquota", NO_QUOTA, _quota),
            # without a parcel, both methods ask for one if they may be called
            ("register", NO_NEW, lambda service: _seventeen(service, "register")),
            ("gettrackinfo", NO_SCANS, lambda service: _seventeen(service, "gettrackinfo")),
        )
    return (
        ("POST /trackings", NO_NEW, lambda service: _aftership(service, "POST", "", {})),
        ("GET /trackings", NO_SCANS, lambda service: _aftership(service, "GET", "?limit=1", None)),
    )


def _quota(service: SeventeenCalls | AftershipCalls) -> str:
    room = service.room()
    return "" if room is None else f"{room:,} parcels can be registered now"


def _seventeen(service: SeventeenCalls | AftershipCalls, method: str) -> str:
    assert isinstance(service, SeventeenCalls)
    service.post(method, [])
    return ""


def _aftership(service: SeventeenCalls | AftershipCalls, verb: str, rest: str, body: object) -> str:
    assert isinstance(service, AftershipCalls)
    service.send(verb, rest, body)
    return ""


def _check(method: str, cost: str, probe: Callable[[], str], secrets: SecretValues) -> MethodCheck:
    try:
        return MethodCheck(method, may_call=True, detail=probe(), cost=cost)
    except ForbiddenCall as fault:
        return MethodCheck(method, may_call=False, detail=secrets.hide(str(fault)), cost=cost)
    except RefusedCall as fault:
        # it was allowed, and asked for a parcel
        if "certificate" in str(fault):
            return MethodCheck(method, may_call=False, detail=str(fault), cost=cost)
        return MethodCheck(method, may_call=True, cost=cost)
    except (PlatformFault, PullStopped) as fault:
        return MethodCheck(method, may_call=False, detail=secrets.hide(str(fault)), cost=cost)
