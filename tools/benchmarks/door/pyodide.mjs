// Run by tools/door --pyodide: node pyodide.mjs PYODIDE CONFIG
// Runs a program by the door of pywasmgk.compat in Pyodide; the folders of CONFIG keep their names.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, text] = process.argv.slice(2);
const config = JSON.parse(text);
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.mjs")));
// compiled Python is kept, as where packages are installed
const kept = join(config.folder, "pycache");
const env = { PYWASMGK_CACHE: config.cache, PYTHONPYCACHEPREFIX: kept, HOME: "/home/pyodide" };
const python = await loadPyodide({ indexURL: pyodide, env });
python.setStdout({ write: (bytes) => writeSync(1, bytes) });
python.setStderr({ write: (bytes) => writeSync(2, bytes) });
for (const name of ["site", "ours", "folder", "cache"]) {
  if (!config[name]) continue;
  python.FS.mkdirTree(config[name]);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: config[name] }, config[name]);
}
python.globals.set("config", python.toPy({ ...config, place: process.cwd() }));
process.exitCode = python.runPython(`
import atexit, os, runpy, sys, traceback
def run():
    os.chdir(config["place"])
    sys.path[:0] = ["", config["site"], config["ours"]]
    sys.argv = ["compat", *config["words"]]
    try:
        runpy.run_module("pywasmgk.compat", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
code = run()
atexit._run_exitfuncs()  # as at the end of a process, which Pyodide does not have
sys.stdout.flush()
code
`);
