"""Somebody is woken: what is told when a run fails or a check is not met, and the ways it is told by.

A way is a command, a webhook, or mail, by settings (`XFY_ALERT_*`); none is on until it is set. Which runs and checks
are told of is said in `alert_sensors`. A message holds names of assets, counts and reasons, never a resident's value.
"""

import json
import smtplib
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.refusal import Refusal
from pipelines.settings import Settings

SECONDS = 20
"""How long one way may take; a receiver that hangs must not stop the sensor."""


class AlertProblem(Refusal):
    """A way that is declared wrongly or did not take the message; says which setting and why, never a password."""


@dataclass(frozen=True)
class Alert:
    """One message: what happened, of which date and run, and every reason in a line of its own."""

    kind: str
    as_of: str
    run_id: str
    title: str
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """For people, a title and its reasons."""
        return "\n".join([self.title, *(f"- {reason}" for reason in self.reasons)])


def ways(settings: Settings) -> dict[str, Callable[[Alert], None]]:
    """The ways that are set, by name. Raises AlertProblem where a setting cannot be used."""
    found: dict[str, Callable[[Alert], None]] = {}
    if settings.alert_command:
        command = settings.alert_command
        found["command"] = lambda alert: _command(command, alert)
    if settings.alert_webhook:
        address = settings.alert_webhook
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
            raise AlertProblem("XFY_ALERT_WEBHOOK: not an address of the form https://host/path")
        found["webhook"] = lambda alert: _webhook(address, alert)
    if settings.alert_mail_to:
        if not settings.alert_smtp:
            raise AlertProblem("XFY_ALERT_MAIL_TO is set, XFY_ALERT_SMTP (host:port) is not: set both or neither")
        found["mail"] = lambda alert: _mail(settings, alert)
    return found


def send(settings: Settings, alert: Alert) -> Iterator[tuple[str, str]]:
    """Sends by every way that is set; yields each way with what went wrong, empty where it was taken."""
    for name, way in ways(settings).items():
        try:
            way(alert)
            yield name, ""
        except (OSError, smtplib.SMTPException, subprocess.SubprocessError, AlertProblem) as error:
            yield name, f"{type(error).__name__}: {error}"


def _command(command: str, alert: Alert) -> None:
    """The command gets the message as JSON on standard input; its words are its own, no shell reads them."""
    done = subprocess.run(
        [command], input=json.dumps(asdict(alert), ensure_ascii=False), text=True, timeout=SECONDS, check=False,
        capture_output=True,
    )  # fmt: skip
    if done.returncode:
        raise AlertProblem(f"XFY_ALERT_COMMAND ended with {done.returncode}: {done.stderr.strip()[:200]}")


def _webhook(address: str, alert: Alert) -> None:
    body = json.dumps({**asdict(alert), "text": alert.text}, ensure_ascii=False).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json; charset=utf-8"}, method="POST")
    with urllib.request.urlopen(request, timeout=SECONDS):
        pass


def _mail(settings: Settings, alert: Alert) -> None:
    message = EmailMessage()
    message["Subject"] = " ".join(alert.title.split())[:150]
    message["From"] = settings.alert_mail_from
    message["To"] = settings.alert_mail_to
    message.set_content(alert.text)
    host, _, port = str(settings.alert_smtp).partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=SECONDS) as server:
        if settings.alert_smtp_user:
            server.starttls()
            server.login(settings.alert_smtp_user, _password(settings.alert_smtp_password_file))
        server.send_message(message)


def _password(path: Path | None) -> str:
    if path is None:
        raise AlertProblem("XFY_ALERT_SMTP_USER is set, XFY_ALERT_SMTP_PASSWORD_FILE is not")
    return path.read_text("utf-8").strip()
