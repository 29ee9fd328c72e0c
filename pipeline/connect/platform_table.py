"""The platforms that `connect` knows. One more is one entry of `PLATFORMS`."""

from __future__ import annotations

from pipeline.connect.aliexpress_answers import (
    authorisation,
    code_in,
    is_gateway,
    is_router,
    settled_tracking,
)
from pipeline.connect.platform_entry import ConnectPlatform, ConnectQuestion, named
from pipeline.connect.service_platforms import SERVICES
from pipeline.settings.delivery.pull_settings import AliexpressStore

ALIEXPRESS = ConnectPlatform(
    name="aliexpress",
    title="AliExpress Open Platform",
    needs="You need an app of your own on the platform's console: its App Key, its App Secret and "
    "its callback URL; and the seller's login, to authorise the app in a browser.",
    section=AliexpressStore,
    questions=(
        ConnectQuestion("app_key", "App Key"),
        ConnectQuestion("app_secret", "App Secret", is_secret=True),
        ConnectQuestion(
            "callback_url",
            "Callback URL of the app, as its console shows it",
            is_setting=False,
            is_asked=is_gateway,
        ),
        ConnectQuestion(
            "code",
            "The code, or the whole address that the browser was sent to",
            is_secret=True,
            is_used_once=True,
            is_asked=is_gateway,
            before=authorisation,
            cleaned=code_in,
        ),
        ConnectQuestion("access_token", "Access token", is_secret=True, is_asked=is_router),
    ),
    checker=named("pipeline.sources.openplatform.check_connection:check_connection"),
    required=frozenset({"aliexpress.solution.order.get"}),
    settled=settled_tracking,
)

PLATFORMS = {platform.name: platform for platform in (ALIEXPRESS, *SERVICES)}
