"""Mail: one message per call, to the people that a plugin names.

A plugin says to whom, a subject and a text. Everything else of a message is the host's, and no
line break of a plugin's gets into its head: that could add recipients and headers (CWE-93).
"""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path
from typing import Protocol

from ..plugin.host import CallContext, HostFunctionError
from .failures import failing, require

__all__ = ["Mail", "MailFolder", "SMTPMail", "message_for"]

_BREAKS = re.compile(r"[\r\n\0\v\f\x1c-\x1e\x85\u2028\u2029]")
#: begins an encoded word (RFC 2047)
_ENCODED = "=?"
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_SECURITY = ("starttls", "tls", "none")
#: characters of a subject, and recipients of a message
_LONGEST_SUBJECT = 900
_MOST_RECIPIENTS = 50


class Mail(Protocol):
    """What a host asks of its mail."""

    def send(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Sends a message. Raises HostFunctionError for one that cannot be sent."""


def recipients(to: str) -> list[str]:
    """The addresses in a text, separated by commas. Raises HostFunctionError."""
    if _BREAKS.search(to):
        raise HostFunctionError("the recipient must not have line breaks")
    found = [address for _, address in getaddresses([to])]
    if not found or len(found) > _MOST_RECIPIENTS:
        raise HostFunctionError(f"a mail has 1 to {_MOST_RECIPIENTS} recipients")
    for address in found:
        if not _ADDRESS.fullmatch(address):
            raise HostFunctionError(f"{address or to!r:.80} is no address of a recipient")
    return found


def message_for(
    sender: str, to: str, subject: str, body: str, html: bool, max_bytes: int
) -> EmailMessage:
    """The message that a plugin wants sent. Raises HostFunctionError for what could become another
    header, for recipients that are none, and for more than ``max_bytes``."""
    # an encoded word is read by whatever writes the header, and may have breaks of its own
    if _BREAKS.search(subject) or _ENCODED in subject or len(subject) > _LONGEST_SUBJECT:
        raise HostFunctionError(
            "the subject must have no line breaks, no encoded words (=?...?=), and at most "
            f"{_LONGEST_SUBJECT} characters"
        )
    if len(body.encode("utf-8", "replace")) > max_bytes:
        raise HostFunctionError(f"a mail has at most {max_bytes:,} bytes")
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = [Address(addr_spec=address) for address in dict.fromkeys(recipients(to))]
        message["Subject"] = subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
        # surrogates are no text
        text = body.encode("utf-8", "replace").decode()
        message.set_content(text, subtype="html" if html else "plain", cte="base64")
    except (ValueError, MessageError, IndexError) as error:
        raise HostFunctionError(f"the mail cannot be written: {error}") from error
    return message


class _Sender:
    """What mail by whatever way has in common."""

    def __init__(self, sender: str, max_bytes: int) -> None:
        plain = sender.rpartition("<")[2].rstrip(">") if isinstance(sender, str) else ""
        require(
            _ADDRESS.fullmatch(plain) and not _BREAKS.search(sender) and _ENCODED not in sender,
            f"mail: sender must be an address, found {sender!r}",
        )
        require(
            isinstance(max_bytes, int) and max_bytes > 0,
            f"mail: max_bytes must be above 0, found {max_bytes!r}",
        )
        self._sender = sender
        self._max_bytes = max_bytes

    def _message(self, to: str, subject: str, body: str, html: bool) -> EmailMessage:
        return message_for(self._sender, to, subject, body, html, self._max_bytes)


class MailFolder(_Sender):
    """An outbox for development: each message is a file ``*.eml`` in a folder, and goes nowhere.
    ``max_messages`` is how many there may be. Raises ConfigError for a folder that is not there."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        sender: str = "plugins@localhost.localdomain",
        max_bytes: int = 1 << 20,
        max_messages: int = 10_000,
    ) -> None:
        super().__init__(sender, max_bytes)
        self._folder = Path(folder)
        require(self._folder.is_dir(), f"mail: there is no folder {str(self._folder)!r}")
        self._max_messages = max_messages

    def send(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Writes a file. Raises HostFunctionError."""
        data = self._message(to, subject, body, html).as_bytes()
        with failing(ctx, "the mail folder", OSError):
            if sum(1 for _ in self._folder.glob("*.eml")) >= self._max_messages:
                raise HostFunctionError(f"the outbox has {self._max_messages:,} mails already")
            name = f"{time.time_ns()}-{os.urandom(4).hex()}"
            part = self._folder / f".{name}.part"
            part.write_bytes(data)
            # whoever looks at the folder sees whole messages
            part.replace(self._folder / f"{name}.eml")


class SMTPMail(_Sender):
    """An SMTP server. ``security`` is ``"starttls"``, ``"tls"`` from the first byte on, or
    ``"none"`` on a network that can be trusted; certificates are checked against ``context``, or
    the machine's authorities. ``timeout`` is in seconds, for the whole sending, where the call has
    no earlier deadline. Raises ConfigError.
    """

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        user: str | None = None,
        password: str | None = None,
        security: str = "starttls",
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        max_bytes: int = 1 << 20,
    ) -> None:
        super().__init__(sender, max_bytes)
        require(isinstance(host, str) and host, "mail: host is missing")
        sensible = isinstance(port, int) and 0 < port < 65536
        require(sensible, f"mail: port must be 1 to 65535, found {port!r}")
        require(
            security in _SECURITY, f"mail: security must be one of {_SECURITY}, found {security!r}"
        )
        require(
            isinstance(timeout, (int, float)) and timeout > 0,
            f"mail: timeout must be seconds above 0, found {timeout!r}",
        )
        require(
            (user is None) == (password is None), "mail: user and password are given both or none"
        )
        require(
            security != "none" or user is None, 'mail: a password is not sent with security "none"'
        )
        self._host, self._port = host, port
        self._account = user, password
        self._security = security
        self._context = context
        self._timeout = timeout

    def send(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Sends it, and waits until the server has it. Raises HostFunctionError where it refuses or
        cannot be reached; DeadlineExceeded and Cancelled with the call."""
        message = self._message(to, subject, body, html)
        told: dict[type[Exception], str] = {
            smtplib.SMTPRecipientsRefused: "the recipient was refused",
            smtplib.SMTPDataError: "the message was refused",
            smtplib.SMTPAuthenticationError: "the host's account was refused",
            ssl.SSLError: "the server's certificate was refused",
        }
        with failing(ctx, "the mail server", smtplib.SMTPException, OSError, told=told):
            left = ctx.seconds_left()
            end = time.monotonic() + min(self._timeout, self._timeout if left is None else left)
            with self._connected(ctx, end) as server:
                if self._security == "starttls":
                    server.starttls(context=self._context or ssl.create_default_context())
                user, password = self._account
                if user is not None and password is not None:
                    server.login(user, password)
                refused = server.send_message(message, self._sender, recipients(to))
                if refused:
                    raise HostFunctionError(f"{len(refused)} of the recipients were refused")

    @contextmanager
    def _connected(self, ctx: CallContext, end: float) -> Iterator[smtplib.SMTP]:
        ctx.check()
        place = self._host, self._port
        server: smtplib.SMTP = (
            _SMTPOverTLS(*place, end, self._context or ssl.create_default_context())
            if self._security == "tls"
            else _SMTP(*place, end)
        )
        try:
            yield server
            server.quit()
        finally:
            server.close()


def _left(end: float) -> float:
    """Seconds to a time. Raises TimeoutError where it is over."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the mail took too long")
    return left


class _SMTP(smtplib.SMTP):
    """A client each of whose commands has what is left of one time."""

    def __init__(self, host: str, port: int, end: float) -> None:
        self._end = end
        super().__init__(host, port, timeout=_left(end))

    def putcmd(self, cmd: str, args: str = "") -> None:
        """As usual, in time."""
        if self.sock is not None:
            self.sock.settimeout(_left(self._end))
        super().putcmd(cmd, args)


class _SMTPOverTLS(smtplib.SMTP_SSL):
    """The same, with TLS from the first byte on."""

    def __init__(self, host: str, port: int, end: float, context: ssl.SSLContext) -> None:
        self._end = end
        super().__init__(host, port, timeout=_left(end), context=context)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """As usual, in time."""
        if self.sock is not None:
            self.sock.settimeout(_left(self._end))
        super().putcmd(cmd, args)
