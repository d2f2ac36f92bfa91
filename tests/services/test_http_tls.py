"""HTTPS by the http service: whose certificate is asked for and checked, and HTTP/2."""

from __future__ import annotations

import datetime
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="the extra secrets is not installed")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pywasmgk.plugin import CallContext, HostFunctionError
from pywasmgk.services.http import HTTPService
from pywasmgk.services.unpooled import UnpooledTransport

CTX = CallContext()
NAME = "site.test"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for ``site.test``, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(certificate: Path, names: list[str | None], *protocols: str) -> ssl.SSLContext:
    """What a server answers with; the names that clients ask for go into ``names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda connection, name, _: names.append(name)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = str(self.headers["Host"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests go away."""


@pytest.fixture
def server(certificate: Path) -> Iterator[Any]:
    found: Any = Server(("127.0.0.1", 0), Handler)
    found.names = []
    context = server_context(certificate, found.names)
    found.socket = context.wrap_socket(found.socket, server_side=True)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def here(name: str) -> Sequence[str]:
    return ["127.0.0.1"]


def service(kind: str, certificate: Path | None) -> HTTPService:
    context = ssl.create_default_context(cafile=certificate)
    transport: Any = UnpooledTransport(here, context)
    if kind == "pooled":
        pytest.importorskip("httpcore", reason="the extra http is not installed")
        from pywasmgk.services.pooled import PooledTransport

        transport = PooledTransport(here, context)
    return HTTPService(networks=["127.0.0.0/8"], transport=transport)


@pytest.mark.parametrize("kind", ["unpooled", "pooled"])
def test_the_name_is_asked_for_and_checked(kind: str, server: Any, certificate: Path) -> None:
    client = service(kind, certificate)
    url = f"https://{NAME}:{server.server_port}/"
    # the connection goes to an address, the certificate and Host are the name's
    authority = f"{NAME}:{server.server_port}".encode()
    assert client.request(CTX, "GET", url, {}, None) == (200, authority)
    assert server.names == [NAME]
    with pytest.raises(HostFunctionError, match=r"(?i)certificate"):
        client.request(CTX, "GET", url.replace(NAME, "other.test"), {}, None)
    client.close()
    stranger = service(kind, None)
    with pytest.raises(HostFunctionError, match=r"(?i)certificate"):
        stranger.request(CTX, "GET", url, {}, None)
    stranger.close()


def serve_http2(listener: socket.socket, context: ssl.SSLContext, seen: list[str]) -> None:
    """Answers requests on one connection by HTTP/2, until the client is gone."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import DataReceived, RequestReceived, StreamEnded

    plain, _ = listener.accept()
    with context.wrap_socket(plain, server_side=True) as connection:
        seen.append(str(connection.selected_alpn_protocol()))
        state = H2Connection(config=H2Configuration(client_side=False))
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, RequestReceived):
                    fields = {bytes(k): bytes(v) for k, v in event.headers}
                    seen.append(fields[b":authority"].decode())
                elif isinstance(event, DataReceived):
                    state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    state.send_headers(event.stream_id, [(":status", "207")])
                    state.send_data(event.stream_id, b"two", end_stream=True)
            connection.sendall(state.data_to_send())


def test_many_requests_on_one_connection_of_http2(certificate: Path) -> None:
    pytest.importorskip("h2", reason="the extra http is not installed")
    client = service("pooled", certificate)
    seen: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        context = server_context(certificate, [], "h2")
        thread = threading.Thread(target=serve_http2, args=(listener, context, seen))
        thread.start()
        url = f"https://{NAME}:{port}/x"
        ask: Callable[[], Any] = lambda: client.request(CTX, "POST", url, {}, b"sent")  # noqa: E731
        assert [ask() for _ in range(3)] == [(207, b"two")] * 3
        client.close()
        thread.join()
    assert seen == ["h2", *[f"{NAME}:{port}"] * 3]
