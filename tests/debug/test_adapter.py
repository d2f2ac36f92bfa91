"""The server for editors, driven by a client of our own that speaks the protocol."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from adapter_client import Client
from processor import HANGS

import pywasmgk
from pywasmgk import Module
from pywasmgk.debug.adapter import serve
from pywasmgk.debug.protocol import ProtocolError, read_message, write_message

SUM = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00hi\\n")
  (global $limit (mut i32) (i32.const 9))
  (func $double (param $n i32) (result i32)
    (i32.mul (local.get $n) (i32.const 2)))
  (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
    (loop $again
      (local.set $total
        (i32.add (local.get $total) (call $double (local.get $n))))
      (i32.store (i32.const 100) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.div_u (local.get $total) (local.get $n)))
  (func (export "forever") (loop (br 0))))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "sum.wat"
    path.write_text(SUM)
    return path


@pytest.fixture
def client(program: Path) -> Iterator[Client]:
    with Client() as client:
        assert client.ask("initialize")["supportsStepBack"]
        client.ask("launch", program=str(program), export="sum", args=["3"], stopOnEntry=True)
        client.wait("initialized")
        yield client


def begin(client: Client) -> None:
    client.ask("configurationDone")
    assert client.wait("stopped")["reason"] == "entry"


def test_from_the_beginning_to_a_trap_and_back(client: Client, program: Path) -> None:
    source = {"path": str(program)}
    found = client.ask(
        "setBreakpoints",
        source=source,
        breakpoints=[{"line": 14, "condition": "n == 2"}, {"line": 900}],
    )["breakpoints"]
    assert found == [{"verified": True, "id": 1, "line": 14}, {"verified": False}]
    begin(client)
    client.ask("continue", threadId=1)
    assert client.wait("stopped")["reason"] == "breakpoint"
    assert client.wait("output") == {"category": "stdout", "output": "hi\n"}
    top = client.top()
    assert (top["name"], top["line"], top["source"]["name"]) == ("sum", 14, "sum.wat")
    assert client.variables(0) == {"$n": "2", "$total": "10"}
    assert client.variables(2) == {"g0": "9"}
    client.ask("continue", threadId=1)
    assert client.wait("stopped")["reason"] == "exception"
    assert client.ask("exceptionInfo", threadId=1)["exceptionId"] == "INTEGER_DIVISION_BY_ZERO"
    client.ask("stepBack", threadId=1, granularity="instruction")
    client.wait("stopped")
    assert client.variables(1) == {"s0": "0", "s1": "12"}
    client.ask("reverseContinue", threadId=1)
    assert client.wait("stopped")["reason"] == "breakpoint"
    assert client.variables(0) == {"$n": "2", "$total": "10"}


def test_steps_go_by_lines_or_instructions(client: Client) -> None:
    begin(client)
    lines = []
    for _ in range(6):
        client.ask("next", threadId=1)
        client.wait("stopped")
        lines.append(client.top()["line"])
    assert lines == [11, 13, 12, 14, 15, 13]
    before = client.top()["instructionPointerReference"]
    client.ask("stepIn", threadId=1, granularity="instruction")
    client.wait("stopped")
    assert client.top()["instructionPointerReference"] != before


def test_functions_data_and_instructions_stop(client: Client) -> None:
    found = client.ask("setFunctionBreakpoints", breakpoints=[{"name": "double"}, {"name": "no"}])
    assert [item["verified"] for item in found["breakpoints"]] == [True, False]
    begin(client)
    client.ask("continue", threadId=1)
    client.wait("stopped")
    trace = client.ask("stackTrace", threadId=1)
    assert [frame["name"] for frame in trace["stackFrames"]] == ["double", "sum"]
    client.ask("setFunctionBreakpoints", breakpoints=[])
    info = client.ask("dataBreakpointInfo", name="100", bytes=4)
    client.ask("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])
    client.ask("continue", threadId=1)
    assert client.wait("stopped")["reason"] == "data breakpoint"
    assert client.ask("evaluate", expression="u32(100)", frameId=0)["result"] == "6"
    scope = client.ask("scopes", frameId=0)["scopes"][0]["variablesReference"]
    info = client.ask("dataBreakpointInfo", name="$n", variablesReference=scope)
    client.ask("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])
    client.ask("continue", threadId=1)
    client.wait("stopped")
    assert client.variables(0)["$n"] == "2"
    listing = client.ask(
        "disassemble",
        memoryReference=client.top()["instructionPointerReference"],
        instructionCount=3,
        instructionOffset=-1,
    )["instructions"]
    assert listing[0]["instruction"].startswith("local.tee")
    client.ask("setDataBreakpoints", breakpoints=[])
    place = listing[0]["address"]
    client.ask("setInstructionBreakpoints", breakpoints=[{"instructionReference": place}])
    client.ask("continue", threadId=1)
    client.wait("stopped")
    assert client.top()["instructionPointerReference"] == place


def test_values_and_memory_change(client: Client) -> None:
    begin(client)
    scope = client.ask("scopes", frameId=0)["scopes"][0]["variablesReference"]
    client.ask("setVariable", variablesReference=scope, name="$n", value="1 + 0")
    data = base64.b64encode(b"yo").decode()
    client.ask("writeMemory", memoryReference="0x8", data=data)
    read = client.ask("readMemory", memoryReference="0x8", count=3)
    assert base64.b64decode(read["data"]) == b"yo\n"
    end = client.ask("readMemory", memoryReference="0xFFFF", count=3)
    assert end["unreadableBytes"] == 2
    client.ask("setExceptionBreakpoints", filters=[])
    client.ask("continue", threadId=1)
    assert client.wait("output")["output"] == "yo\n"
    assert "divide by zero" in client.wait("output")["output"]
    assert client.wait("exited")["exitCode"] == 1
    client.wait("terminated")


def test_log_points_and_hits(client: Client, program: Path) -> None:
    client.ask(
        "setBreakpoints",
        source={"path": str(program)},
        breakpoints=[{"line": 14, "logMessage": "n is {n}, twice {n * 2}"}],
    )
    client.ask("setFunctionBreakpoints", breakpoints=[{"name": "double", "hitCondition": "3"}])
    begin(client)
    client.ask("continue", threadId=1)
    client.wait("stopped")
    assert client.variables(0) == {"$n": "1"}
    said = [event["body"]["output"] for event in client.events if event["event"] == "output"]
    assert said == ["hi\n", "n is 3, twice 6\n", "n is 2, twice 4\n"]


def test_it_can_be_paused(program: Path) -> None:
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(program), export="forever")
        client.ask("configurationDone")
        client.send("pause", threadId=1)
        assert client.wait("stopped")["reason"] == "pause"
        assert client.top()["source"]["name"] == "sum.wat"


def test_a_binary_has_sources_made_of_it(program: Path, tmp_path: Path) -> None:
    import pywasmgk

    binary = tmp_path / "sum.wasm"
    binary.write_bytes(pywasmgk.Module(SUM).data)
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(binary), export="sum", args=[2], stopOnEntry=True)
        sources = client.ask("loadedSources")["sources"]
        assert len(sources) == 3
        text = client.ask("source", sourceReference=sources[1]["sourceReference"])["content"]
        line = next(n for n, one in enumerate(text.split("\n"), 1) if "i32.store" in one)
        client.ask("setBreakpoints", source=sources[1], breakpoints=[{"line": line}])
        begin(client)
        client.ask("continue", threadId=1)
        client.wait("stopped")
        assert client.top()["line"] == line
        targets = client.ask("gotoTargets", source=sources[1], line=line - 2)["targets"]
        client.ask("goto", threadId=1, targetId=targets[1]["id"])
        client.wait("stopped")
        assert client.top()["line"] == line - 2


def test_mistakes_are_answered(client: Client) -> None:
    assert "not supported" in client.refused("dance")
    assert "called x" in client.refused("evaluate", expression="x")
    assert client.refused("variables")
    assert client.refused("source", sourceReference=77)
    begin(client)


def test_mistakes_of_a_client_never_end_it(client: Client) -> None:
    """Whatever arguments are, each request is answered."""
    begin(client)
    odd: list[Any] = [None, [], {}, "x", -1, 10**30, "0x", [[1]], {"path": 1}, [{"line": "x"}]]
    names = (
        "source breakpoints frameId variablesReference name memoryReference offset count data line "
        "targetId expression dataId filters startFrame levels instructionCount"
    ).split()
    leaving = {"disconnect", "terminate", "launch", "attach", "continue", "configurationDone"}
    commands = [name for name in client.adapter._handlers if name not in leaving]
    for value in odd:
        for command in commands:
            client.send(command, **dict.fromkeys(names, value))
            while (message := client.receive())["type"] != "response":
                pass
            assert message["command"] == command


def test_conditions_that_fail_stop_it(client: Client, program: Path) -> None:
    source = {"path": str(program)}
    bad = [{"line": 14, "hitCondition": "often"}]
    assert "hit condition" in client.refused("setBreakpoints", source=source, breakpoints=bad)
    there = [{"line": 14, "condition": "missing == 1"}]
    client.ask("setBreakpoints", source=source, breakpoints=there)
    other = client.ask("setBreakpoints", source={"path": "/x/sum.wat"}, breakpoints=[{"line": 14}])
    assert other["breakpoints"] == [{"verified": False}]
    begin(client)
    client.ask("continue", threadId=1)
    assert client.wait("stopped")["reason"] == "pause"
    assert any("called missing" in str(event["body"].get("output")) for event in client.events)


def test_the_console_answers_too(client: Client) -> None:
    begin(client)
    said = client.ask("evaluate", expression="locals", context="repl", frameId=0)["result"]
    assert said.split("\n")[0] == "$n i32 = 3 (0x3)"
    assert client.ask("evaluate", expression="n + 1", context="repl")["result"] == "4"


def test_a_program_has_its_exit_code_and_can_be_stopped_at_it(tmp_path: Path) -> None:
    program = tmp_path / "exit.wat"
    program.write_text("""(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func (export "_start") (call $exit (i32.const 3))))""")
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(program))
        client.ask("configurationDone")
        assert client.wait("exited")["exitCode"] == 3
        assert "no memory" in client.refused("readMemory", memoryReference="0", count=1)
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(program), stopOnExit=True)
        client.ask("configurationDone")
        assert client.wait("stopped")["reason"] == "exit"
        client.ask("stepBack", threadId=1, granularity="instruction")
        client.wait("stopped")
        assert client.variables(1) == {"s0": "3"}
    with Client() as client:
        client.ask("initialize")
        assert "no function" in client.refused("launch", program=str(program), export="none")
        assert "exit.wasm" in client.refused("attach", program=str(tmp_path / "exit.wasm"))


def test_states_and_recordings_with_a_key(program: Path, tmp_path: Path) -> None:
    module, (state, tape, key) = Module(SUM), (tmp_path / name for name in ("s", "t", "key"))
    key.write_bytes(b"a secret")
    imports = {"wasi_snapshot_preview1": {"fd_write": lambda *numbers: 0}}
    with pywasmgk.instantiate(module, imports).start("sum", 3) as held:
        held.step(20)
        state.write_bytes(held.to_bytes(b"a secret"))
        tape.write_bytes(held.recording().to_bytes(module, b"a secret"))
    for kind, file in (("state", state), ("recording", tape)):
        words = {"program": str(program), kind: str(file)}
        with Client() as client:
            client.ask("initialize")
            assert "with a key" in client.refused("attach", **words)
            assert "no key" in client.refused("attach", **words, key="env:NO_KEY")
            client.ask("attach", **words, key=str(key), stopOnEntry=True)
            client.ask("configurationDone")
            assert client.wait("stopped")["reason"] == "entry"


def test_an_editor_attaches_to_an_execution_of_ours(program: Path) -> None:
    import socket

    import pywasmgk

    try:
        with socket.create_server(("127.0.0.1", 0)) as anybody:
            socket.create_connection(anybody.getsockname()).close()
    except OSError as error:
        pytest.skip(f"this machine does not connect to itself: {error}")

    imports = {"wasi_snapshot_preview1": {"fd_write": lambda *numbers: 0}}
    held = pywasmgk.instantiate(SUM, imports).start("sum", 3)
    held.step(12)
    ports: Queue[int] = Queue()
    server = threading.Thread(target=serve, args=(held, 0, ports.put), daemon=True)
    server.start()
    with socket.create_connection(("127.0.0.1", ports.get(timeout=HANGS))) as connection:
        with connection.makefile("rb"), connection.makefile("wb") as writer:
            for number, command in enumerate(
                ("initialize", "attach", "configurationDone", "stepIn", "disconnect")
            ):
                arguments = {"granularity": "instruction"}
                request = {"seq": number, "command": command, "arguments": arguments}
                write_message(writer, {**request, "type": "request"})
            server.join(HANGS)
    assert not server.is_alive()
    assert held.steps == 13
    held.step()
    held.close()


def test_what_is_no_message_ends_it(tmp_path: Path) -> None:
    import io

    for data in (b"Content-Length: x\r\n\r\n", b"\r\n", b"Content-Length: 2\r\n\r\n[]"):
        with pytest.raises(ProtocolError):
            read_message(io.BytesIO(data))
    assert read_message(io.BytesIO(b"Content-Length: 9\r\n\r\n{}")) is None


# -- core dumps

DIV = Path(__file__).parents[1] / "guests/coredump/div.wat"


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A dump of a call that fails, in the interpreter."""
    module = pywasmgk.Module.from_file(DIV)
    instance = pywasmgk.instantiate(module, engine="interpreter")
    with pytest.raises(pywasmgk.Trap), pywasmgk.core_on_trap() as found:
        instance.exports.f(0)
    assert found.dump is not None
    path = tmp_path / "div.core"
    path.write_bytes(found.dump.to_bytes())
    return path


def test_a_core_dump_is_looked_at(core: Path) -> None:
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(DIV), core=str(core))
        client.wait("initialized")
        assert client.wait("capabilities")["capabilities"]["supportsStepBack"] is False
        assert "not go on" in client.wait("output")["output"]
        source = {"path": str(DIV)}
        (found,) = client.ask("setBreakpoints", source=source, breakpoints=[{"line": 6}])[
            "breakpoints"
        ]
        assert not found["verified"] and "core dump" in found["message"]
        client.ask("configurationDone")
        assert client.wait("stopped")["reason"] == "entry"
        frames = client.ask("stackTrace", threadId=1)["stackFrames"]
        assert [frame["name"] for frame in frames] == ["div", "f"]
        assert frames[0]["source"]["path"] == str(DIV.resolve())
        assert client.variables(0) == {
            "$a": "-3", "$b": "0", "$x": "1.5", "$v": "(missing)",
        }  # fmt: skip
        assert client.variables(0, 1) == {"$n": "0"}
        assert client.variables(1)["s1"] == "-3" and client.variables(2)["g0"] == "42"
        assert client.ask("evaluate", expression="a + 1", frameId=0)["result"] == "-2"
        said = client.ask("evaluate", expression="where", context="repl")["result"]
        assert said.startswith("* 0 $div at 0x6d")
        data = client.ask("readMemory", memoryReference="0x11170", count=5)["data"]
        assert base64.b64decode(data) == b"hello"
        code = client.ask(
            "disassemble", memoryReference=frames[0]["instructionPointerReference"],
            instructionCount=1,
        )["instructions"]  # fmt: skip
        assert code[0]["instruction"] == "i64.div_s" or "div" in code[0]["instruction"]


@pytest.mark.parametrize(
    "command", ["continue", "next", "stepIn", "stepOut", "stepBack", "reverseContinue"]
)
def test_a_core_dump_says_that_it_does_not_go_on(core: Path, command: str) -> None:
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(DIV), core=str(core))
        client.ask("configurationDone")
        client.wait("stopped")
        client.wait("output")
        client.ask(command, threadId=1)
        assert "not go on" in client.wait("output")["output"]
        assert client.wait("stopped")["reason"] == "pause"
        changed = client.refused("setVariable", variablesReference=1, name="$b", value="1")
        assert "not go on" in changed
        assert "not go on" in client.refused("writeMemory", memoryReference="0", data="AA==")


def test_a_core_dump_of_another_module_is_refused(core: Path, program: Path) -> None:
    with Client() as client:
        client.ask("initialize")
        refusal = client.refused("launch", program=str(program), core=str(core))
        assert "another module" in refusal
        assert "no.core" in client.refused("launch", program=str(DIV), core="no.core")
