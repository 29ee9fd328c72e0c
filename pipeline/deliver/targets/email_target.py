"""Sends a night as a mail (SMTP)."""

from __future__ import annotations

import mimetypes
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import jinja2

from pipeline.deliver.delivery_faults import TryAgain, Undeliverable
from pipeline.deliver.night_summary import NightSummary, summarise_night
from pipeline.deliver.sending import Closing, Delivery
from pipeline.deliver.targets.target_tools import TargetTools
from pipeline.settings.delivery.target_settings import EmailTarget
from pipeline.workspace.progress import warn

TEMPLATE = Path(__file__).with_name("night_mail.html")


def mail_deliveries(target: EmailTarget, tools: TargetTools) -> list[Delivery]:
    """One mail for the night. Its Message-ID is the same on every try, so that a mail server can
    drop the second one; no mail server can be asked whether it has a mail."""
    sending = tools.sending()

    def send(is_repeat: bool) -> Closing:
        return _send(target, night_mail(target, tools), tools)

    return [Delivery(sending, send)]


def night_mail(target: EmailTarget, tools: TargetTools) -> EmailMessage:
    """The mail: plain text, the same as HTML, and the files of the night."""
    summary = summarise_night(tools.night, target.rows)
    files = [path for name in target.attach if (path := tools.night.file(name))]
    mail = EmailMessage()
    mail["Subject"] = summary.title
    mail["From"] = target.sender
    mail["To"] = ", ".join(target.to)
    mail["Date"] = formatdate()
    domain = target.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{tools.sending().key}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(summary.text)
    mail.add_alternative(_html(summary, [path.name for path in files]), subtype="html")
    for path in files:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        mail.add_attachment(
            path.read_bytes(),
            maintype=kind.partition("/")[0],
            subtype=kind.partition("/")[2],
            filename=f"{tools.night.as_of}-{path.name}",
        )
    return mail


def _html(summary: NightSummary, attached: list[str]) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(summary=summary, attached=attached)


def _send(target: EmailTarget, mail: EmailMessage, tools: TargetTools) -> Closing:
    with _faults_of(target.host):
        server = _connect(target, tools.settings.timeout_seconds)
        try:
            if target.user and target.password:
                password = tools.secrets.read_line(target.password, tools.setting("password"))
                server.login(target.user, password)
            refused = server.send_message(mail)
        except BaseException:
            server.close()
            raise
    if refused:
        warn(f"{tools.name}: {target.host} refused {len(refused)} of {len(target.to)} addresses")
    return server.quit


def _connect(target: EmailTarget, timeout: float) -> smtplib.SMTP:
    name = socket.gethostname()
    context = ssl.create_default_context()
    if target.security == "tls":
        return smtplib.SMTP_SSL(target.host, target.port, name, timeout=timeout, context=context)
    server = smtplib.SMTP(target.host, target.port, name, timeout=timeout)
    if target.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


@contextmanager
def _faults_of(host: str) -> Iterator[None]:
    """Turn what smtplib raises into our two kinds. The text of a mail server is never shown."""
    try:
        yield
    except ssl.SSLCertVerificationError:
        raise Undeliverable(f"{host}: its certificate is not valid") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        _raise(host, max(codes, default=550), "refused every address")
    except smtplib.SMTPAuthenticationError as error:
        _raise(host, error.smtp_code, "refused the login")
    except smtplib.SMTPResponseException as error:
        _raise(host, error.smtp_code, "refused the mail")
    except UnicodeError:
        raise Undeliverable(f"{host}: user and password of a mail login must be ASCII") from None
    except smtplib.SMTPNotSupportedError:
        raise Undeliverable(f"{host}: does not offer STARTTLS or a login") from None
    except (smtplib.SMTPException, OSError):
        raise TryAgain(f"{host}: the connection was refused or closed, or timed out") from None


def _raise(host: str, code: int, what: str) -> None:
    # RFC 5321: 4yz is for now, 5yz is for good; -1 is an answer that could not be read
    kind = Undeliverable if 500 <= code < 600 else TryAgain
    raise kind(f"{host}: {what} ({code})") from None
