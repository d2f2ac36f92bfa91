// Run by tools/bench: node pyodide.mjs PYODIDE ROOT BENCHMARK FUNCTION WORDS WHEEL...
// Measures in Pyodide what tools/bench does elsewhere; prints one line of JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, root, benchmark, measure, words, ...wheels] = process.argv.slice(2);
const { loadPyodide, version } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder, stderr: () => {} });
for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
python.FS.mkdir("/project");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/project");
for (const [name, value] of Object.entries({ benchmark, measure, words })) python.globals.set(name, value);
const result = python.runPython(`
import json, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["/project", "/project/tools"]
import importlib
json.dumps(getattr(importlib.import_module("benchmarks." + benchmark), measure)(**json.loads(words)))
`);
console.log(JSON.stringify({ pyodide: version, node: process.version, ...JSON.parse(result) }));
