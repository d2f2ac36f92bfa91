// Python in a worker: answers the page's requests one after another. What is held runs in slices,
// between which this looks whether it is to stop.
import { loadPyodide } from "./pyodide/pyodide.mjs";
import "./browser_glue.js";

const here = new URL(".", import.meta.url);
const PROGRESS = 100;
const queue = [];
let answer, stopping = false, running = false;

async function archive(name) {
  const response = await fetch(new URL(name, here));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function start() {
  const began = performance.now();
  const files = archive("python.zip");
  const python = await loadPyodide({ indexURL: new URL("pyodide/", here).href });
  postMessage({ status: "pywasmgk is starting…" });
  python.unpackArchive(await files, "zip", { extractDir: "/playground" });
  python.runPython("import sys; sys.path.insert(0, '/playground')");
  answer = python.runPython("from pywasmgk.playground.session import Session; Session().answer");
  const version = python.runPython(
    "import pywasmgk, platform; f'pywasmgk {pywasmgk.__version__}, Python {platform.python_version()}'",
  );
  const seconds = (performance.now() - began) / 1000;
  postMessage({ ready: { seconds }, version: `${version}, Pyodide ${python.version}` });
  work();
}

// another macrotask, so that messages come in
const turn = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = resolve;
  port2.postMessage(null);
});

const ask = (request) => JSON.parse(answer(JSON.stringify(request)));

async function run(request) {
  let found = ask(request);
  const written = [...(found.written ?? [])];
  let told = performance.now();
  while (found.value?.goes_on) {
    await turn();
    if (stopping) {
      const { value, error } = ask({ do: "stop" });
      found = error ? { error } : { value: { goes_on: false, state: value } };
      break;
    }
    found = ask({ do: "go", way: "on" });
    if (performance.now() - told > PROGRESS && found.value?.goes_on) {
      told = performance.now();
      postMessage({ progress: found.value, written: written.splice(0) });
    }
    written.push(...(found.written ?? []));
  }
  return { ...found, written };
}

async function work() {
  if (running || !answer) return;
  running = true;
  while (queue.length) {
    const { id, request } = queue.shift();
    stopping = false;
    let found;
    try {
      found = await run(request);
    } catch (error) {
      found = { error: { type: "Error", message: String(error), frames: [] } };
    }
    postMessage({ id, answer: found });
  }
  running = false;
}

globalThis.onmessage = ({ data }) => {
  if (data.stop) stopping = true;
  else {
    queue.push(data);
    work();
  }
};

start().catch((error) => postMessage({ status: { failed: String(error) } }));
