// The page: one module, one worker, what runs in it.
import { Calls } from "./calls.js";
import { Client, Ended } from "./client.js";
import { count, element, fill, find, settled } from "./dom.js";
import { Editor } from "./editor.js";
import { Execution } from "./execution.js";
import { Limits } from "./limits.js";
import { showModule } from "./module.js";
import { bytesToBase64, pack, unpack } from "./share.js";
import { tabs } from "./tabs.js";
import { Terminal } from "./terminal.js";
import { theme } from "./theme.js";

const MOST_BYTES = 50_000_000;

const status = find("status");
const client = new Client((kind, content) => tell[kind]?.(content));
const limits = new Limits();
// the text was changed and not opened since; the latest opening, and how many there were
let changed = false;
let opened = Promise.resolve();
let opening = 0;

const openSoon = settled(() => changed && open(), 350);
const editor = new Editor(() => {
  changed = true;
  openSoon();
});
const terminal = new Terminal((text) => typed(text));
const calls = new Calls((how) => start(how));
const execution = new Execution({ ask, go, stop });
const host = find("host");
const choose = tabs(find("tab-wat"), find("tab-host"));

// data: the bytes of a file, in base 64, in the place of the text; trusted: the host may run
const program = { data: null, trusted: true, wanted: {}, title: "" };

const tell = {
  status: (content) => say(content.failed ? `It failed: ${content.failed}` : content, Boolean(content.failed)),
  ready: ({ seconds }) => say(`Ready, after ${seconds.toFixed(1)} s`),
  version: (text) => (find("version").textContent = text),
  progress: (content) => execution.progress(content),
  written: (parts) => terminal.write(parts),
};

function say(text, wrong = false) {
  status.textContent = text;
  status.classList.toggle("error", wrong);
}

// The value of an answer; an error is shown, and gives nothing.
async function ask(request) {
  try {
    const { value, error } = await client.ask(request);
    if (error) outcome(failure(error));
    return error ? null : value ?? true;
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    return null;
  }
}

// -- the module

const open = () => (opened = openNow());

async function openNow() {
  const mine = ++opening;
  changed = false;
  execution.hide();
  const request = program.data === null ? { do: "open", text: editor.text } : { do: "open", data: program.data };
  const { value, error } = await client.ask(request).catch(() => ({}));
  // it has changed again
  if (mine !== opening) return null;
  editor.tell(error ?? null);
  editor.here(null);
  if (!value) {
    if (!program.data) return null;
    fill(find("module"), failure(error));
    return null;
  }
  showModule(value, (index) => browse(index));
  // what was filled in stays where it fits
  calls.show(value, calls.form ? { ...program.wanted, ...kept(value) } : program.wanted);
  return value;
}

function kept(form) {
  if (!calls.choice || program.fresh) {
    program.fresh = false;
    return {};
  }
  const { export: name, words } = calls.memo;
  if (!name) return form.is_plugin && calls.form.is_plugin ? { export: name, words } : { words: [] };
  const before = calls.form.exports.find((one) => one.name === name);
  const now = form.exports.find((one) => one.name === name);
  return now && before.type === now.type ? { export: name, words } : { words: [] };
}

async function browse(index) {
  find("execution").hidden = false;
  await execution.code.browse(index);
  find("code").scrollIntoView({ block: "nearest" });
}

async function load(found) {
  // what runs would keep the worker, and its form has the button
  if (running) await client.stop();
  const { wat = "", data = null, host: source = "", trusted = true, title = "", text = "" } = found;
  Object.assign(program, { data, trusted, title, fresh: true, wanted: { export: found.export, words: found.words } });
  editor.text = data === null ? wat : "";
  editor.area.disabled = data !== null;
  find("astext").classList.toggle("hidden", data === null);
  host.value = source;
  find("foreign").hidden = trusted || !source;
  find("lesson").hidden = !text;
  find("lesson-title").textContent = title;
  find("lesson-text").textContent = text;
  choose(0);
  terminal.clear();
  execution.memory.reset();
  calls.wait();
  fill(find("outcome"));
  await open();
}

async function read(file) {
  if (file.size > MOST_BYTES) return outcome(element("p", { class: "error" }, "The file is too long."));
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isBinary = bytes[0] === 0 && bytes[1] === 0x61;
  find("examples").value = "";
  const content = isBinary ? { data: bytesToBase64(bytes) } : { wat: new TextDecoder().decode(bytes) };
  await load({ ...content, title: file.name, text: `${file.name}, ${count(file.size)} bytes, from this machine. It stays here.` });
  if (isBinary) editor.area.placeholder = "A file in the binary format is open.";
}

find("astext").addEventListener("click", async () => {
  const text = await ask({ do: "wat" });
  if (text) await load({ ...program, wat: text, data: null, host: host.value, title: program.title, text: find("lesson-text").textContent });
});

// -- calls

let running = false;

function busy(now) {
  running = now;
  execution.running(now);
}

async function start(how) {
  if (running) return;
  await (changed ? open() : opened);
  const { call } = calls;
  if (!call || find("wat").getAttribute("aria-invalid") === "true") return;
  fill(find("outcome"), element("p", { class: "hint" }, client.ready ? "Running…" : "As soon as Python is there…"));
  terminal.clear();
  if (!(await giveHost())) return;
  busy(true);
  const bounds = limits.values;
  if (how === "fast") return fast(call, bounds);
  const request = call.plugin === undefined
    ? { do: "begin", export: call.export, words: call.words, limits: bounds }
    : { do: "begin_plugin", function: call.plugin, argument: call.argument, limits: bounds };
  const state = await ask(request);
  if (state && how === "run") return go("run");
  if (state) await show(state);
  busy(false);
  if (state) execution.show(state);
}

async function giveHost() {
  if (host.value.trim() && !program.trusted) {
    choose(1);
    outcome(element("p", { class: "error" }, "The host's Python came with the link: read it first, in the tab Host."));
    return false;
  }
  return Boolean(await ask({ do: "host", source: host.value }));
}

async function fast(call, bounds) {
  execution.hide();
  const found = await ask({ do: "call", export: call.export, words: call.words, limits: bounds });
  busy(false);
  if (!found) return;
  const facts = `${count(found.fuel)} instructions in ${found.seconds.toFixed(3)} s, engine: ${found.engine}${found.note ? ` (${found.note})` : ""}`;
  outcome(found.error ? failure(found.error) : results(found.results), element("p", { class: "hint" }, facts));
}

async function go(way, number = 1) {
  busy(true);
  const found = await ask({ do: "go", way, count: number });
  busy(false);
  if (found) await show(found.state);
}

async function show(state) {
  await execution.show(state);
  editor.here(state.line ?? null);
  terminal.wait(state.waits);
  if (state.error) outcome(failure(state.error), back());
  else if (state.exit !== undefined) outcome(element("p", {}, `The program has ended with code ${state.exit}.`));
  else if (state.results) outcome(results(state.results));
  else fill(find("outcome"), element("p", { class: "hint" }, state.waits ? "The program waits for a line of input." : "It is held: go on, or back, below."));
}

async function typed(text) {
  terminal.wait(false);
  if (await ask({ do: "input", text })) await go("on");
}

async function stop() {
  await client.stop();
}

const outcome = (...shown) => fill(find("outcome"), ...shown);
const results = (words) => element("p", { class: "result" }, words.length ? words.join(", ") : "done, no result");
const back = () => element("p", { class: "hint" }, "It is held where it failed: Back goes to before that.");

function failure(error) {
  const frames = (error.frames ?? []).slice(0, 8).map((one) =>
    element("li", {}, `${one.name ?? `function ${one.function}`} at 0x${one.offset.toString(16)}${one.line ? `, line ${one.line}` : ""}`));
  return element("div", { class: "error" }, element("p", {}, `${error.type}: ${error.message}`),
    frames.length ? element("ol", {}, ...frames) : null);
}

// a worker that was ended has forgotten everything
const restart = client.restart.bind(client);
client.restart = () => {
  restart();
  busy(false);
  say("The worker was ended; Python is starting again…");
  outcome(element("p", { class: "error" }, "It was ended, with the worker that it ran in."));
  open();
};

// -- around it

async function examples() {
  const list = await (await fetch("programs/index.json")).json();
  const choice = find("examples");
  fill(choice, element("option", { value: "" }, "choose one"),
    ...list.map((one, at) => element("option", { value: at }, `${at + 1}. ${one.title}`)));
  const show = async (at) => {
    const one = list[at];
    const texts = await Promise.all([one.wat, one.host].map(async (name) => name ? (await fetch(`programs/${name}`)).text() : ""));
    choice.value = String(at);
    await load({ ...one, wat: texts[0], host: texts[1] });
  };
  choice.addEventListener("change", () => {
    history.replaceState(null, "", location.pathname);
    if (choice.value !== "") show(Number(choice.value));
  });
  return show;
}

async function begin() {
  theme(find("theme"));
  const show = await examples();
  // opens what the address holds; else shows an example, and what was wrong with the address
  const linked = async (first) => {
    try {
      const found = await unpack(location.hash);
      if (!found) return first ? show(0) : null;
      find("examples").value = "";
      await load({ ...found, trusted: !found.host, title: found.title || "From a link", text: "This program came with the link." });
    } catch (error) {
      if (first) await show(0);
      outcome(element("p", { class: "error" }, `Not opened: ${error.message}.`));
    }
    return null;
  };
  addEventListener("hashchange", () => linked(false));
  await linked(true);
}

find("file").addEventListener("change", (event) => event.target.files[0] && read(event.target.files[0]));
find("trust").addEventListener("click", () => {
  program.trusted = true;
  find("foreign").hidden = true;
});
find("share").addEventListener("click", async () => {
  try {
    const code = program.data === null ? { wat: editor.text } : { data: program.data };
    const fragment = await pack({ ...code, host: host.value, title: program.title, ...calls.memo });
    history.replaceState(null, "", fragment);
    await navigator.clipboard?.writeText(location.href).catch(() => {});
    say(`The address above is the link: ${count(location.href.length)} characters.`);
  } catch (error) {
    say(`No link: ${error.message}.`, true);
  }
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
});

begin();
