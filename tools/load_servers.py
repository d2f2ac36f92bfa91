"""A host on real servers for tools/load: PostgreSQL, which is killed and begins again, and SMTP,
which goes and comes. Needs Debian's postgresql, psycopg and aiosmtpd."""

from __future__ import annotations

import errno
import random
import sys
import threading
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from aiosmtpd.controller import Controller
from servers import PostgreSQL, free_port

from pywasmgk.plugin import CallContext
from pywasmgk.services import Services
from pywasmgk.services.cache import MemoryCache
from pywasmgk.services.mail import SMTPMail
from pywasmgk.services.sql_server import SQLServer

__all__ = ["ServerHost"]


class _Inbox:
    """Takes mails, and counts them."""

    def __init__(self) -> None:
        self.mails = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails += 1
        return "250 OK"


class ServerHost(Services):
    """Services whose database and mail server are processes and threads that end in the midst of
    what they do. The disk is full when it is said to be."""

    def __init__(self) -> None:
        self.server = PostgreSQL()
        self.inbox, self.port = _Inbox(), free_port()
        self._controller: Controller | None = None
        self._disk_is_full = False
        self.crashes = 0
        self._lock = threading.Lock()
        self._start_mail()
        super().__init__(
            db=SQLServer(self.server.url, connect_timeout=2),
            mail=SMTPMail("127.0.0.1", self.port, sender="a@example.com", security="none"),
            cache=MemoryCache(),
        )

    def _start_mail(self) -> None:
        self._controller = Controller(self.inbox, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def _stop_mail(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def cache_set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value, if there is room."""
        if self._disk_is_full:
            raise OSError(errno.ENOSPC, "the disk is full")
        super().cache_set(ctx, key, value, ttl)

    def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
        """Is not to be kept twice."""

    def take_away(self, dice: random.Random) -> None:
        """Ends some of it, or begins it again."""
        with self._lock:
            self._disk_is_full = dice.random() < 0.3
            if self.server.process is None:
                self.server.start()
            elif dice.random() < 0.2:
                self.server.crash()
                self.crashes += 1
            if self._controller is None:
                self._start_mail()
            elif dice.random() < 0.2:
                self._stop_mail()

    def give_back(self) -> None:
        """Begins all again."""
        with self._lock:
            self._disk_is_full = False
            if self.server.process is None:
                self.server.start()
            if self._controller is None:
                self._start_mail()

    def close(self) -> None:
        """Ends all."""
        super().close()
        self._stop_mail()
        self.server.close()
