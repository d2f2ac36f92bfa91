"""A client of the server for editors, in this process."""

from __future__ import annotations

import os
import threading
from typing import Any

from pywasmgk.cli.debugging import _launched
from pywasmgk.debug.adapter import Adapter
from pywasmgk.debug.protocol import read_message, write_message


class Client:
    """Sends requests and waits for what they bring."""

    def __init__(self) -> None:
        (to_server, from_client), (to_client, from_server) = self._pipes()
        self._out, self._in = from_client, to_client
        self._files = (from_client, to_server, from_server, to_client)
        self.adapter = Adapter(to_server, from_server, _launched)
        self.thread = threading.Thread(target=self.adapter.serve, daemon=True)
        self.thread.start()
        self.events: list[dict[str, Any]] = []
        self._sequence = 0

    @staticmethod
    def _pipes() -> Any:
        made = []
        for _ in range(2):
            read, write = os.pipe()
            made.append((open(read, "rb"), open(write, "wb")))
        return made

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.ask("disconnect")
        self.thread.join(10)
        assert not self.thread.is_alive()
        for file in self._files:
            file.close()

    def send(self, command: str, **arguments: Any) -> None:
        self._sequence += 1
        message = {"seq": self._sequence, "type": "request", "command": command}
        write_message(self._out, {**message, "arguments": arguments})

    def ask(self, command: str, **arguments: Any) -> Any:
        """The body of the answer; events that come before it are kept."""
        self.send(command, **arguments)
        while True:
            message = self.receive()
            if message["type"] == "response" and message["request_seq"] == self._sequence:
                assert message["success"], message
                return message["body"]

    def refused(self, command: str, **arguments: Any) -> str:
        self.send(command, **arguments)
        while True:
            message = self.receive()
            if message["type"] == "response" and message["request_seq"] == self._sequence:
                assert not message["success"], message
                return str(message["message"])

    def receive(self) -> dict[str, Any]:
        message = read_message(self._in)
        assert message is not None
        if message["type"] == "event":
            self.events.append(message)
        return message

    def wait(self, event: str) -> dict[str, Any]:
        """The body of the next event of that name."""
        while True:
            for position, found in enumerate(self.events):
                if found["event"] == event:
                    del self.events[position]
                    body: dict[str, Any] = found["body"]
                    return body
            self.receive()

    def top(self) -> dict[str, Any]:
        frame: dict[str, Any] = self.ask("stackTrace", threadId=1)["stackFrames"][0]
        return frame

    def variables(self, scope: int, frame: int = 0) -> dict[str, str]:
        found = self.ask("scopes", frameId=frame)["scopes"][scope]["variablesReference"]
        items = self.ask("variables", variablesReference=found)["variables"]
        return {item["name"]: item["value"] for item in items}
