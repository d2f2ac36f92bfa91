// Used by tools/build-playground: node playground_bytecode.mjs PYODIDE ARCHIVE
// Runs the playground's first calls in Pyodide, and adds the bytecode of what they import.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, archive] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const python = await loadPyodide({ indexURL: `${folder}/` });
python.unpackArchive(new Uint8Array(readFileSync(archive)), "zip", { extractDir: "/playground" });
python.FS.writeFile("/archive.zip", new Uint8Array(readFileSync(archive)));
python.runPython(`
import json, py_compile, sys, zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, "/playground")
from pywasmgk.playground.session import Session

session = Session()
text = '(module (memory 1) (func (export "f") (result i32) (i32.load (i32.const 0))))'
limits = {"fuel": 1000}
for request in (
    {"do": "open", "text": text},
    {"do": "host", "source": ""},
    {"do": "begin", "export": "f", "words": [], "limits": limits},
    {"do": "function", "index": 0},
    {"do": "go", "way": "run"},
    {"do": "call", "export": "f", "words": [], "limits": limits},
):
    found = session.do(request)
    if "error" in found:
        raise RuntimeError(found["error"])

unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
with zipfile.ZipFile("/archive.zip", "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for module in list(sys.modules.values()):
        place = getattr(module, "__file__", None) or ""
        if place.startswith("/playground/"):
            name = place.removeprefix("/playground/")
            made = py_compile.compile(place, dfile=name, doraise=True, invalidation_mode=unchecked)
            entry = zipfile.ZipInfo(made.removeprefix("/playground/"), (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, Path(made).read_bytes())
`);
writeFileSync(archive, python.FS.readFile("/archive.zip"));
