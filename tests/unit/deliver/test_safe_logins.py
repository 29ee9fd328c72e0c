"""Logins go over connections whose server is known: certificates of mail servers, keys of SFTP."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.settings.errors import DeliveryFailed
from tests.unit.deliver.conftest import mail_target, sftp_target
from tests.unit.deliver.receivers import PASSWORD, USER, SftpServer, mail_server

Deliver = Callable[..., None]
LOGIN = f'user = "{USER}"\npassword = {{ env = "DELIVER_PASSWORD" }}'


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate for localhost that no one signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def log_in(server: object, session: object, envelope: object, mechanism: str, data) -> AuthResult:
    is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


def over_tls(certificate: Path, security: str) -> dict[str, object]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    if security == "tls":
        return {"ssl_context": context, "auth_require_tls": False, "authenticator": log_in}
    return {"tls_context": context, "require_starttls": True, "authenticator": log_in}


def secure_target(port: int, security: str) -> str:
    plain = mail_target(port, LOGIN)
    return plain.replace('"none"', f'"{security}"').replace('"127.0.0.1"', '"localhost"')


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_with_a_login_to_a_server_with_a_valid_certificate(
    certificate: Path, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(**over_tls(certificate, security)) as server:
        deliver(secure_target(server.port, security))
        assert len(server.mails) == 1


def test_a_server_with_an_unknown_certificate_gets_no_login(
    certificate: Path, deliver: Deliver
) -> None:
    with mail_server(**over_tls(certificate, "starttls")) as server:
        with pytest.raises(DeliveryFailed, match="lead: localhost: its certificate is not valid"):
            deliver(secure_target(server.port, "starttls"))
        assert not server.mails


def test_a_wrong_password_is_not_tried_again(
    certificate: Path, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for password, says in (("wrong", r"refused the login \(535\)"), ("grün", "must be ASCII")):
        monkeypatch.setenv("DELIVER_PASSWORD", password)
        with mail_server(**over_tls(certificate, "starttls")) as server:
            with pytest.raises(DeliveryFailed, match=says):
                deliver(secure_target(server.port, "starttls"))
            assert not server.mails


def test_a_private_key_logs_in_to_an_sftp_server(
    sftp: SftpServer, deliver: Deliver, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(sftp.client_key)
    file.chmod(0o600)
    target = sftp_target(sftp).replace(
        'password = { env = "DELIVER_PASSWORD" }', f'key = {{ file = "{file}" }}'
    )
    deliver(target)
    assert (sftp.folder / "dispute-risk" / "2025-03-20" / "manifest.json").exists()
    file.write_text("no key")
    with pytest.raises(DeliveryFailed, match=r"deliver\.sftp\.other\.key: is not a private key"):
        deliver(target.replace("sftp.archive", "sftp.other"))
