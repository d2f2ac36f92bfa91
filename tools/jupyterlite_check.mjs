// Used by tools/jupyterlite-check: node jupyterlite_check.mjs CONFIG
// Uses JupyterLab in the browser as people do, and prints one line of JSON.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { SUM, usePlayer } from "./player_steps.mjs";

const config = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const { chromium } = require(`${config.drivers}/playwright-core`);
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
const report = { notebooks: {}, seconds: {}, done: [] };
const problems = [];

// who is asked for whatever is not here writes it down
const browser = await chromium.launch({
  executablePath: config.chromium,
  args: [...quiet, "--disable-component-update", "--disable-sync"],
  proxy: { server: config.proxy, bypass: "127.0.0.1" },
});

async function open(path, size = { width: 1280, height: 900 }) {
  const context = await browser.newContext({ viewport: size });
  context.setDefaultTimeout(300_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`${path}: ${error}`));
  // the application itself is within reach, for its notebooks' outputs
  await page.route("**/jupyter-lite.json*", async (route) => {
    const answer = await route.fetch();
    const settings = await answer.json();
    settings["jupyter-config-data"].exposeAppInBrowser = true;
    await route.fulfill({ response: answer, json: settings });
  });
  await page.goto(`${config.address}lab/index.html?path=${path}`);
  await page.waitForFunction(() => globalThis.jupyterapp?.shell.currentWidget?.context?.isReady);
  await page.evaluate(() => jupyterapp.shell.currentWidget.sessionContext.ready);
  return page;
}

// runs all, or one cell with another text; waits until nothing runs any more
const runAll = (page) => page.evaluate(() => jupyterapp.commands.execute("notebook:run-all-cells"));

async function runCell(page, index, source) {
  await page.evaluate(async ([at, text]) => {
    const { content } = jupyterapp.shell.currentWidget;
    content.activeCellIndex = at;
    if (text !== null) content.activeCell.model.sharedModel.setSource(text);
    await jupyterapp.commands.execute("notebook:run-cell");
  }, [index, source ?? null]);
}

const cells = (page) => page.evaluate(() => jupyterapp.shell.currentWidget.content.model.toJSON().cells);
const tagged = (all, tag) => all.flatMap((one, at) => (one.metadata.tags ?? []).includes(tag) ? [at] : []);
const textOf = (output) => [output.text ?? output.data?.["text/plain"] ?? ""].flat().join("");
const said = (cell) => cell.outputs.map(textOf).join("\n");

async function shot(page, name) {
  if (config.shots) await page.screenshot({ path: `${config.shots}/${name}.png` });
}

async function teaches(name, book) {
  const began = Date.now();
  const page = await open(`${name}.ipynb`);
  const first = page.waitForFunction(() => document.querySelector(".jp-OutputArea-output"));
  await runAll(page);
  await first;
  const all = await cells(page);
  report.notebooks[name] = all;
  const shown = all.filter((one) => one.cell_type === "code").map(said).join("\n");
  for (const text of book.shows) assert.ok(shown.includes(text), `${name} does not show ${text}`);
  const exercises = tagged(all, "exercise"), checks = tagged(all, "check");
  assert.equal(exercises.length, book.answers.length, name);
  for (const at of checks) assert.match(said(all[at]), /^Exercise \d: not yet\. Expected: /, name);
  await shot(page, name);
  for (const [which, verdict] of [[1, "not yet"], [0, "right"]]) {
    for (const [number, answer] of book.answers.entries()) {
      await runCell(page, exercises[number], answer[which]);
      await runCell(page, checks[number]);
      const answered = said((await cells(page))[checks[number]]);
      assert.ok(answered.startsWith(verdict, "Exercise 1: ".length), `${name}: ${answered} of ${answer[which]}`);
    }
  }
  report.seconds[name] = (Date.now() - began) / 1000;
  await page.context().close();
}

// the first cell becomes another one: what an execution shows has controls there, and a trap's frames
// what they held
async function plays() {
  const page = await open("01-a-module.ipynb");
  const code = (await cells(page)).findIndex((one) => one.cell_type === "code");
  const first = `%load_ext pywasmgk\nimport pywasmgk\npywasmgk.instantiate("""${SUM}""")`;
  await runCell(page, code, `${first}.start("sum", 3)`);
  await usePlayer(page);
  await shot(page, "player");
  const divides = "(i32.div_u (i32.const 7) (local.get $n))";
  const divider = `(module (func (export "f") (param $n i32) (result i32) ${divides}))`;
  await runCell(page, code, `%%wat\n${divider}`);
  await runCell(page, code, "f(0)");
  const shown = (await cells(page))[code].outputs;
  assert.ok(shown.some((one) => /takes +i32 = 7/.test(textOf(one))), JSON.stringify(shown));
  // a browser sends no interrupts: a guest ends by its limits, and the kernel lives
  await runCell(page, code, `%%wat spinner\n(module (func (export "spin") (loop (br 0))))`);
  await runCell(page, code, "with spinner.account(fuel=5_000_000):\n    spinner.exports.spin()");
  const ended = (await cells(page))[code].outputs;
  assert.ok(ended.some((one) => one.ename?.includes("OutOfFuel")), JSON.stringify(ended));
  await runCell(page, code, "1 + 1");
  assert.equal(said((await cells(page))[code]), "2");
  await page.context().close();
}

try {
  if ("player".includes(config.only)) {
    await plays();
    report.done.push("player");
  }
  for (const [name, book] of Object.entries(config.books)) {
    await teaches(name, book);
    report.done.push(name);
  }
  assert.deepEqual(problems, []);
} catch (error) {
  report.error = `after ${report.done.join(", ") || "nothing"}: ${error.stack ?? error}`;
  report.problems = problems;
}
await browser.close();
console.log(JSON.stringify(report));
