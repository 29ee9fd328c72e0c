"""Erase forgotten buyers from the kept answers of a workspace.

pulled/PLATFORM/NAME/             answers of shops and payment providers
pulled/tracking/SERVICE/NAME/     answers of tracking services
pulled/tracking/received/         pushes
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pipeline.connections.answer_dumps import recover
from pipeline.connections.store_folders import StoreFolders, locked_store
from pipeline.settings.delivery.pull_settings import Pull
from pipeline.settings.delivery.shop_settings import StripeAccount
from pipeline.sources.erased_ids import ErasedIds
from pipeline.sources.forgotten.erased_lines import Erase, erase_file, remove_unfinished
from pipeline.sources.forgotten.parcel_records import ParcelRecords
from pipeline.sources.forgotten.payment_records import PaymentRecords
from pipeline.sources.forgotten.shop_orders import ForgottenOrders
from pipeline.sources.forgotten.shop_records import erased_shopify, erased_woo
from pipeline.sources.shops.kept_answers import kept_answers

SHOPS, PAYMENTS = ("shopify", "woocommerce"), ("stripe", "paypal")
TRACKING = ("seventeentrack", "aftership")
RECEIVED = Path("pulled", "tracking", "received")


def store_folders(
    workspace: Path, platforms: Collection[str]
) -> Iterator[tuple[str, StoreFolders]]:
    """Yield the stores of these platforms that have been pulled, with their titles."""
    for platform in platforms:
        parent = Path("tracking") / platform if platform in TRACKING else Path(platform)
        names = {
            path.name
            for root in (workspace / "pull" / platform, workspace / "pulled" / parent)
            for path in root.glob("*/")
        }
        for name in sorted(names):
            dumps = workspace / "pulled" / parent / name
            yield f"{platform} {name}", StoreFolders(workspace / "pull" / platform / name, dumps)


@contextmanager
def locked_stores(workspace: Path, platforms: Collection[str]) -> Iterator[None]:
    """Hold all stores of these platforms. Raises `WorkspaceBusy` if one is being pulled."""
    with ExitStack() as stack:
        for title, folders in store_folders(workspace, platforms):
            stack.enter_context(locked_store(folders, title))
        yield


def complete_answers(
    workspace: Path, platforms: Collection[str], *, with_pushes: bool = False
) -> None:
    """Complete what killed pulls and erasures left. The caller holds the stores, and the receiver
    if its pushes are completed too."""
    folders = [folders.dumps for _, folders in store_folders(workspace, platforms)]
    if with_pushes:
        folders.append(workspace / RECEIVED)
    for folder in folders:
        recover(folder)
        remove_unfinished(folder)


def find_orders(workspace: Path, erased: ErasedIds, orders: Mapping[str, str]) -> ForgottenOrders:
    """The orders of forgotten buyers in the answers of shops. `orders`: those of the tables, with
    the pseudonym of the buyer."""
    forgotten = ForgottenOrders(erased, dict(orders))
    for kind in SHOPS:
        for folder in _folders(workspace, kind):
            forgotten.find(kind, kept_answers(folder))
    return forgotten


def erase_answers(
    workspace: Path, pull: Pull, orders: ForgottenOrders, *, is_dry: bool = False
) -> Iterator[Path]:
    """Erase these orders and their buyers from the answers; yields each file that changes. With
    `is_dry`, only names them. The caller holds the stores.

    `orders.erased` has the parcels of the orders. The orders of shops are erased last: they say
    which disputes are about them.
    """
    for kind in PAYMENTS:
        for folder in _folders(workspace, kind):
            section = pull.stripe.get(folder.name)
            keys = (
                section.order_keys if section else StripeAccount.model_fields["order_keys"].default
            )
            records = PaymentRecords(orders, keys)
            records.find(kept_answers(folder))
            erase = records.erased_stripe if kind == "stripe" else records.erased_paypal
            yield from _erase(folder, erase, orders, is_dry=is_dry)
    parcels = ParcelRecords(orders.erased, orders.orders)
    for folder in (*_parcel_folders(workspace), workspace / RECEIVED):
        yield from _erase(folder, parcels.erased_answer, orders, is_dry=is_dry)
    for kind, erase_one in (("shopify", erased_shopify), ("woocommerce", erased_woo)):
        for folder in _folders(workspace, kind):
            yield from _erase(folder, partial(erase_one, orders), orders, is_dry=is_dry)


def _erase(folder: Path, erase: Erase, orders: ForgottenOrders, *, is_dry: bool) -> Iterator[Path]:
    for path in sorted(folder.glob("*.jsonl")):
        if erase_file(path, erase, orders.erased, is_dry=is_dry):
            yield path


def _folders(workspace: Path, kind: str) -> list[Path]:
    return sorted((workspace / "pulled" / kind).glob("*/"))


def _parcel_folders(workspace: Path) -> list[Path]:
    return [path for kind in TRACKING for path in _folders(workspace, f"tracking/{kind}")]
