"""Uploads the files of a night to an S3-compatible store."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError

from pipeline.deliver.delivery_faults import TryAgain, Undeliverable
from pipeline.deliver.sending import Delivery
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.deliver.targets.upload_files import files_to_upload
from pipeline.settings.delivery.target_settings import S3Target
from pipeline.workspace.checksums import file_sha256

DIGEST = "sha256"
BUSY = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"})


def s3_deliveries(target: S3Target, tools: TargetTools) -> list[Delivery]:
    """All files of the night as one delivery. An object appears complete or not at all."""

    def send(is_repeat: bool) -> None:
        with _faults_of(target.bucket):
            client = _client(target, tools)
            for path in files_to_upload(tools.night, target.files):
                key = f"{target.prefix}{tools.night.as_of}/{path.name}"
                if not is_repeat or not _has(client, target.bucket, key, path):
                    _put(client, target.bucket, key, path)

    return [Delivery(tools.sending(), send)]


def _client(target: S3Target, tools: TargetTools) -> Any:
    seconds = tools.settings.timeout_seconds
    return Session().client(
        "s3",
        endpoint_url=target.endpoint,
        region_name=target.region,
        aws_access_key_id=tools.secrets.read_line(target.access_key, tools.setting("access_key")),
        aws_secret_access_key=tools.secrets.read_line(
            target.secret_key, tools.setting("secret_key")
        ),
        config=ClientConfig(
            connect_timeout=seconds,
            read_timeout=seconds,
            # tries are counted and recorded in one way for all targets
            retries={"total_max_attempts": 1},
            # stores of other makers often lack Amazon's newer checksums and host names
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if target.endpoint else "auto"},
        ),
    )


def _has(client: Any, bucket: str, key: str, path: Path) -> bool:
    """Whether the object is there from a try whose answer was lost."""
    try:
        there = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return False
        raise
    return bool(there.get("Metadata", {}).get(DIGEST) == file_sha256(path))


def _put(client: Any, bucket: str, key: str, path: Path) -> None:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    with path.open("rb") as file:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=file,
            ContentType=kind,
            Metadata={DIGEST: file_sha256(path)},
        )


@contextmanager
def _faults_of(bucket: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(error.response.get("Error", {}).get("Code", ""))[:40]
        kind = TryAgain if status >= 500 or status == 429 or code in BUSY else Undeliverable
        raise kind(f"bucket {bucket}: answered {status}") from None
    except SSLError:
        raise Undeliverable(f"bucket {bucket}: the certificate of its store is not valid") from None
    except HTTPClientError:
        raise TryAgain(
            f"bucket {bucket}: the connection was refused or closed, or timed out"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise Undeliverable(f"bucket {bucket}: {type(error).__name__}") from None
