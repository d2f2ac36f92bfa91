"""Database and cache servers for tests: real ones, on loopback, in folders of their own.

``with PostgreSQL() as server`` starts one on a free port and ends it, by the process that was
started. They refuse to run as root, so that root starts them as another user. ``NotThere`` is
raised where the programs are not installed: Debian has them as ``postgresql``, ``mariadb-server``
and ``redis-server``.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

#: seconds that a server may take to answer, on a slow and busy machine
PATIENCE = 60.0
#: accounts that come with the packages, and one that is always there
_ACCOUNTS = ("postgres", "mysql", "redis", "nobody")


class NotThere(Exception):
    """The programs of a server are not installed, or cannot be started here."""


def free_port() -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str, *patterns: str) -> str:
    """The path of a program, also outside of PATH. Raises NotThere."""
    found = shutil.which(name)
    beside = sorted(path for pattern in patterns for path in glob.glob(f"{pattern}/{name}"))
    if found is None and not beside:
        raise NotThere(f"{name} is not installed")
    return found or beside[-1]


def other_user() -> str | None:
    """The account that root gives servers; none where nobody is root."""
    if os.getuid() != 0:
        return None
    for name in _ACCOUNTS:
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise NotThere("root has no other account to run servers with")


class Server:
    """A server: where it is, its process."""

    #: the signal on which it ends at once and in good order
    ending = signal.SIGTERM
    #: the one on which it ends without finishing anything, all its processes with it
    crashing = signal.SIGKILL

    def __init__(self) -> None:
        self.user = other_user()
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="pywasmgk-server-", dir="/tmp"))
        self.process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """Makes the files that it needs."""

    def command(self) -> list[str]:
        """What starts it in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it is ready."""
        raise NotImplementedError

    def run(self, *command: str) -> None:
        """Runs a program as the server's user. Raises NotThere if that fails."""
        done = subprocess.run(command, **self._terms(), capture_output=True)
        if done.returncode:
            text = done.stderr.decode(errors="replace")[-500:]
            raise NotThere(f"{Path(command[0]).name} failed: {text}")

    def _terms(self) -> dict[str, Any]:
        user = {} if self.user is None else {"user": self.user, "group": self._group()}
        extra = {"extra_groups": []} if self.user is not None else {}
        environment = {**os.environ, "HOME": str(self.folder), "LC_ALL": "C"}
        return {**user, **extra, "cwd": self.folder, "env": environment}

    def _group(self) -> int:
        return pwd.getpwnam(str(self.user)).pw_gid

    def start(self) -> None:
        """Starts it on its port, and waits for it. Raises NotThere."""
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), **self._terms(), stdout=output, stderr=output
            )
        end = time.monotonic() + PATIENCE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                text = (self.folder / "output").read_text(errors="replace")[-800:]
                raise NotThere(f"{type(self).__name__} did not start: {text}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals | None = None) -> None:
        """Ends its process; the data stays."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how or self.ending)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)
        self.process = None

    def crash(self) -> None:
        """Ends it in the midst of what it does."""
        self.stop(self.crashing)

    def freeze(self) -> None:
        """Has all its processes stand still; the system still takes what it is sent."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not children.exists():
            raise NotThere("this system does not tell the children of processes")
        others = children.read_text().split()
        for pid in (self.process.pid, *map(int, others)):
            os.kill(pid, number)

    def close(self) -> None:
        """Ends it, and removes its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def accepts(self) -> bool:
        """Whether somebody listens on its port."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class PostgreSQL(Server):
    """PostgreSQL, with an account ``test`` that needs a password."""

    # its SIGTERM waits for clients
    ending = signal.SIGINT
    # killed, it would leave the processes of its connections behind for a moment
    crashing = signal.SIGQUIT
    places = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin")

    def prepare(self) -> None:
        """Makes a cluster."""
        secret = self.folder / "password"
        secret.write_text("secret\n")
        secret.chmod(0o644)
        self.run(
            *(program("initdb", *self.places), "-D", str(self.folder / "data"), "-U", "test"),
            *("-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8"),
            "--locale=C",
        )

    def command(self) -> list[str]:
        """No fsync: the data need not outlive the machine."""
        settings = ("listen_addresses=127.0.0.1", "fsync=off", "max_connections=40")
        return [
            *(program("postgres", *self.places), "-D", str(self.folder / "data")),
            *("-p", str(self.port), "-k", str(self.folder)),
            *(word for setting in settings for word in ("-c", setting)),
        ]

    def answers(self) -> bool:
        """``pg_isready`` says so."""
        ready = program("pg_isready", *self.places)
        command = [ready, "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of it."""
        return f"postgresql+psycopg://test:secret@127.0.0.1:{self.port}/postgres"


class MariaDB(Server):
    """MariaDB, with an account ``test`` that needs a password, and a database ``test``."""

    places = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")

    def prepare(self) -> None:
        """Makes the tables of accounts."""
        install = program("mariadb-install-db", "/usr/bin")
        self.run(
            *(install, "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db"),
        )
        (self.folder / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS test;"
            "CREATE USER IF NOT EXISTS test@'127.0.0.1' IDENTIFIED BY 'secret';\n"
            "GRANT ALL ON test.* TO test@'127.0.0.1';\n".replace(";", ";\n")
        )

    def command(self) -> list[str]:
        """On loopback, without its own log of changes."""
        return [
            *(program("mariadbd", *self.places), "--no-defaults"),
            *(f"--datadir={self.folder / 'data'}", f"--port={self.port}"),
            *("--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-method=nosync"),
            *(f"--socket={self.folder / 's'}", f"--pid-file={self.folder / 'pid'}"),
            *(f"--init-file={self.folder / 'init.sql'}", "--innodb-buffer-pool-size=16M"),
            f"--log-error={self.folder / 'output'}",
        ]

    def answers(self) -> bool:
        """It listens when its accounts are there."""
        return self.accepts()

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of it."""
        return f"mysql+pymysql://test:secret@127.0.0.1:{self.port}/test?charset=utf8mb4"


class Redis(Server):
    """Redis, or Valkey where that is what there is, with a password."""

    def command(self) -> list[str]:
        """Nothing is saved."""
        try:
            server = program("redis-server")
        except NotThere:
            server = program("valkey-server")
        return [
            *(server, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            *("--appendonly", "no", "--dir", str(self.folder), "--requirepass", "secret"),
        ]

    def answers(self) -> bool:
        """It listens when it is ready."""
        return self.accepts()

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://:secret@127.0.0.1:{self.port}/0"
