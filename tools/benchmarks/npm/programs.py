"""The programs: what each calls, in Python and in JavaScript, with equal answers.

Python's part gets the folder ``node_modules``, or, where a row says ``raw``, an instance on
whichever engine is measured. JavaScript's part has ``require``, ``fs``, ``root`` and ``hex``, and
returns.
"""

# JavaScript is easier to compare with Python on lines of its own
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pywasmgk import WasiConfig
from pywasmgk.compat import assemblyscript, emscripten, gojs, wasm_bindgen
from pywasmgk.compat.memory import c_text

from ..real.engines import Guest, Imports

__all__ = ["PROGRAMS", "Program"]

#: limits that all of them keep
LARGE: dict[str, Any] = {"memory_limit": 16384, "fuel": None, "timeout": 900}
DEEP: dict[str, Any] = {**LARGE, "depth_limit": 20_000}


class Program(NamedTuple):
    """A program: what it is built with, what npm fetches, and what is run."""

    toolchain: str
    packages: tuple[str, ...]
    run: Callable[..., Any]
    node: str
    #: the module, if it needs no glue
    raw: str = ""
    #: the functions that such a module imports
    host: Callable[[Guest], Imports] = lambda guest: {}


PROGRAMS: dict[str, Program] = {}


def program(toolchain: str, *packages: str, node: str, **more: Any) -> Callable[[Any], Any]:
    """Adds a row; its name is that of the function."""

    def add(run: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS[run.__name__] = Program(toolchain, packages, run, node, **more)
        return run

    return add


# -- wasm-bindgen


@program(
    "wasm-bindgen", "rregex@1.13.1",
    node="""const { RRegex } = require("rregex");
    const regex = new RRegex("(?<user>[a-z]+)@([a-z]+)");
    return [regex.replaceAll("ada@goats, kid@herd", "$2 of $user"), regex.find("x ada@goats").value, regex.captureNames()];""",
)  # fmt: skip
def rregex(root: Path) -> Any:
    package = wasm_bindgen.load(root / "rregex/lib/rregex.wasm", **LARGE)
    regex = package.RRegex("(?<user>[a-z]+)@([a-z]+)")
    replaced = regex.replaceAll("ada@goats, kid@herd", "$2 of $user")
    return replaced, regex.find("x ada@goats")["value"], regex.captureNames()


@program(
    "wasm-bindgen", "json_typegen_wasm@0.7.0",
    node="""const folder = `${root}/json_typegen_wasm/json_typegen_wasm_bg`;
    const made = await WebAssembly.instantiate(fs.readFileSync(`${folder}.wasm`), {});
    globalThis.made = made.instance.exports;
    const text = fs.readFileSync(`${folder}.js`, "utf-8").replace(/import .* as wasm .*/, "const wasm = globalThis.made;");
    const { run } = await import("data:text/javascript," + encodeURIComponent(text));
    return run("Herd", '{"goats": [{"name": "Ada", "age": 3}]}', '{"output_mode": "rust"}');""",
)  # fmt: skip
def json_typegen(root: Path) -> Any:
    package = wasm_bindgen.load(root / "json_typegen_wasm/json_typegen_wasm_bg.wasm", **LARGE)
    goats = '{"goats": [{"name": "Ada", "age": 3}]}'
    return package.run("Herd", goats, '{"output_mode": "rust"}')


@program(
    "wasm-bindgen", "@oxc-parser/wasm@0.60.0",
    node="""const { parseSync } = require("@oxc-parser/wasm/node/oxc_parser_wasm.js");
    const result = parseSync("let goats = 3; // many", { sourceType: "module" });
    return [result.programJson, result.comments, result.errors];""",
)  # fmt: skip
def oxc_parser(root: Path) -> Any:
    package = wasm_bindgen.load(root / "@oxc-parser/wasm/node/oxc_parser_wasm_bg.wasm", **LARGE)
    result = package.parseSync("let goats = 3; // many", {"sourceType": "module"})
    return result.programJson, result.comments, result.errors


@program(
    "wasm-bindgen", "brotli-wasm@3.0.1",
    node="""const brotli = require(`${root}/brotli-wasm/pkg.node/brotli_wasm.js`);
    const packed = brotli.compress(Buffer.from("goats graze ".repeat(50)), { quality: 9 });
    return [hex(packed), hex(brotli.decompress(packed))];""",
)  # fmt: skip
def brotli(root: Path) -> Any:
    package = wasm_bindgen.load(root / "brotli-wasm/pkg.node/brotli_wasm_bg.wasm", **LARGE)
    packed = package.compress(b"goats graze " * 50, {"quality": 9})
    return packed, package.decompress(packed)


@program(
    "wasm-bindgen", "lz4-wasm-nodejs@0.9.2",
    node="""const lz4 = require("lz4-wasm-nodejs");
    const packed = lz4.compress(Buffer.from("goats graze ".repeat(50)));
    return [hex(packed), hex(lz4.decompress(packed))];""",
)  # fmt: skip
def lz4(root: Path) -> Any:
    package = wasm_bindgen.load(root / "lz4-wasm-nodejs/lz4_wasm_nodejs_bg.wasm", **LARGE)
    packed = package.compress(b"goats graze " * 50)
    return packed, package.decompress(packed)


@program(
    "wasm-bindgen", "@jsquash/png@3.1.1",
    node="""const png = await import(`${root}/@jsquash/png/codec/pkg/squoosh_png.js`);
    await png.default(fs.readFileSync(`${root}/@jsquash/png/codec/pkg/squoosh_png_bg.wasm`));
    return hex(png.encode(Uint8Array.from({ length: 1024 }, (_, n) => n * 7), 16, 16, 8));""",
)  # fmt: skip
def png(root: Path) -> Any:
    package = wasm_bindgen.load(root / "@jsquash/png/codec/pkg/squoosh_png_bg.wasm", **LARGE)
    return package.encode(bytes(number * 7 & 255 for number in range(1024)), 16, 16, 8)


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16"><rect width="9" height="9" '
    'fill="red"/><circle cx="16" cy="8" r="6" fill="none" stroke="blue"/></svg>'
)


@program(
    "wasm-bindgen", "@resvg/resvg-wasm@2.6.2",
    node=f"""const {{ initWasm, Resvg }} = require("@resvg/resvg-wasm");
    await initWasm(fs.readFileSync(`${{root}}/@resvg/resvg-wasm/index_bg.wasm`));
    const image = new Resvg('{SVG}');
    return [image.width, hex(image.render().asPng())];""",
)  # fmt: skip
def resvg(root: Path) -> Any:
    package = wasm_bindgen.load(root / "@resvg/resvg-wasm/index_bg.wasm", **LARGE)
    package.initialized = True
    image = package.Resvg(SVG)
    return image.width, image.render().asPng()


@program(
    "wasm-bindgen", "@wasm-fmt/lua_fmt@0.3.3",
    node="""const { format } = await import(`${root}/@wasm-fmt/lua_fmt/lua_fmt_node.js`);
    return format("local   goats=3\\nif goats then print( 'x' )end", { indent_style: "space", indent_width: 2 });""",
)  # fmt: skip
def lua_fmt(root: Path) -> Any:
    package = wasm_bindgen.load(root / "@wasm-fmt/lua_fmt/lua_fmt_bg.wasm", **LARGE)
    text = "local   goats=3\nif goats then print( 'x' )end"
    return package.format(text, {"indent_style": "space", "indent_width": 2})


# -- Emscripten


@program(
    "Emscripten", "@bokuweb/zstd-wasm@0.0.27",
    node="""const { init, compress, decompress } = require("@bokuweb/zstd-wasm");
    await init();
    const packed = compress(Buffer.from("goats graze ".repeat(50)), 3);
    return [hex(packed), hex(decompress(packed))];""",
)  # fmt: skip
def zstd(root: Path) -> Any:
    folder = root / "@bokuweb/zstd-wasm/dist/common"
    guest = emscripten.load(folder / "zstd.wasm", folder / "zstd.js", **LARGE)
    data = b"goats graze " * 50
    with guest.allocator() as memory:
        plain, packed = memory.put(data), memory.room(guest.ZSTD_compressBound(len(data)))
        size = guest.ZSTD_compress(packed, guest.ZSTD_compressBound(len(data)), plain, len(data), 3)
        found = guest.memory.read(packed, size)
        back = guest.ZSTD_decompress(plain, len(data), packed, size)
        return found, guest.memory.read(plain, back)


@program(
    "Emscripten", "argon2-browser@1.18.0",
    node="""delete globalThis.fetch;
    const argon2 = require("argon2-browser");
    return (await argon2.hash({ pass: "goat", salt: "saltysalt", time: 1, mem: 64, hashLen: 24, type: 2 })).encoded;""",
)  # fmt: skip
def argon2(root: Path) -> Any:
    folder = root / "argon2-browser/dist"
    guest = emscripten.load(folder / "argon2.wasm", folder / "argon2.js", **LARGE)
    with guest.allocator() as memory:
        digest, encoded = memory.room(24), memory.room(108)
        numbers = (24, encoded, 108, 2, 0, 0, 0, 0, 0x13)
        guest.argon2_hash_ext(1, 64, 1, b"goat", 4, b"saltysalt", 9, digest, *numbers)
        return guest.text(encoded)


@program(
    "Emscripten", "jq-web@0.6.2",
    node="""const jq = await require("jq-web");
    return jq.raw('{"goats": [{"age": 3}, {"age": 5}]}', ".goats | map(.age) | add", ["-c"]).trim();""",
)  # fmt: skip
def jq(root: Path) -> Any:
    output = bytearray()
    wasi = WasiConfig(stdin='{"goats": [{"age": 3}, {"age": 5}]}', stdout=output.extend)
    guest = emscripten.load(root / "jq-web/jq.wasm", wasi=wasi, **LARGE)
    guest.main("-c", ".goats | map(.age) | add")
    return output.decode().strip()


LUA = (
    "local t = {} for i = 1, 20 do t[#t + 1] = i * i % 7 end "
    "local ok, why = pcall(function() error({code = 7}) end) "
    "return table.concat(t, ' ') .. tostring(ok) .. why.code"
)


@program(
    "Emscripten", "wasmoon@1.16.0",
    node=f"""const {{ LuaFactory }} = require("wasmoon");
    return await (await new LuaFactory().createEngine()).doString("{LUA}");""",
)  # fmt: skip
def wasmoon(root: Path) -> Any:
    guest = emscripten.load(root / "wasmoon/dist/glue.wasm", **LARGE)
    state = guest.luaL_newstate()
    guest.luaL_openlibs(state)
    guest.luaL_loadstring(state, LUA)
    guest.lua_pcallk(state, 0, 1, 0, 0, 0)
    return guest.text(guest.lua_tolstring(state, -1, 0))


JSON_TEXT = '{"goats": [1, {"a": null}]}'


@program(
    "Emscripten", "web-tree-sitter@0.27.2", "tree-sitter-json@0.24.8",
    node=f"""const {{ Parser, Language }} = require("web-tree-sitter");
    await Parser.init();
    const parser = new Parser();
    parser.setLanguage(await Language.load(`${{root}}/tree-sitter-json/tree-sitter-json.wasm`));
    return parser.parse('{JSON_TEXT}').rootNode.toString();""",
)  # fmt: skip
def tree_sitter(root: Path) -> Any:
    def read(buffer: int, index: int, row: int, column: int, size: int) -> None:
        part = JSON_TEXT[index:]
        guest.memory.write(buffer, part.encode("utf-16-le") + b"\0\0")
        guest.memory.write_u32(size, len(part))

    own = {"env": {"tree_sitter_parse_callback": read}}
    path = root / "web-tree-sitter/web-tree-sitter.wasm"
    guest = emscripten.load(path, imports=own, **LARGE)
    side = guest.load_side(root / "tree-sitter-json/tree-sitter-json.wasm")
    words = guest.ts_init(), guest.ts_parser_new_wasm()
    parser, source = (guest.memory.read_u32(words[0] + at) for at in (0, 4))
    guest.ts_parser_set_language(parser, side.exports.tree_sitter_json())
    tree = guest.ts_parser_parse_wasm(parser, source, 0, 0, 0)
    guest.ts_tree_root_node_wasm(tree)
    return guest.text(guest.ts_node_to_string_wasm(tree))


@program(
    "Emscripten", "vscode-oniguruma@2.0.1",
    node="""const onig = require("vscode-oniguruma");
    await onig.loadWASM(fs.readFileSync(`${root}/vscode-oniguruma/release/onig.wasm`).buffer);
    const found = new onig.OnigScanner(["x+", "(go)(at)s?"]).findNextMatchSync("three goats", 0);
    return [found.index, found.captureIndices.map((part) => [part.start, part.end])];""",
)  # fmt: skip
def oniguruma(root: Path) -> Any:
    guest = emscripten.load(root / "vscode-oniguruma/release/onig.wasm", **LARGE)
    with guest.allocator() as memory:
        patterns = [b"x+", b"(go)(at)s?"]
        texts = memory.put(b"".join(memory.put(p).to_bytes(4, "little") for p in patterns))
        sizes = memory.put(b"".join(len(p).to_bytes(4, "little") for p in patterns))
        syntax = guest.ONIG_OPTION_CAPTURE_GROUP, guest.ONIG_SYNTAX_DEFAULT
        scanner = guest.createOnigScanner(texts, sizes, 2, *syntax)
        at = guest.findNextOnigScannerMatch(scanner, 1, memory.put(b"three goats"), 11, 0, 0)
        index, count = guest.memory.read_u32(at), guest.memory.read_u32(at + 4)
        words = [guest.memory.read_u32(at + 8 + 4 * n) for n in range(2 * count)]
        return index, [words[n : n + 2] for n in range(0, len(words), 2)]


SQL = (
    "create table goat(name, age); insert into goat values ('Ada', 3), ('Kid', 1); "
    "select name || age as told from goat order by age"
)


@program(
    "Emscripten", "sql.js@1.17.0",
    node=f"""const SQL = await require("sql.js")();
    return new SQL.Database().exec("{SQL}")[0].values.map((row) => row[0]);""",
)  # fmt: skip
def sql_js(root: Path) -> Any:
    folder = root / "sql.js/dist"
    guest = emscripten.load(folder / "sql-wasm-debug.wasm", folder / "sql-wasm-debug.js", **LARGE)
    with guest.allocator() as memory:
        place = memory.room(8)
        guest.sqlite3_open(":memory:", place)
        database, found, rest = guest.memory.read_u32(place), [], memory.c_string(SQL)
        while guest.memory.read_u8(rest):
            guest.sqlite3_prepare_v2(database, rest, -1, place, place + 4)
            statement, rest = guest.memory.read_u32(place), guest.memory.read_u32(place + 4)
            while guest.sqlite3_step(statement) == 100:
                found.append(guest.text(guest.sqlite3_column_text(statement, 0)))
        return found


# -- Go

TYPESCRIPT = "const goats: number = 6 * 7; export function more(n: number) { return n + goats }"


@program(
    "Go", "esbuild-wasm@0.28.2",
    node=f"""const esbuild = require("esbuild-wasm");
    const result = await esbuild.transform("{TYPESCRIPT}", {{ loader: "ts", minify: true }});
    await esbuild.stop();
    return result.code;""",
)  # fmt: skip
def esbuild(root: Path) -> Any:
    words = ["--loader=ts", "--minify"]
    module = root / "esbuild-wasm/esbuild.wasm"
    return gojs.run(module, words, stdin=TYPESCRIPT.encode(), **DEEP).stdout.decode()


@program(
    "Go", "@astrojs/compiler@4.0.0",
    node="""const { transform } = await import(`${root}/@astrojs/compiler/dist/node/index.js`);
    const result = await transform("<h1>{goats}</h1><style>h1 { color: red }</style>", {});
    process.exitCode = 0;
    return [result.code, result.css];""",
)  # fmt: skip
def astro(root: Path) -> Any:
    go = gojs.load(root / "@astrojs/compiler/dist/astro.wasm", **DEEP)
    transform = go.everything["@astrojs/compiler"]["transform"]
    text = "<h1>{goats}</h1><style>h1 { color: red }</style>"
    result = go.call(transform, text, {})
    return result["code"], result["css"]


HCL = 'resource "goat" "ada" {\n age = 3\n names = ["a", "b"]\n}'


@program(
    "Go",
    "@cdktf/hcl2json@0.21.0",
    node=f"""return JSON.stringify(await require("@cdktf/hcl2json").parse("x.tf", {HCL!r}));""",
)
def hcl2json(root: Path) -> Any:
    found: list[Any] = []
    names = {"__parse_terraform_config_wasm__": {}}
    go = gojs.load(root / "@cdktf/hcl2json/main.wasm.gz", names=names, **DEEP)
    parse = go.everything["__parse_terraform_config_wasm__"]["parse"]
    go.call(parse, "x.tf", HCL, lambda error, text=None: found.append(error or text))
    return found[0]


@program(
    "Go", "@cdktf/hcl-tools@0.21.0",
    node=f"""return await require("@cdktf/hcl-tools").format({HCL!r});""",
)  # fmt: skip
def hcl_tools(root: Path) -> Any:
    found: list[Any] = []
    names = {"__hcl_helpers_config_wasm__": {}}
    go = gojs.load(root / "@cdktf/hcl-tools/main.wasm.gz", names=names, **DEEP)
    tools = go.everything["__hcl_helpers_config_wasm__"]
    go.call(tools["format"], HCL, lambda error, text=None: found.append(error or text))
    return found[0]


@program(
    "Go", "excelize-wasm@0.1.3",
    node="""const excelize = await require("excelize-wasm").init(`${root}/excelize-wasm/excelize.wasm.gz`);
    const book = excelize.NewFile();
    book.SetCellValue("Sheet1", "B2", 30);
    book.SetCellFormula("Sheet1", "B3", "=B2*2+SUM(1,2)");
    const cells = [book.GetCellValue("Sheet1", "B2"), book.CalcCellValue("Sheet1", "B3")];
    return [...cells.map((cell) => cell.value), excelize.CoordinatesToCellName(28, 3).cell];""",
)  # fmt: skip
def excelize(root: Path) -> Any:
    module = root / "excelize-wasm/excelize.wasm.gz"
    package = gojs.load(module, names={"excelize": {}}, **DEEP).excelize
    book = package["NewFile"]()
    book["SetCellValue"]("Sheet1", "B2", 30)
    book["SetCellFormula"]("Sheet1", "B3", "=B2*2+SUM(1,2)")
    cells = [book["GetCellValue"]("Sheet1", "B2"), book["CalcCellValue"]("Sheet1", "B3")]
    return [*(cell["value"] for cell in cells), package["CoordinatesToCellName"](28, 3)["cell"]]


SHELL = "if [ 1 ];then\necho   goats;fi"


@program(
    "TinyGo", "sh-syntax@0.7.0",
    node=f"""const {{ print }} = await import(`${{root}}/sh-syntax/lib/index.js`);
    return await print({SHELL!r}, {{ filepath: "x.sh" }});""",
)  # fmt: skip
def sh_syntax(root: Path) -> Any:
    go = gojs.load(root / "sh-syntax/main.wasm", **DEEP)

    def put(text: str) -> tuple[int, int, int]:
        at, size = go.instance.exports.wasmAlloc(len(text)), len(text)
        go.memory.write(at, text.encode())
        return at, size, size

    named, given, stop = put("x.sh"), put(SHELL), put("")
    # what the package's script gives: print, comments, bash, then how it is laid out
    words = (1, 1, 1, *stop, 0, 0, 2, 1, 1, 1, 0, 0, 0, 0)
    return json.loads(c_text(go.memory, go.instance.exports.process(*named, *given, *words)))[
        "text"
    ]


# -- AssemblyScript


@program(
    "AssemblyScript", "@chainsafe/as-sha256@1.2.5",
    node="""const { digest } = await import(`${root}/@chainsafe/as-sha256/lib/index.js`);
    return hex(digest(Buffer.from("goats graze ".repeat(20))));""",
)  # fmt: skip
def as_sha256(root: Path) -> Any:
    guest = assemblyscript.load(root / "@chainsafe/as-sha256/build/optimized.wasm", **LARGE)
    data = b"goats graze " * 20
    guest.memory.write(guest.input.value, data)
    guest.init()
    guest.update(guest.input.value, len(data))
    guest.final(guest.output.value)
    return guest.memory.read(guest.output.value, 32)


@program(
    "AssemblyScript", "@chainsafe/as-chacha20poly1305@0.1.0",
    node="""const { chacha20StreamXOR } = require(`${root}/@chainsafe/as-chacha20poly1305/lib/src/chacha20.js`);
    return hex(chacha20StreamXOR(Buffer.alloc(32, 7), Buffer.alloc(16, 1), Buffer.from("three goats graze")));""",
)  # fmt: skip
def as_chacha20(root: Path) -> Any:
    module = root / "@chainsafe/as-chacha20poly1305/build/optimized.wasm"
    guest = assemblyscript.load(module, **LARGE)
    text = b"three goats graze"
    guest.memory.write(guest.chacha20Key.value, b"\7" * 32)
    guest.memory.write(guest.chacha20Counter.value, b"\1" * 16)
    guest.memory.write(guest.chacha20Input.value, text)
    size = guest.chacha20StreamXORUpdate(len(text))
    return guest.memory.read(guest.chacha20Output.value, size)


@program(
    "AssemblyScript", "@fluffylabs/anan-as@1.2.0",
    node="""const anan = await import(`${root}/@fluffylabs/anan-as/dist/build/release.js`);
    const wrapped = anan.wrapAsProgram(Uint8Array.from([51, 7, 42, 0]));
    return [hex(wrapped), anan.disassemble([...wrapped], anan.InputKind.Generic, anan.HasMetadata.No)];""",
)  # fmt: skip
def anan_as(root: Path) -> Any:
    guest = assemblyscript.load(root / "@fluffylabs/anan-as/dist/build/release.wasm", **LARGE)
    wrapped = guest.wrapAsProgram(bytes([51, 7, 42, 0]))
    kind, metadata = guest.InputKind["Generic"], guest.HasMetadata["No"]
    return wrapped, guest.disassemble(list(wrapped), kind, metadata)


@program(
    "AssemblyScript", "@devcycle/bucketing-assembly-script@1.42.8",
    node="""const { instantiate } = require("@devcycle/bucketing-assembly-script");
    const guest = await instantiate();
    return [guest.generateBoundedHashesFromJSON("ada", "herd"), guest.VariableTypeStrings.value];""",
)  # fmt: skip
def bucketing(root: Path) -> Any:
    folder = root / "@devcycle/bucketing-assembly-script/build"
    guest = assemblyscript.load(folder / "bucketing-lib.release.wasm", **LARGE)
    return guest.generateBoundedHashesFromJSON("ada", "herd"), guest.VariableTypeStrings["value"]


@program(
    "AssemblyScript", "rabin-wasm@0.1.5",
    node="""const rabin = await require("rabin-wasm").create(8, 64, 512, 16);
    return [...rabin.fingerprint(Uint8Array.from({ length: 3000 }, (_, n) => n * n % 251))];""",
)  # fmt: skip
def rabin(root: Path) -> Any:
    guest = assemblyscript.load(root / "rabin-wasm/dist/rabin.wasm", **LARGE)
    exports = guest.instance.exports
    found = exports["Rabin#constructor"](0, 8, 64, 512, 16)
    data = bytes(number * number % 251 for number in range(3000))
    buffer = guest.pin(guest.new_typed(guest.Uint8Array_ID.value, data))
    room = guest.pin(guest.new_typed(guest.Int32Array_ID.value, [0] * 47, "i32"))
    sizes = guest.typed(exports["Rabin#fingerprint"](found, buffer, room), "i32").tolist()
    return sizes[: sizes.index(0)]


# -- without a host


@program(
    "Zig", "@wasm-fmt/zig_fmt@0.15.2", raw="@wasm-fmt/zig_fmt/zig_fmt.wasm",
    node="""const zig = await import(`${root}/@wasm-fmt/zig_fmt/zig_fmt.js`);
    await zig.default(fs.readFileSync(`${root}/@wasm-fmt/zig_fmt/zig_fmt.wasm`));
    return zig.format("pub fn  goats( ) u8 {return  3;}");""",
)  # fmt: skip
def zig_fmt(guest: Guest) -> Any:
    text = b"pub fn  goats( ) u8 {return  3;}"
    at = guest.call("alloc", len(text))
    guest.write(at, text)
    ptr, size = guest.call("format", at, len(text))
    return guest.read(ptr, size).decode()


@program(
    "TinyGo", "@wasm-fmt/gofmt@0.7.3", raw="@wasm-fmt/gofmt/gofmt.wasm",
    node="""const { instance } = await WebAssembly.instantiate(fs.readFileSync(`${root}/@wasm-fmt/gofmt/gofmt.wasm`));
    instance.exports._initialize();
    const { format } = await import(`${root}/@wasm-fmt/gofmt/gofmt_binding.js`);
    return format(instance.exports, "package a\\nfunc  goats( )int{return   3}");""",
)  # fmt: skip
def gofmt(guest: Guest) -> Any:
    guest.call("_initialize")
    text = b"package a\nfunc  goats( )int{return   3}"
    guest.write(guest.call("alloc", len(text)), text)
    guest.call("format")
    return guest.read(guest.call("output_ptr"), guest.call("output_len")).decode()


@program(
    "C", "harfbuzzjs@1.6.4", raw="harfbuzzjs/dist/harfbuzz-subset.wasm",
    node="""const { instance } = await WebAssembly.instantiate(fs.readFileSync(`${root}/harfbuzzjs/dist/harfbuzz-subset.wasm`));
    const guest = instance.exports;
    guest._initialize();
    const input = guest.hb_subset_input_create_or_fail();
    guest.hb_subset_input_set_flags(input, 0x2a);
    const at = guest.malloc(5), blob = guest.hb_blob_create(at, 5, 1, 0, 0);
    return [guest.hb_subset_input_get_flags(input), guest.hb_blob_get_length(blob)];""",
)  # fmt: skip
def harfbuzz(guest: Guest) -> Any:
    guest.call("_initialize")
    source = guest.call("hb_subset_input_create_or_fail")
    guest.call("hb_subset_input_set_flags", source, 0x2A)
    blob = guest.call("hb_blob_create", guest.call("malloc", 5), 5, 1, 0, 0)
    return guest.call("hb_subset_input_get_flags", source), guest.call("hb_blob_get_length", blob)


@program(
    "Rust", "source-map@0.7.4", raw="source-map/lib/mappings.wasm",
    host=lambda guest: {"env": {"mapping_callback": lambda *seen: guest.kept.append(seen)}},
    node="""const { SourceMapConsumer } = require("source-map");
    const map = { version: 3, sources: ["goat.ts"], names: [], mappings: "AAAA,CAAC;IACG,GAAK" };
    const found = [];
    await SourceMapConsumer.with(map, null, (c) => c.eachMapping((m) => found.push(
      [m.generatedLine, m.generatedColumn, m.originalLine, m.originalColumn])));
    return found;""",
)  # fmt: skip
def source_map(guest: Guest) -> Any:
    guest.kept = []
    text = b"AAAA,CAAC;IACG,GAAK"
    at = guest.call("allocate_mappings", len(text))
    guest.write(at, text)
    guest.call("by_generated_location", guest.call("parse_mappings", at))
    return [[seen[0] + 1, seen[1], seen[6] + 1, seen[7]] for seen in guest.kept]


@program(
    "Rust", "tiny-secp256k1@2.2.4", raw="tiny-secp256k1/lib/secp256k1.wasm",
    host=lambda guest: {"./rand.js": {"generateInt32": lambda: 4}, "./validate_error.js": {"throwError": lambda code: None}},
    node="""const { pointFromScalar } = await import(`${root}/tiny-secp256k1/lib/index.js`);
    return hex(pointFromScalar(Buffer.alloc(32, 7), true));""",
)  # fmt: skip
def secp256k1(guest: Guest) -> Any:
    guest.call("initializeContext")
    guest.write(guest.value("PRIVATE_INPUT"), b"\7" * 32)
    guest.call("pointFromScalar", 33)
    return guest.read(guest.value("PUBLIC_KEY_INPUT"), 33)


@program(
    "Zig and C", "md4w@0.2.7", raw="md4w/js/md4w-small.wasm",
    host=lambda guest: {"env": {"emitChunk": lambda place: guest.kept.append(guest.read(place, place >> 32)), "emitCodeBlock": lambda *_: None}},
    node="""const { init, mdToHtml } = await import(`${root}/md4w/js/index.js`);
    await init("small");
    return mdToHtml("# Goats\\n\\n- *one*\\n- two");""",
)  # fmt: skip
def md4w(guest: Guest) -> Any:
    guest.kept = []
    text = b"# Goats\n\n- *one*\n- two"
    place = guest.call("allocMem", len(text))
    guest.write(place, text)
    last = guest.call("render", place, 0xB07, 512, 0, 0)
    return b"".join([*guest.kept, guest.read(last, last >> 32)]).decode()
