"""What each kind of target works with."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.connections.secret_values import SecretValues
from pipeline.deliver.delivery_record import DeliveryId
from pipeline.deliver.published_night import PublishedNight
from pipeline.deliver.web_requests import WebSender
from pipeline.settings.delivery.deliver_settings import Deliver
from pipeline.workspace.workspace import Workspace


@dataclass(frozen=True)
class TargetTools:
    """The night, the target's `name` and `kind`, and what reaches its receiver."""

    workspace: Workspace
    night: PublishedNight
    name: str
    kind: str
    settings: Deliver
    secrets: SecretValues
    web: WebSender

    def sending(self, order_id: str = "") -> DeliveryId:
        """What is sent: the night, or one order of it."""
        night = self.night
        return DeliveryId(night.store, night.as_of.isoformat(), self.name, night.run_id, order_id)

    def setting(self, name: str) -> str:
        """A setting of this target, as its name is in config.toml."""
        return f"deliver.{self.kind}.{self.name}.{name}"
