"""Example plugins on real databases, under the policies that they declare."""

from __future__ import annotations

import email
import email.policy
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pywasmgk import Plugin, acting, examples, load
from pywasmgk.platform import Permission, Policies, Policy
from pywasmgk.services import (
    Catalogues,
    HTTPService,
    MailFolder,
    Secrets,
    Services,
    Settings,
    new_key,
)
from pywasmgk.services.databases import PooledDatabase

from .conftest import context

pytest.importorskip("sqlglot", reason="the extra sql is not installed")

Opening = Callable[..., Plugin]


@pytest.fixture
def opening(kind: str, make_database: Callable[..., PooledDatabase]) -> Iterator[Opening]:
    """Loads examples on one database, each call a transaction."""
    loaded: list[Plugin] = []
    database = make_database(transactions=True)
    if kind == "mariadb":  # whose tables are latin1 unless somebody says so
        database.execute(context(), "ALTER DATABASE test CHARACTER SET utf8mb4", [])

    def opened(name: str, policies: dict[str, Policy] | None = None, **services: Any) -> Plugin:
        plugin = load(examples.read(name), strict=True)
        loaded.append(plugin)
        assert plugin.registration.unknown_keys == []
        policy = Policies(policies, mode="declared")
        plugin.init(Services(db=database, **services), policy=policy)
        return plugin

    yield opened
    for plugin in loaded:
        plugin.shutdown()


def before_forms(answer: dict[str, Any]) -> str:
    """A page without its forms."""
    return str(answer["html"]).partition("<form")[0]


# -- tickets


def test_a_ticket_from_its_opening_to_its_end(opening: Opening) -> None:
    tickets = opening("tickets")
    none = tickets.call("list")
    assert none["title"] == "Tickets"
    assert none["html"].startswith('<p>No tickets.</p><form method="post" action="/tickets">')
    assert tickets.call("open", {"subject": "Printer <on> fire"})["id"] == 1
    opened = tickets.call("open", {"subject": "Café", "requester": "ada@example.com"})
    assert opened == {"id": 2, **tickets.call("list")}
    assert before_forms(opened) == (
        '<ul><li><a href="/tickets/1">#1 Printer &lt;on&gt; fire</a> </li>'
        '<li><a href="/tickets/2">#2 Café</a> ada@example.com</li></ul>'
    )
    # what a path has is text
    assert tickets.call("add_note", {"id": "1", "body": "Still <b>on</b>"})["notes"] == 1
    noted = tickets.call("add_note", {"id": 1, "body": "Out"})
    assert noted == {"notes": 2, **tickets.call("show", {"id": "1"})}
    assert noted["title"] == "Printer <on> fire"
    notes = "<ul><li>Still &lt;b&gt;on&lt;/b&gt;</li><li>Out</li></ul>"
    assert before_forms(noted) == f"<p>open</p>{notes}"
    assert 'action="/tickets/1/close"' in noted["html"]
    assert tickets.call("widget_queue")["html"] == "<p>2 open, 0 urgent</p>"
    assert tickets.call("close", {"id": 1})["closed"] == 1
    closed = tickets.call("close", {"id": 1})
    assert closed == {"closed": 0, **tickets.call("show", {"id": 1})}
    assert "<p>closed</p>" in closed["html"] and "/close" not in closed["html"]
    assert tickets.call("widget_queue")["html"] == "<p>1 open, 0 urgent</p>"


def test_the_job_makes_old_tickets_urgent(opening: Opening) -> None:
    tickets = opening("tickets")
    for subject in ("old", "closed"):
        tickets.call("open", {"subject": subject})
    tickets.call("close", {"id": 2})
    [job] = tickets.registration.jobs
    assert [tickets.call(job.handler)["urgent"] for _ in range(4)] == [0, 0, 1, 0]
    tickets.call("open", {"subject": "new"})
    assert tickets.call("widget_queue")["html"] == "<p>2 open, 1 urgent</p>"
    page = tickets.call("list")["html"]
    assert page.index("#1 old</a>  <strong>urgent</strong>") < page.index("#3 new")


def test_tickets_speak_the_language_of_the_caller(opening: Opening) -> None:
    i18n = load(examples.read("tickets")).registration.i18n
    assert i18n is not None
    texts = Catalogues()
    for language, of_it in i18n.translations.items():
        texts.add("", language, {f"{i18n.namespace}.{key}": text for key, text in of_it.items()})
    tickets = opening("tickets", i18n=texts)
    with acting(language="de"):
        found = tickets.call("list")
    assert (found["title"], before_forms(found)) == ("Anfragen", "<p>Keine Anfragen.</p>")


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        ("open", {}, "subject must be a text of at most 200 bytes"),
        ("open", {"subject": "x" * 201}, "subject must be a text of at most 200 bytes"),
        ("open", {"subject": "x", "requester": 1}, "requester must be a text of at most 200 bytes"),
        ("show", {}, "id must be a number"),
        ("show", {"id": "1; DROP TABLE tickets_ticket"}, "id must be a number"),
        ("show", {"id": 7}, "there is no such ticket"),
        ("close", {"id": 7}, "there is no such ticket"),
        ("add_note", {"id": 7, "body": "x"}, "there is no such ticket"),
        ("add_note", {"id": 7}, "body must be a text of at most 4000 bytes"),
    ],
)
def test_what_tickets_do_not_take(
    opening: Opening, function: str, args: dict[str, Any], error: str
) -> None:
    assert opening("tickets").call(function, args) == {"error": error}


def test_older_tables_are_brought_up_to_date(
    opening: Opening, make_database: Callable[..., PooledDatabase]
) -> None:
    """Those of before the last step, with a ticket in them."""
    database = make_database()
    for sql in (
        "CREATE TABLE tickets_schema (step INTEGER PRIMARY KEY)",
        "CREATE TABLE tickets_ticket (id INTEGER PRIMARY KEY, subject VARCHAR(200) NOT NULL, "
        "state VARCHAR(10) NOT NULL, priority VARCHAR(10) NOT NULL, days INTEGER NOT NULL)",
        "CREATE TABLE tickets_note (ticket INTEGER NOT NULL, position INTEGER NOT NULL, "
        "body VARCHAR(4000) NOT NULL, PRIMARY KEY (ticket, position))",
        "INSERT INTO tickets_schema VALUES (1), (2)",
        "INSERT INTO tickets_ticket VALUES (5, 'kept', 'open', 'normal', 0)",
    ):
        database.execute(context(), sql, [])
    tickets = opening("tickets")
    assert tickets.call("open", {"subject": "more", "requester": "ada"})["id"] == 6
    assert "#5 kept" in tickets.call("list")["html"]
    steps = database.query(context(), "SELECT step FROM tickets_schema ORDER BY step", [])
    assert [row["step"] for row in steps] == [1, 2, 3]


# -- mails


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


@pytest.fixture
def mailer(opening: Opening, outbox: Path, tmp_path: Path) -> Plugin:
    pytest.importorskip("cryptography", reason="the extra secrets is not installed")
    return opening(
        "mailer",
        mail=MailFolder(outbox),
        secrets=Secrets(tmp_path / "secrets.json", new_key()),
        config=Settings({"site": {"name": "Goats & Co"}}),
    )


TEMPLATE = {
    "name": "welcome",
    "subject": "Hello {{name}}",
    "body": "<p>Dear {{name}}, {{count}} goats{{nothing}} {{ {{x</p>",
}


def mails(outbox: Path) -> list[Any]:
    return [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(outbox.iterdir())
    ]


def test_a_mail_is_made_from_a_template(mailer: Plugin, outbox: Path) -> None:
    assert mailer.call("set_key", {"new_key": "s3cret"}) == {"set": True}
    key = {"key": "s3cret"}
    assert mailer.call("set_template", TEMPLATE | key) == {"saved": True}
    mail = {"template": "welcome", "to": "ada@example.com"}
    values = {"name": "Ada <b>", "count": 3}
    assert mailer.call("send", mail | key | {"values": values}) == {"sent": True}
    [sent] = mails(outbox)
    assert (sent["To"], sent["Subject"]) == ("ada@example.com", "Hello Ada <b>")
    text = sent.get_content().strip()
    assert text == "<p>Dear Ada &lt;b&gt;, 3 goats {{ {{x</p>"
    assert sent.get_content_type() == "text/html"
    shown = "<p>1</p><ul><li>ada@example.com: welcome</li></ul>"
    assert mailer.call("widget_sent")["html"] == shown
    assert before_forms(mailer.call("overview")) == shown
    # a form has no values in values
    assert mailer.call("send", mail | key | {"name": "Eve"}) == {"sent": True}
    assert sorted(str(one["Subject"]) for one in mails(outbox)) == ["Hello Ada <b>", "Hello Eve"]


def test_a_template_is_replaced(mailer: Plugin) -> None:
    key = {"key": "k"}
    mailer.call("set_key", {"new_key": "k"})
    for body in ("<p>old</p>", "<p>new {{name}}</p>"):
        assert mailer.call("set_template", TEMPLATE | key | {"body": body}) == {"saved": True}
    made = mailer.call("template_mails_welcome_html", {"template": "x", "data": {"name": "Ada"}})
    assert made["html"] == "<p>new Ada</p><footer>Goats &amp; Co</footer>"


def test_the_hosts_template_is_made_without_one_of_ours(mailer: Plugin) -> None:
    [template] = mailer.registration.templates
    assert template.override
    made = mailer.call("template_mails_welcome_html", {"data": {"name": "A&B"}})
    assert made["html"] == "<p>Welcome, A&amp;B!</p><footer>Goats &amp; Co</footer>"


def test_only_who_knows_the_key_sends(mailer: Plugin, outbox: Path) -> None:
    refused = {"error": "the key is another one"}
    mail = {"template": "welcome", "to": "ada@example.com"}
    # as long as there is no key, nobody does
    assert mailer.call("send", mail) == refused
    assert mailer.call("set_key", {"new_key": "right"}) == {"set": True}
    for key in ("wrong", "righ", "right!", "", 7, None):
        assert mailer.call("send", mail | {"key": key}) == refused
        assert mailer.call("set_template", TEMPLATE | {"key": key}) == refused
        assert mailer.call("set_key", {"new_key": "mine", "key": key}) == refused
    assert mailer.call("set_key", {"new_key": "newer", "key": "right"}) == {"set": True}
    unknown = mailer.call("send", mail | {"key": "newer"})
    assert unknown == {"error": "there is no template welcome"}
    assert mails(outbox) == []


def test_a_mail_that_does_not_go_is_told(mailer: Plugin, outbox: Path) -> None:
    mailer.call("set_key", {"new_key": "k"})
    mailer.call("set_template", TEMPLATE | {"key": "k"})
    failed = {"error": "the mail cannot be sent"}
    mail = {"template": "welcome", "key": "k", "values": {"name": "x\nBcc: eve@example.com"}}
    assert mailer.call("send", mail | {"to": "ada@example.com"}) == failed
    assert mailer.call("send", mail | {"to": "no address", "values": {}}) == failed
    assert mails(outbox) == []
    assert mailer.call("widget_sent")["html"] == "<p>0</p><ul></ul>"


# -- feeds

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Goats</title><link>x</link>
<item><title>Second &amp; newest &#x1F410;</title><link>https://example.com/2</link></item>
<item><link>https://example.com/1</link><title><![CDATA[First <b>one</b>
]]></title><description>&lt;p&gt;long&lt;/p&gt;</description></item>
<item><title>A trap</title><link>javascript:alert(1)</link></item>
<item><title></title><link>https://example.com/none</link></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Kids</title>
<entry><title type="text">Atom &quot;quoted&quot;</title><link rel="alternate"
 href='https://example.com/a?b=1&amp;c=2'/></entry></feed>"""


class Site:
    """A web site on loopback whose pages can be changed."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {"/rss": RSS.encode(), "/atom": ATOM.encode()}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body = site.pages.get(self.path)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *given: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def feeds(opening: Opening) -> Plugin:
    """It declares the whole web; loopback, where the site is, an operator has to add."""
    grants = (
        *(Permission("db", "readwrite", ("feeds_*",)), Permission("cache", "readwrite")),
        Permission("http", scope=("*", "127.0.0.0/8")),
    )
    http = HTTPService(networks=["127.0.0.0/8"])
    return opening("feeds", {"feeds": Policy(permissions=grants)}, http=http)


def test_what_feeds_declare_does_not_reach_the_inside(opening: Opening, site: Site) -> None:
    url = f"{site.url}/rss"
    plugin = opening("feeds", http=HTTPService())
    assert plugin.call("add", {"url": url}) == {"error": f"there is no feed at {url}"}
    assert site.asked == []


def counts(answer: dict[str, Any]) -> tuple[int, int]:
    return answer["new"], answer["failed"]


def link(url: str, title: str) -> str:
    return f'<li><a rel="noopener noreferrer" href="{url}">{title}</a></li>'


FIRST = link("https://example.com/1", "First &lt;b&gt;one&lt;/b&gt;")
SECOND = link("https://example.com/2", "Second &amp; newest \U0001f410")
QUOTED = link("https://example.com/a?b=1&amp;c=2", "Atom &quot;quoted&quot;")


def test_feeds_are_read_and_read_again(feeds: Plugin, site: Site) -> None:
    assert feeds.call("headlines")["html"] == "<ul></ul>"
    assert feeds.call("add", {"url": f"{site.url}/rss"})["new"] == 2
    assert feeds.call("headlines")["html"] == f"<ul>{SECOND}{FIRST}</ul>"
    assert feeds.call("add", {"url": f"{site.url}/atom"})["new"] == 1
    assert feeds.call("add", {"url": f"{site.url}/atom"})["new"] == 0
    assert feeds.call("headlines")["html"] == f"<ul>{QUOTED}{SECOND}{FIRST}</ul>"
    third = "<item><title>Third</title><link>https://example.com/3</link></item>"
    site.pages["/rss"] = RSS.replace("<item>", f"{third}<item>", 1).encode()
    [job] = feeds.registration.jobs
    again = feeds.call(job.handler)
    assert again == {"new": 1, "failed": 0, **feeds.call("overview")}
    assert feeds.call("headlines")["html"].startswith(
        f"<ul>{link('https://example.com/3', 'Third')}"
    )


def test_headlines_come_from_the_cache(feeds: Plugin, site: Site) -> None:
    feeds.call("headlines")
    assert feeds.last_call is not None and feeds.last_call.host_calls > 3
    feeds.call("add", {"url": f"{site.url}/rss"})
    for _ in range(2):
        assert feeds.call("headlines")["html"] == f"<ul>{SECOND}{FIRST}</ul>"
        assert feeds.last_call is not None and feeds.last_call.host_calls == 1
    assert site.asked == ["/rss"]


def test_a_feed_that_fails_leaves_the_others(feeds: Plugin, site: Site) -> None:
    for page in ("rss", "atom"):
        feeds.call("add", {"url": f"{site.url}/{page}"})
    del site.pages["/atom"]
    more = RSS.replace("/1<", "/4<").replace("First", "Fourth")
    site.pages["/rss"] = more.encode()
    assert counts(feeds.call("refresh")) == (1, 1)
    assert feeds.call("headlines")["html"].endswith(f"<p>{site.url}/atom cannot be read</p>")
    site.pages["/atom"] = ATOM.encode()
    assert counts(feeds.call("refresh")) == (0, 0)
    assert "cannot be read" not in feeds.call("headlines")["html"]


@pytest.mark.parametrize(
    "page",
    [
        *(b"", b"hello", b"<html><title>x</title></html>", b"\xff\xfe", b"<", b"<ite", b"<!-- rss"),
    ],
)
def test_what_is_no_feed_is_not_taken(feeds: Plugin, site: Site, page: bytes) -> None:
    site.pages["/page"] = page
    url = f"{site.url}/page"
    assert feeds.call("add", {"url": url}) == {"error": f"there is no feed at {url}"}
    assert counts(feeds.call("refresh")) == (0, 0)


@pytest.mark.parametrize(
    "page",
    [
        b"<rss>",
        b"<rss><item>",
        b"<rss><item><title>x",
        b"<rss><item><title>x</title><link>",
        b"<rss><item><title>x</title><link href=",
        b"<rss><item><title>x</title><link href=\"https://example.com'></item>",
        b"<rss><item><title>\xff</title><link>https://example.com/bad</link></item></rss>",
        b"<rss><item><title><![CDATA[x</title><link>ftp://example.com/</link></item></rss>",
        b"<rss><item/><item/></rss>",
        b"<feed><entry><title>&#0;</title></entry></feed>",
    ],
)
def test_a_broken_feed_gives_nothing(feeds: Plugin, site: Site, page: bytes) -> None:
    site.pages["/page"] = page
    assert feeds.call("add", {"url": f"{site.url}/page"})["new"] == 0
    assert feeds.call("headlines")["html"] == "<ul></ul>"


def test_entities_and_long_titles(feeds: Plugin, site: Site) -> None:
    title = "&#65;&#x42;&#xD800;&#99999999;&unknown;&amp;amp;&" + "é" * 200
    page = f"<rss><item><title>{title}</title><link>https://example.com/e</link></item></rss>"
    site.pages["/page"] = page.encode()
    assert feeds.call("add", {"url": f"{site.url}/page"})["new"] == 1
    shown = feeds.call("headlines")["html"]
    assert ">AB\ufffd\ufffd&amp;unknown;&amp;amp;&amp;é" in shown
    assert 100 < shown.count("é") < 145  # 300 bytes, and no half of one


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "file:///etc/passwd", "x" * 501])
def test_only_addresses_of_the_web_are_feeds(feeds: Plugin, url: str | None) -> None:
    assert feeds.call("add", {"url": url}) == {"error": "url must be an address of the web"}
