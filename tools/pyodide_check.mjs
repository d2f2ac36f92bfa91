// Run by tools/pyodide-check: node pyodide_check.mjs PYODIDE WHEEL...
// Loads the wheels into Pyodide, calls the example plugin, prints one line of JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...wheels] = process.argv.slice(2);
const { loadPyodide, version } = await import(pathToFileURL(join(folder, "pyodide.mjs")));

const seconds = {};
async function timed(step, work) {
  const start = performance.now();
  const result = await work();
  seconds[step] = Math.round(performance.now() - start) / 1000;
  return result;
}

const python = await timed("start_pyodide", () => loadPyodide({ indexURL: folder }));
await timed("unpack_wheels", () => {
  // a bare Buffer is refused
  for (const wheel of wheels) python.unpackArchive(new Uint8Array(readFileSync(wheel)), "wheel");
});
await timed("import", () => python.runPython("import pywasmgk"));
await timed("load_plugin", () =>
  python.runPython("plugin = pywasmgk.load(__import__('pywasmgk.examples').examples.read('hello'))"));
const call = "import json; json.dumps(plugin.call('hello', {'name': 'Ada'}))";
const answer = JSON.parse(await timed("first_call", () => python.runPython(call)));
await timed("second_call", () => python.runPython(call));
const release = python.runPython("import platform; platform.python_version()");
const fuel = python.runPython("plugin.last_call.fuel");
console.log(JSON.stringify({ pyodide: version, python: release, node: process.version, answer, fuel, seconds }));
