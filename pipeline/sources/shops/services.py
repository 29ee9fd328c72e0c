"""The services, by the name of their section of `[pull]`, and what their credentials may do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline.connections.connection_check import MethodCheck
from pipeline.connections.pull_clock import PullClock
from pipeline.sources.shops import paypal_account, shopify_shop, stripe_account, woo_shop
from pipeline.sources.shops.service_run import ShopService, check_service, run_service

if TYPE_CHECKING:
    from pipeline.connections.pull_report import PullReport
    from pipeline.settings.config import Config
    from pipeline.workspace.workspace import Workspace

SERVICES: dict[str, ShopService] = {
    each.SERVICE.kind: each.SERVICE
    for each in (shopify_shop, woo_shop, stripe_account, paypal_account)
}


def pull_service(
    kind: str, name: str, workspace: Workspace, config: Config, say: Callable[[str], None]
) -> PullReport:
    """Pull the section `[pull.KIND.NAME]`. Raises `PullFailed` and `WorkspaceBusy`."""
    settings = getattr(config.pull, kind)[name]
    return run_service(SERVICES[kind], name, settings, workspace.folder, say)


def check_connection(
    kind: str, settings: Any, name: str, clock: PullClock | None = None
) -> list[MethodCheck]:
    """What the credentials of a section `[pull.KIND.NAME]` may do. A secret that is missing, or a
    service out of reach, is a check that failed."""
    return check_service(SERVICES[kind], name, settings, clock)


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
