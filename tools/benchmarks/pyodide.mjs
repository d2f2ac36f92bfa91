// Run by tools/bench pyodide: node pyodide.mjs PYODIDE ROOT WORDS WHEEL...
// Measures the kernels in Pyodide, as tools/bench does elsewhere; prints one line of JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, root, words, ...wheels] = process.argv.slice(2);
const { loadPyodide, version } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: folder, stderr: () => {} });
for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
python.FS.mkdir("/project");
python.FS.mount(python.FS.filesystems.NODEFS, { root }, "/project");
python.globals.set("words", words);
const result = python.runPython(`
import json, sys
sys.dont_write_bytecode = True
sys.path[:0] = ["/project", "/project/tools"]
from benchmarks import kernels
json.dumps(kernels.measure(**json.loads(words)))
`);
console.log(JSON.stringify({ pyodide: version, node: process.version, ...JSON.parse(result) }));
