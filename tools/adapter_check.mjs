// Drives `pywasmgk debug --dap` by VS Code's own test client for debug adapters.
//
//     node adapter_check.mjs CONFIG.json
//
// CONFIG has: modules (the folder with the client's package), python, cwd, folder (for files), and
// files made by the caller: wat, wasm, source (a module with debug information and its folder),
// state, recording. Prints one line of JSON: the steps that passed, by transport, or the failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const require = createRequire(join(config.modules, "node_modules", "x.js"));
const { DebugClient } = require("@vscode/debugadapter-testsupport");

const spawned = { cwd: config.cwd };
const waits = 60_000;

async function overStdio() {
  const starter = join(config.folder, "adapter.py");
  writeFileSync(starter, 'import sys\nfrom pywasmgk.cli import main\nsys.argv[1:] = ["debug", "--dap"]\nmain()\n');
  const options = { ...spawned, env: { ...process.env, PYTHONPATH: config.cwd } };
  const client = new DebugClient(config.python, starter, "pywasmgk", options, true);
  client.defaultTimeout = waits;
  await client.start();
  return client;
}

async function overTcp() {
  const server = spawn(config.python, ["-m", "pywasmgk", "debug", "--port", "0"], spawned);
  const port = await new Promise((resolve, reject) => {
    let said = "";
    server.stdout.on("data", (data) => {
      said += data;
      const found = /:(\d+)\n/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  const client = new DebugClient(config.python, "", "pywasmgk");
  client.defaultTimeout = waits;
  await client.start(port);
  client.defaultTimeout = waits;
  return client;
}

const thread = { threadId: 1 };

async function stopped(client, act) {
  const [event] = await Promise.all([client.waitForEvent("stopped", waits), act()]);
  return event.body;
}

async function top(client) {
  return (await client.stackTraceRequest(thread)).body.stackFrames[0];
}

async function values(client, scope, frame = 0) {
  const scopes = (await client.scopesRequest({ frameId: frame })).body.scopes;
  const reference = scopes.find((one) => one.name === scope).variablesReference;
  const found = (await client.variablesRequest({ variablesReference: reference })).body.variables;
  return { reference, ...Object.fromEntries(found.map((one) => [one.name, one.value])) };
}

// launches with what is set before the guest begins, and waits until it stops
async function begun(client, launch, set = async () => {}) {
  return stopped(client, () =>
    Promise.all([
      client.waitForEvent("initialized", waits).then(async () => {
        await set();
        await client.configurationDoneRequest();
      }),
      client.launch(launch),
    ]),
  );
}

const sum = { program: config.wat, export: "sum", args: ["3"] };
const at = (line, more = {}) => ({ source: { path: config.wat }, breakpoints: [{ line, ...more }] });

const steps = {
  async "capabilities and filters"(client) {
    const body = (await client.initializeRequest()).body;
    assert.ok(body.supportsStepBack && body.supportsDataBreakpoints);
    const filters = body.exceptionBreakpointFilters.map((one) => one.filter);
    assert.deepEqual(filters, ["trap", "exception", "limit", "host"]);
  },
  async "a line of WAT, as the client's own hitBreakpoint"(client) {
    await client.hitBreakpoint(sum, { path: config.wat, line: 14 }, { path: config.wat, line: 14 });
    assert.deepEqual((({ $n, $total }) => ({ $n, $total }))(await values(client, "Locals")), {
      $n: "3",
      $total: "6",
    });
  },
  async "conditions, hit counts, log points"(client) {
    const said = [];
    client.on("output", (event) => said.push(event.body.output));
    const event = await begun(client, sum, async () => {
      await client.setBreakpointsRequest({
        source: { path: config.wat },
        breakpoints: [
          { line: 14, condition: "n == 1" },
          { line: 15, logMessage: "total is {total}", condition: "n > 1" },
        ],
      });
      await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    });
    assert.equal(event.reason, "breakpoint");
    assert.equal((await values(client, "Locals")).$n, "1");
    assert.deepEqual(said, ["hi\n", "total is 6\n", "total is 10\n"]);
    assert.equal(event.hitBreakpointIds.length, 1);
  },
  async "functions, with hit counts"(client) {
    const event = await begun(client, sum, () =>
      client.setFunctionBreakpointsRequest({ breakpoints: [{ name: "double", hitCondition: ">=2" }] }),
    );
    assert.equal(event.reason, "function breakpoint");
    const frames = (await client.stackTraceRequest(thread)).body.stackFrames;
    assert.deepEqual(frames.map((one) => one.name), ["double", "sum"]);
    assert.equal((await values(client, "Locals")).$n, "2");
  },
  async "data, evaluate, and back"(client) {
    await begun(client, { ...sum, stopOnEntry: true });
    const info = (await client.dataBreakpointInfoRequest({ name: "100" })).body;
    await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: info.dataId, accessType: "write" }] });
    for (const total of ["6", "10"]) {
      const event = await stopped(client, () => client.continueRequest(thread));
      assert.equal(event.reason, "data breakpoint");
      const found = await client.evaluateRequest({ expression: "u32(100)", frameId: 0 });
      assert.equal(found.body.result, total);
    }
    await stopped(client, () => client.stepBackRequest({ ...thread, granularity: "instruction" }));
    await stopped(client, () => client.reverseContinueRequest(thread));
    assert.equal((await client.evaluateRequest({ expression: "total" })).body.result, "6");
    const said = await client.evaluateRequest({ expression: "where", context: "repl" });
    assert.match(said.body.result, /\$sum/);
  },
  async "instructions and disassembly"(client) {
    await begun(client, { ...sum, stopOnEntry: true });
    const place = (await top(client)).instructionPointerReference;
    const found = await client.disassembleRequest({
      memoryReference: place,
      instructionOffset: -6,
      instructionCount: 30,
    });
    const code = found.body.instructions;
    assert.equal(code.length, 30);
    assert.equal(code[6].address, place);
    // the function before it is there too
    assert.ok(code.slice(0, 6).some((one) => one.instruction === "i32.mul"));
    const store = code.find((one) => one.instruction.startsWith("i32.store"));
    await client.customRequest("setInstructionBreakpoints", {
      breakpoints: [{ instructionReference: store.address }],
    });
    const event = await stopped(client, () => client.continueRequest(thread));
    assert.equal(event.reason, "instruction breakpoint");
    assert.equal((await top(client)).instructionPointerReference, store.address);
  },
  async "goto, forwards and back"(client) {
    await begun(client, { ...sum, stopOnEntry: true });
    const source = { path: config.wat };
    const targets = async (line) => (await client.gotoTargetsRequest({ source, line })).body.targets;
    await stopped(client, async () =>
      client.gotoRequest({ ...thread, targetId: (await targets(15))[0].id }),
    );
    assert.equal((await top(client)).line, 15);
    await stopped(client, async () =>
      client.gotoRequest({ ...thread, targetId: (await targets(11))[1].id }),
    );
    assert.equal((await top(client)).line, 11);
  },
  async "variables and memory change"(client) {
    await begun(client, { ...sum, stopOnEntry: true });
    const locals = (await values(client, "Locals")).reference;
    const set = { variablesReference: locals, name: "$n", value: "1 + 0" };
    assert.equal((await client.setVariableRequest(set)).body.value, "1");
    const data = Buffer.from("yo").toString("base64");
    await client.customRequest("writeMemory", { memoryReference: "0x8", data });
    const read = await client.customRequest("readMemory", { memoryReference: "0x8", count: 3 });
    assert.equal(Buffer.from(read.body.data, "base64").toString(), "yo\n");
    const output = client.waitForEvent("output", waits);
    await stopped(client, () => client.continueRequest(thread));
    assert.equal((await output).body.output, "yo\n");
  },
  async "filters of exceptions"(client) {
    const event = await begun(client, sum);
    assert.equal(event.reason, "exception");
    const info = (await client.exceptionInfoRequest(thread)).body;
    assert.equal(info.exceptionId, "INTEGER_DIVISION_BY_ZERO");
    await stopped(client, () => client.stepBackRequest({ ...thread, granularity: "instruction" }));
    await client.setExceptionBreakpointsRequest({ filters: ["limit"] });
    const [exited] = await Promise.all([
      client.waitForEvent("exited", waits),
      client.waitForEvent("terminated", waits),
      client.continueRequest(thread),
    ]);
    assert.equal(exited.body.exitCode, 1);
  },
  async "steps by lines, in and out"(client) {
    await begun(client, { ...sum, stopOnEntry: true });
    const lines = [];
    for (let turn = 0; turn < 3; turn++) {
      await stopped(client, () => client.nextRequest(thread));
      lines.push((await top(client)).line);
    }
    assert.deepEqual(lines, [11, 13, 12]);
    await stopped(client, () => client.stepInRequest(thread));
    await stopped(client, () => client.stepOutRequest(thread));
    assert.equal((await top(client)).name, "sum");
  },
  async "loaded sources of a binary, made of it"(client) {
    await begun(client, { program: config.wasm, export: "sum", args: [2], stopOnEntry: true });
    const sources = (await client.customRequest("loadedSources")).body.sources;
    assert.equal(sources.length, 3);
    const sourceReference = sources[1].sourceReference;
    const text = (await client.sourceRequest({ sourceReference })).body.content;
    const line = text.split("\n").findIndex((one) => one.includes("i32.store")) + 1;
    const set = { source: sources[1], breakpoints: [{ line }] };
    assert.ok((await client.setBreakpointsRequest(set)).body.breakpoints[0].verified);
    await stopped(client, () => client.continueRequest(thread));
    assert.equal((await top(client)).line, line);
  },
  async "lines of the source that was compiled"(client) {
    if (!config.source) return "skipped";
    const event = await begun(client, { program: config.source, export: "total", args: ["0", "3"] }, () =>
      client.setBreakpointsRequest({
        source: { path: config.sourceFile },
        breakpoints: [{ line: 15, condition: "l0 == 2" }],
      }),
    );
    assert.equal(event.reason, "breakpoint");
    const frame = await top(client);
    assert.equal(frame.source.path, config.sourceFile);
    assert.equal(frame.line, 15);
    const sources = (await client.customRequest("loadedSources")).body.sources;
    assert.equal(sources[0].path, config.sourceFile);
  },
  async "attach to an execution that was suspended"(client) {
    const attach = { program: config.wat, state: config.state };
    const [event] = await Promise.all([
      client.waitForEvent("stopped", waits),
      client.waitForEvent("initialized", waits).then(() => client.configurationDoneRequest()),
      client.initializeRequest().then(() => client.attachRequest(attach)),
    ]);
    assert.equal(event.body.reason, "entry");
    assert.equal((await values(client, "Locals")).$total, "6");
  },
  async "attach to a recording"(client) {
    const attach = { program: config.wat, recording: config.recording };
    const [event] = await Promise.all([
      client.waitForEvent("stopped", waits),
      client.waitForEvent("initialized", waits).then(() => client.configurationDoneRequest()),
      client.initializeRequest().then(() => client.attachRequest(attach)),
    ]);
    assert.equal(event.body.reason, "exception");
    await stopped(client, () => client.stepBackRequest({ ...thread, granularity: "instruction" }));
    assert.equal((await values(client, "Operands")).s0, "0");
  },
  async "pause what runs for ever"(client) {
    await Promise.all([
      client.waitForEvent("initialized", waits).then(() => client.configurationDoneRequest()),
      client.launch({ program: config.wat, export: "forever" }),
    ]);
    const event = await stopped(client, () => client.pauseRequest(thread));
    assert.equal(event.reason, "pause");
  },
};

const report = { stdio: [], tcp: [] };
for (const [transport, open] of Object.entries({ stdio: overStdio, tcp: overTcp })) {
  if (config.transport !== "both" && config.transport !== transport) continue;
  for (const [name, step] of Object.entries(steps)) {
    if (config.only && !name.includes(config.only)) continue;
    const client = await open();
    try {
      const how = await step(client);
      report[transport].push(how ? `${name} (${how})` : name);
    } catch (error) {
      report.error = `${transport}, ${name}: ${error.stack ?? error}`;
    }
    await client.stop();
    if (report.error) break;
  }
  if (report.error) break;
}
console.log(JSON.stringify(report));
process.exit(report.error ? 1 : 0);
