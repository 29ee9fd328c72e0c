"""Uploads the files of a night to an SFTP server."""

from __future__ import annotations

import base64
import binascii
import io
import logging
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko

from pipeline.deliver.delivery_faults import TryAgain, Undeliverable
from pipeline.deliver.sending import Closing, Delivery
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.deliver.targets.upload_files import files_to_upload
from pipeline.settings.delivery.target_settings import SftpTarget

KEY_KINDS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
# paramiko prints what goes wrong in its thread, with a traceback; here it is raised as well
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


def sftp_deliveries(target: SftpTarget, tools: TargetTools) -> list[Delivery]:
    """All files of the night as one delivery. A file gets its name when it is complete, so sending
    it again changes nothing that a reader could see."""

    def send(is_repeat: bool) -> Closing:
        with _faults_of(target.host):
            client = _connect(target, tools)
            try:
                with client.open_sftp() as session:
                    session.get_channel().settimeout(tools.settings.timeout_seconds)  # type: ignore[union-attr]
                    folder = posixpath.join(target.folder, tools.night.as_of.isoformat())
                    _make_folders(session, folder)
                    for path in files_to_upload(tools.night, target.files):
                        _upload(session, path, folder)
            except BaseException:
                client.close()
                raise
        return client.close

    return [Delivery(tools.sending(), send)]


def _connect(target: SftpTarget, tools: TargetTools) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if target.host_key:
        kind, _, text = target.host_key.partition(" ")
        name = target.host if target.port == 22 else f"[{target.host}]:{target.port}"
        try:
            key = paramiko.PKey.from_type_string(kind, base64.b64decode(text, validate=True))
        except (binascii.Error, paramiko.SSHException, ValueError):
            raise Undeliverable(f"{tools.setting('host_key')}: is not a public key") from None
        client.get_host_keys().add(name, kind, key)
    else:
        client.load_system_host_keys()
    password, private = None, None
    if target.password:
        password = tools.secrets.read_line(target.password, tools.setting("password"))
    if target.key:
        private = _private_key(tools.secrets.read(target.key, tools.setting("key")), tools)
    seconds = tools.settings.timeout_seconds
    try:
        client.connect(
            target.host,
            target.port,
            target.user,
            password,
            private,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
            channel_timeout=seconds,
            # only the login of the settings: not whatever key this user has
            allow_agent=False,
            look_for_keys=False,
        )
    except BaseException:
        client.close()
        raise
    return client


def _private_key(text: str, tools: TargetTools) -> paramiko.PKey:
    for kind in KEY_KINDS:
        with suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text + "\n"))
    raise Undeliverable(f"{tools.setting('key')}: is not a private key without a passphrase")


def _make_folders(session: paramiko.SFTPClient, folder: str) -> None:
    made = "/" if folder.startswith("/") else ""
    for part in folder.strip("/").split("/"):
        made = posixpath.join(made, part)
        try:
            session.stat(made)
        except FileNotFoundError:
            # another sender may make it at the same moment; then the upload shows it
            with suppress(OSError):
                session.mkdir(made)


def _upload(session: paramiko.SFTPClient, path: Path, folder: str) -> None:
    """Upload under a temporary name, check the size, then rename: a reader never sees half a
    file."""
    temporary = posixpath.join(folder, f".new-{path.name}")
    session.put(str(path), temporary)
    session.posix_rename(temporary, posixpath.join(folder, path.name))


@contextmanager
def _faults_of(host: str) -> Iterator[None]:
    try:
        yield
    except paramiko.BadHostKeyException:
        raise Undeliverable(f"{host}: shows another host key than the one expected") from None
    except paramiko.AuthenticationException:
        raise Undeliverable(f"{host}: refused the login") from None
    except PermissionError:
        raise Undeliverable(f"{host}: does not allow writing to the folder") from None
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise Undeliverable(
                f"{host}: its host key is not known; set host_key, or add it to ~/.ssh/known_hosts"
            ) from None
        raise TryAgain(f"{host}: the connection was closed") from None
    except (OSError, EOFError):
        raise TryAgain(f"{host}: the connection was refused or closed, or timed out") from None
