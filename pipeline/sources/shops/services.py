"""The services, by the name of their section of `[pull]`, and what their credentials may do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import PullClock
from pipeline.installation.extras import require_package
from pipeline.sources.shops.service_run import ShopService, check_service, run_service

if TYPE_CHECKING:
    from pipeline.connections.pull_report import PullReport
    from pipeline.settings.config import Config
    from pipeline.workspace.workspace import Workspace

# the SDK of one service is not needed for the others
_MODULES = {
    "shopify": "pipeline.sources.shops.shopify_shop",
    "woocommerce": "pipeline.sources.shops.woo_shop",
    "stripe": "pipeline.sources.shops.stripe_account",
    "paypal": "pipeline.sources.shops.paypal_account",
}


def service_of(kind: str) -> ShopService:
    """The service of a section of `[pull]`. Raises `MissingExtra` if its SDK is not installed."""
    if kind == "stripe":
        require_package("stripe")
    service: ShopService = resolve_name(f"{_MODULES[kind]}:SERVICE")
    return service


def pull_service(
    kind: str, name: str, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    """Pull the section `[pull.KIND.NAME]`. Raises `PullFailed` and `WorkspaceBusy`."""
    settings = getattr(config.pull, kind)[name]
    return run_service(service_of(kind), name, settings, workspace.folder, say)


def check_connection(
    kind: str, settings: Any, name: str, clock: PullClock | None = None
) -> list[MethodCheck]:
    """What the credentials of a section `[pull.KIND.NAME]` may do. A secret that is missing, or a
    service out of reach, is a check that failed."""
    return check_service(service_of(kind), name, settings, clock)


# for `make pull`: the same by service, with the name
pull_shopify = partial(pull_service, "shopify")
pull_woocommerce = partial(pull_service, "woocommerce")
pull_stripe = partial(pull_service, "stripe")
pull_paypal = partial(pull_service, "paypal")
# for `connect`: the same by service, with the settings and the name
check_shopify = partial(check_connection, "shopify")
check_woocommerce = partial(check_connection, "woocommerce")
check_stripe = partial(check_connection, "stripe")
check_paypal = partial(check_connection, "paypal")
