"""Mail: to a real server of aiosmtpd, with and without TLS, and to a folder."""

from __future__ import annotations

import datetime
import email
import email.policy
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import PATIENCE, free_port

from pywasmgk.errors import ConfigError, DeadlineExceeded
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import MailFolder, SMTPMail

from .conftest import context

SENDER = "plugins@example.org"


def read(data: bytes) -> Any:
    return email.message_from_bytes(data, policy=email.policy.default)


# -- a server


class Inbox:
    """Takes mail; refuses what is for ``nobody@`` or says ``refuse``."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], Any]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.tls: list[bool] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such user in /var/mail/secret"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = read(envelope.content)
        if message["subject"] == "refuse":
            return "554 no"
        self.tls.append(session.ssl is not None)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> Any:
        from aiosmtpd.smtp import AuthResult

        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


class Server:
    """A server on loopback."""

    def __init__(self, context: ssl.SSLContext | None, *, implicit: bool = False) -> None:
        from aiosmtpd.controller import Controller

        self.inbox = Inbox()
        options: dict[str, Any] = {"authenticator": self.inbox.authenticate}
        if implicit:
            options |= {"ssl_context": context, "auth_require_tls": False}
        elif context is not None:
            options |= {"tls_context": context, "require_starttls": True}
        self.port = free_port()
        self.controller = Controller(self.inbox, hostname="127.0.0.1", port=self.port, **options)
        # its first connection to itself has so many seconds
        self.controller.ready_timeout = PATIENCE
        self.controller.start()


class Certificates:
    """An authority of our own, and a server's certificate for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = folder / "certificate.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(self.file, private)
        self.client = ssl.create_default_context(cafile=self.file)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    pytest.importorskip("cryptography")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serving() -> Iterator[Callable[..., Server]]:
    pytest.importorskip("aiosmtpd")
    started: list[Server] = []

    def start(context: ssl.SSLContext | None = None, *, implicit: bool = False) -> Server:
        started.append(Server(context, implicit=implicit))
        return started[-1]

    yield start
    for server in started:
        server.controller.stop()


def mail_to(server: Server, **options: Any) -> SMTPMail:
    return SMTPMail("127.0.0.1", server.port, **{"sender": SENDER, **options})


def test_a_mail_arrives(serving: Callable[..., Server], certificates: Certificates) -> None:
    server = serving(certificates.server)
    mail = mail_to(server, context=certificates.client, user="me", password="right")
    text = "Grüße\n.\n.. \n" + "x" * 2_000
    mail.send(context(), "a@example.org, b@example.org", "Ünïcode", text, False)
    mail.send(context(), "Ann <a@example.org>", "page", "<b>hi</b>", True)
    (sender, to, first), (_, to_second, second) = server.inbox.mails
    assert (sender, to) == (SENDER, ["a@example.org", "b@example.org"])
    assert (first["subject"], first["to"]) == ("Ünïcode", "a@example.org, b@example.org")
    assert first["from"] == SENDER
    assert first["message-id"].endswith("@example.org>")
    assert first.get_content().replace("\r\n", "\n") == text + "\n"
    assert to_second == ["a@example.org"]
    assert (second.get_content_type(), second.get_content().strip()) == ("text/html", "<b>hi</b>")
    assert server.inbox.logins == [(b"me", b"right")] * 2
    assert server.inbox.tls == [True, True]


def test_tls_from_the_first_byte_on(
    serving: Callable[..., Server], certificates: Certificates
) -> None:
    server = serving(certificates.server, implicit=True)
    mail_to(server, security="tls", context=certificates.client).send(
        context(), "a@example.org", "s", "b", False
    )
    # it speaks nothing but TLS
    assert len(server.inbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_known(
    serving: Callable[..., Server],
    certificates: Certificates,
    security: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = serving(certificates.server, implicit=security == "tls")
    with pytest.raises(HostFunctionError, match="certificate was refused"):
        mail_to(server, security=security).send(context(), "a@example.org", "s", "b", False)
    assert server.inbox.mails == []
    assert "Traceback" in caplog.text


def test_a_server_without_tls_gets_nothing(serving: Callable[..., Server]) -> None:
    server = serving()
    with pytest.raises(HostFunctionError, match="the mail server failed"):
        mail_to(server).send(context(), "a@example.org", "s", "b", False)
    mail_to(server, security="none").send(context(), "a@example.org", "s", "b", False)
    assert len(server.inbox.mails) == 1


def test_what_a_server_refuses(serving: Callable[..., Server], certificates: Certificates) -> None:
    server = serving(certificates.server)
    terms = {"context": certificates.client}
    mail = mail_to(server, **terms)
    for to, subject, why in (
        ("nobody@example.org", "s", "the mail server failed: the recipient was refused"),
        ("a@example.org, nobody@example.org", "s", "1 of the recipients were refused"),
        ("a@example.org", "refuse", "the mail server failed: the message was refused"),
    ):
        with pytest.raises(HostFunctionError) as caught:
            mail.send(context(), to, subject, "b", False)
        assert str(caught.value) == why
    wrong = mail_to(server, **terms, user="me", password="wrong")
    with pytest.raises(HostFunctionError, match="the host's account was refused"):
        wrong.send(context(), "a@example.org", "s", "b", False)


def test_a_server_that_says_nothing_ends_with_the_call() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        mail = SMTPMail("127.0.0.1", port, sender=SENDER, timeout=60)
        with pytest.raises(DeadlineExceeded):
            mail.send(context(timeout=0.1), "a@example.org", "s", "b", False)
        mail = SMTPMail("127.0.0.1", port, sender=SENDER, timeout=0.1)
        with pytest.raises(HostFunctionError, match=r"^the mail server failed$"):
            mail.send(context(), "a@example.org", "s", "b", False)
    # and one that is not there
    with pytest.raises(HostFunctionError, match=r"^the mail server failed$"):
        mail.send(context(), "a@example.org", "s", "b", False)


# -- what a plugin may say


@pytest.mark.parametrize(
    ("to", "subject", "why"),
    [
        ("a@example.org\r\nBcc: b@example.org", "s", "line breaks"),
        ("a@example.org", "s\nBcc: b@example.org", "no line breaks"),
        ("a@example.org", "s\r\n\r\nbody", "no line breaks"),
        ("a@example.org", "s\u2028x", "no line breaks"),
        ("a@example.org", "s\x0bx", "no line breaks"),
        ("a@example.org", "=?utf-8?q?s=0ABcc:_b@example.org?=", "no encoded words"),
        ("a@example.org", "x" * 1_000, "at most 900"),
        ("", "s", "no address|recipients"),
        ("nobody", "s", "no address"),
        ("a@b@c", "s", "no address"),
        ('"a\\"b"@example.org', "s", "no address"),
        ("@example.org", "s", "no address"),
        ("a@example.org;b@example.org", "s", "no address|cannot be written"),
        (", ".join(["a@example.org"] * 51), "s", "1 to 50 recipients"),
    ],
)
def test_what_could_be_another_header(tmp_path: Path, to: str, subject: str, why: str) -> None:
    with pytest.raises(HostFunctionError, match=why):
        MailFolder(tmp_path).send(context(), to, subject, "b", False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_mails(tmp_path: Path) -> None:
    mail = MailFolder(tmp_path, max_messages=3)
    for number in range(3):
        mail.send(context(), "a@example.org", f"s {number}", "body \ud800", False)
    found = [read(path.read_bytes()) for path in sorted(tmp_path.glob("*.eml"))]
    assert [message["subject"] for message in found] == ["s 0", "s 1", "s 2"]
    assert found[0].get_content() == "body ?\n"
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(HostFunctionError, match="3 mails already"):
        mail.send(context(), "a@example.org", "s", "b", False)
    with pytest.raises(HostFunctionError, match="at most 10 bytes"):
        MailFolder(tmp_path, max_bytes=10).send(context(), "a@example.org", "s", "x" * 11, False)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"host": ""}, "mail: host is missing"),
        ({"port": 0}, "mail: port must be 1 to 65535, found 0"),
        ({"sender": "nobody"}, "mail: sender must be an address, found 'nobody'"),
        ({"sender": "a@b\nBcc: c@d"}, "mail: sender must be an address"),
        ({"security": "ssl"}, "mail: security must be one of"),
        ({"user": "me"}, "user and password are given both or none"),
        ({"user": "me", "password": "x", "security": "none"}, "a password is not sent"),
        ({"timeout": 0}, "timeout must be seconds above 0"),
        ({"max_bytes": 0}, "max_bytes must be above 0"),
    ],
)
def test_settings_that_make_no_sense(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        SMTPMail(**{"host": "localhost", "sender": SENDER, **options})


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mail: there is no folder"):
        MailFolder(tmp_path / "nowhere")
