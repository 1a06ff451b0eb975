"""Who carries messages: a mail server by SMTP, a service for SMS by Twilio's REST interface.

A carrier takes a message whole or raises: NotTaken is tried again, Refused is final because the
same message would be refused again. Every call has a time-out below the outbox's lease.
"""

import ipaddress
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Protocol, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx
import phonenumbers

# A greylisting server is slow; the whole of a sending ends within SENDING_SECONDS whatever it does.
STEP_SECONDS: Final = 10.0
SENDING_SECONDS: Final = 25.0


class NotTaken(Exception):
    """The carrier did not take it now; `reason` is a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(NotTaken):
    """The carrier will not take this message, however often it is asked."""


class MailCarrier(Protocol):
    async def send(self, message: EmailMessage) -> None: ...


class SmsCarrier(Protocol):
    async def send(self, to: str, text: str) -> None: ...


@dataclass(frozen=True)
class SmtpServer:
    """`smtp://` (with STARTTLS, except on this machine) or `smtps://` (TLS from the start)."""

    host: str
    port: int
    tls: bool
    start_tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The server of `smtp://name:password@host:587`; the parts may be percent-encoded."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        tls = parts.scheme == "smtps"
        return cls(
            host=host,
            port=parts.port or (465 if tls else 587),
            tls=tls,
            start_tls=not tls and not _is_this_machine(host),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def send(self, message: EmailMessage) -> None:
        """The server has said that it has the message. Raises NotTaken, Refused."""
        try:
            await aiosmtplib.send(
                message, hostname=self.host, port=self.port, use_tls=self.tls,
                start_tls=self.start_tls, username=self.username, password=self.password,
                timeout=STEP_SECONDS, tls_context=self.tls_context,
            )  # fmt: skip
        except aiosmtplib.SMTPAuthenticationError as error:
            # Ours to put right, so it is tried again: the guest's address is not at fault.
            raise NotTaken("mail_sign_in_refused") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            if codes and all(500 <= code < 600 for code in codes):
                raise Refused("address_refused") from error
            raise NotTaken("mail_server_busy") from error
        except aiosmtplib.SMTPNotSupported as error:
            # STARTTLS that is not offered may be offered again; an address that needs SMTPUTF8 is
            # given up with the last try.
            raise NotTaken("mail_server_lacks_it") from error
        except aiosmtplib.SMTPResponseException as error:
            if 500 <= error.code < 600:
                raise Refused("mail_refused") from error
            raise NotTaken("mail_server_busy") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTaken("mail_server_away") from error


@dataclass(frozen=True)
class TwilioAccount:
    """An account of Twilio, or of who speaks its interface: `POST .../Messages.json`."""

    account: str
    token: str = field(repr=False)
    sender: str  # a number in E.164, a name, or a messaging service (MG...)
    api: str
    client: httpx.AsyncClient = field(repr=False, compare=False)

    async def send(self, to: str, text: str) -> None:
        """The service has the message. `to` is a number in E.164. Raises NotTaken, Refused."""
        if not _is_number(to):
            raise Refused("number_not_valid")
        sender = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        try:
            answer = await self.client.post(
                f"{self.api}/2010-04-01/Accounts/{self.account}/Messages.json",
                data={"To": to, sender: self.sender, "Body": text},
                auth=(self.account, self.token),
                timeout=STEP_SECONDS,
            )
        except httpx.HTTPError as error:
            raise NotTaken("sms_service_away") from error
        if answer.status_code in (401, 403):
            raise NotTaken("sms_sign_in_refused")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise NotTaken("sms_service_busy")
        if answer.status_code >= 400:
            raise Refused("number_refused")
        if answer.status_code != 201 or _status_of(answer) in ("failed", "undelivered", None):
            raise NotTaken("sms_not_taken")


def _status_of(answer: httpx.Response) -> str | None:
    try:
        document = answer.json()
    except ValueError:
        return None
    status = document.get("status") if isinstance(document, dict) else None
    return status if isinstance(status, str) else None


def _is_number(text: str) -> bool:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return False
    return text == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
