// Used by tools/pyodide-check in Node and in a browser: puts archives into Pyodide and runs steps.
//
//   node pyodide_check.mjs CONFIG      in Node; prints one line of JSON
//   import { check } from ...          in a page

// archives: [{ bytes, format, folder }], steps: names with arguments, see pyodide_steps.py
export async function check(loadPyodide, options, archives, program, steps) {
  const seconds = {};
  async function timed(step, work) {
    const start = performance.now();
    const result = await work();
    seconds[step] = Math.round(performance.now() - start) / 1000;
    return result;
  }
  const python = await timed("start Pyodide", () => loadPyodide(options));
  await timed("unpack", () => {
    for (const { bytes, format, folder } of archives)
      python.unpackArchive(bytes, format, folder ? { extractDir: folder } : {});
    python.FS.writeFile("/home/pyodide/pyodide_steps.py", program);
  });
  await timed("import pywasmgk", () => python.runPython("import pywasmgk, pyodide_steps"));
  const results = {};
  for (const step of steps) {
    const call = `pyodide_steps.run(${JSON.stringify(step)})`;
    results[step] = JSON.parse(await timed(step, () => python.runPython(call)));
  }
  const release = python.runPython("import platform; platform.python_version()");
  return { pyodide: python.version, python: release, results, seconds };
}

if (typeof process === "object" && process.argv?.[1]?.endsWith("pyodide_check.mjs")) {
  const { readFileSync } = await import("node:fs");
  const { pathToFileURL } = await import("node:url");
  // Node would print the line where it was thrown before it, which is all of Pyodide
  process.on("uncaughtException", (error) => {
    console.error(error?.stack ?? String(error));
    process.exit(1);
  });
  const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const { loadPyodide } = await import(pathToFileURL(`${config.pyodide}/pyodide.mjs`));
  // a bare Buffer is refused
  const archives = config.archives.map((item) => ({
    ...item,
    bytes: new Uint8Array(readFileSync(item.path)),
  }));
  const program = readFileSync(config.program, "utf8");
  const options = { indexURL: config.pyodide };
  const report = await check(loadPyodide, options, archives, program, config.steps);
  console.log(JSON.stringify({ where: `Node ${process.version}`, ...report }));
}
