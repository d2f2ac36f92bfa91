// Used by tools/playground-check: node playground_check.mjs CONFIG
// Uses the page as people do, and prints one line of JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const config = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const { chromium } = require(`${config.drivers}/playwright-core`);
const axe = readFileSync(`${config.drivers}/axe-core/axe.min.js`, "utf8");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
const context = await chromium.launchPersistentContext(config.profile, {
  executablePath: config.chromium,
  args: [...quiet, "--disable-component-update", "--disable-sync"],
  viewport: { width: 1280, height: 900 },
});
context.setDefaultTimeout(120_000);

const report = { done: [], seconds: {}, accessibility: 0 };
const problems = [];

async function open(address = config.address) {
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(address);
  return page;
}

const outcome = (page) => page.textContent("#outcome");
const where = (page) => page.textContent("#where");
const until = (page, selector, pattern) =>
  page.waitForFunction(([one, text]) => new RegExp(text).test(document.querySelector(one).textContent), [selector, pattern.source]);

async function choose(page, number) {
  // what is there now must not be taken for what comes
  await page.evaluate(() => document.querySelector("#form").replaceChildren());
  await page.selectOption("#examples", String(number - 1));
  await page.waitForFunction((title) => document.querySelector("#lesson-title").textContent === title,
    (await page.textContent(`#examples option[value="${number - 1}"]`)).replace(/^\d+\. /, ""));
  await page.waitForSelector("#form button.main");
  await page.waitForTimeout(400);
}

async function run(page, pattern) {
  await page.click("#form button.main");
  await until(page, "#outcome", pattern);
}

async function accessible(page, state) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(" ")}`);
  assert.deepEqual(found, [], `${state}: ${found.join("; ")}`);
  report.accessibility++;
}

async function fits(page, state) {
  const { width, wide } = await page.evaluate(() => ({
    width: document.documentElement.clientWidth,
    wide: document.documentElement.scrollWidth,
  }));
  assert.ok(wide <= width, `${state}: ${wide} pixels wide on ${width}`);
}

async function shot(page, name) {
  if (config.shots) await page.screenshot({ path: `${config.shots}/${name}.png`, fullPage: true });
}

async function timed(name, page, act) {
  const began = Date.now();
  await act();
  report.seconds[name] = (Date.now() - began) / 1000;
}

const steps = {
  async "the first run, cold and warm"(page) {
    await timed("first result, cold", page, async () => {
      await page.goto(config.address);
      await run(page, /^17$/);
    });
    await timed("first result, warm", page, async () => {
      await page.reload();
      await run(page, /^17$/);
    });
    report.ready = await page.textContent("#status");
  },
  async "every example"(page) {
    const ends = [/^17$/, /^55$/, /^21$/, /no result/, /divide by zero/, /OutOfFuel|DeadlineExceeded/, /^42$/, /^[1-6]$/, /waits/, /17, 4, 23/];
    for (const [at, end] of ends.entries()) {
      await choose(page, at + 1);
      if (at === 5) await page.locator("#limit-fuel").evaluate((one) => { one.value = 2; one.dispatchEvent(new Event("input")); });
      await run(page, end);
      await accessible(page, `example ${at + 1}`);
      await shot(page, `example-${at + 1}`);
    }
  },
  async "errors at their place while typing"(page) {
    await page.fill("#wat", "(module\n  (func (export \"f\") (result i32)\n    i32.cons 3))");
    await until(page, "#problem", /did you mean 'i32.const'/);
    assert.equal(await page.textContent("#gutter .wrong"), "3");
    await accessible(page, "an error");
    await page.click("#problem button");
    assert.equal(await page.evaluate(() => document.activeElement.id), "wat");
    await page.fill("#wat", "(module\n  (func (export \"f\") (result i32)\n    i32.const 3))");
    await page.waitForFunction(() => document.querySelector("#problem").textContent === "");
    await until(page, "#export", /^f \(\) -> i32$/);
    await run(page, /^3$/);
  },
  async "steps, back, breakpoints, by keyboard alone"(page) {
    await choose(page, 2);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await page.focus("#code .here button");
    for (const [key, step] of [["s", 1], ["s", 2], ["b", 1]]) {
      await page.keyboard.press(key);
      await until(page, "#where", new RegExp(`^step ${step} `));
    }
    assert.match(await page.textContent("#values"), /\$total/);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#code button[aria-pressed=true]");
    await until(page, "#stops summary", /\(1\)/);
    await page.focus("#code .here button");
    await page.keyboard.press("r");
    await until(page, "#where", /breakpoint/);
    assert.match(await page.textContent("#code .value"), /=|</);
    await page.keyboard.press("n");
    await page.keyboard.press("o");
    await until(page, "#where", /breakpoint|done/);
    await page.locator("#history").evaluate((one) => { one.value = 4; one.dispatchEvent(new Event("change")); });
    await until(page, "#where", /^step 4 /);
    await accessible(page, "stepping");
    await shot(page, "stepping");
  },
  async "watchpoints and memory"(page) {
    await choose(page, 4);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await page.fill("#memory input[type=text]", "0x10");
    await page.click("#memory button[type=submit]");
    await until(page, "#memory .ascii", /stressed/);
    await page.fill("#memory input[type=number]", "8");
    await page.click("#memory button[type=button]");
    await until(page, "#stops summary", /\(1\)/);
    await page.click("#toolbar button:has-text('Run ▶|')");
    await until(page, "#where", /watchpoint/);
    await page.waitForSelector("#memory .changed");
    await page.click("#toolbar button:text-is('◀ Back')");
    await page.waitForFunction(() => !/watchpoint/.test(document.querySelector("#where").textContent));
    await accessible(page, "memory");
  },
  async "a runaway is stopped by the button, and the page lives"(page) {
    await choose(page, 6);
    await page.locator("#limit-fuel").evaluate((one) => { one.value = 7; one.dispatchEvent(new Event("input")); });
    await page.click("#form button.main");
    await until(page, "#where", /running/);
    const turns = await page.evaluate(() => new Promise((resolve) => {
      let count = 0;
      const tick = () => (count++, requestAnimationFrame(tick));
      tick();
      setTimeout(() => resolve(count), 1000);
    }));
    assert.ok(turns > 5, `${turns} frames in a second while the guest runs`);
    await timed("the button", page, async () => {
      await page.click("#toolbar .stop");
      await until(page, "#where", /stopped/);
    });
    await page.click("#toolbar button:has-text('Step ▶')");
    await until(page, "#where", /^step [\d,]+ · fuel [\d,]+$/);
    await shot(page, "stopped");
  },
  async "a runaway at full speed is ended with its worker"(page) {
    await choose(page, 6);
    await page.locator("#limit-fuel").evaluate((one) => { one.value = 7; one.dispatchEvent(new Event("input")); });
    await page.locator("#limit-timeout").evaluate((one) => { one.value = 8; one.dispatchEvent(new Event("input")); });
    await page.click("#form button[value=fast]");
    await page.waitForTimeout(500);
    await page.click("#form .stop");
    await until(page, "#outcome", /It was ended/);
    await choose(page, 1);
    await run(page, /^17$/);
  },
  async "choosing another program ends what runs"(page) {
    await choose(page, 6);
    await page.locator("#limit-fuel").evaluate((one) => { one.value = 7; one.dispatchEvent(new Event("input")); });
    await page.click("#form button[value=fast]");
    await page.waitForTimeout(300);
    await choose(page, 2);
    await run(page, /^55$/);
  },
  async "a host that never returns is ended, too"(page) {
    await choose(page, 8);
    await page.click("#tab-host");
    await page.fill("#host", "def dice(n):\n    while True:\n        pass\n\nimports = {'env': {'dice': dice}}");
    await page.click("#form button.main");
    await page.waitForTimeout(1500);
    await page.click("#form .stop");
    await until(page, "#outcome", /It was ended/);
  },
  async "the same count at full speed"(page) {
    await choose(page, 3);
    await run(page, /^21$/);
    const [, fuel] = /fuel ([\d,]+)/.exec(await where(page));
    await page.click("#form button[value=fast]");
    await until(page, "#outcome", /instructions in/);
    assert.match(await outcome(page), new RegExp(`^21${fuel} instructions .* engine: browser`));
  },
  async "a program reads lines"(page) {
    await choose(page, 9);
    await run(page, /waits/);
    await page.fill("#line", "Ada");
    await page.press("#line", "Enter");
    await until(page, "#output", /Hello, Ada\nWhat is your name\? $/);
    await accessible(page, "a terminal");
    await shot(page, "terminal");
    await page.click("#end");
    await until(page, "#outcome", /no result|ended/);
    assert.match(await page.textContent("#output"), /good-bye/);
  },
  async "a plugin with its host"(page) {
    await choose(page, 10);
    await run(page, /17, 4, 23/);
    assert.match(await page.textContent("#output"), /asks for support/);
  },
  async "a file"(page) {
    await page.setInputFiles("#file", config.hello);
    await until(page, "#lesson-title", /hello\.wasm/);
    await page.waitForFunction(() => document.querySelectorAll(".fields input").length === 2);
    const [name, argument] = await page.locator(".fields input").all();
    await name.fill("hello");
    await argument.fill('{"name": "Ada"}');
    await run(page, /Hello, Ada!/);
    await page.click("#astext");
    await page.waitForFunction(() => document.querySelector("#wat").value.startsWith("(module"));
  },
  async "hostile names stay text"(page) {
    await choose(page, 1);
    const name = "<img src=x onerror=globalThis.owned=1><script>globalThis.owned=2</script>\\u{202e}";
    const text = `(module (import "${name}" "${name}" (func $"i${name}"))
      (func $"${name}" (export "${name}") (param $"${name}" i32) (local $"l${name}" i32) (unreachable))
      (global $"g${name}" (mut i32) (i32.const 1)) (memory (export "m${name}") 1)
      (@custom "${name}" "x"))`;
    await page.fill("#wat", text);
    await until(page, "#module", /Exports/);
    await until(page, "#export", /onerror/);
    await run(page, /unreachable/);
    await page.click("#module details summary");
    const found = await page.evaluate(() => [
      globalThis.owned, document.querySelectorAll("main img, main script").length,
      document.body.textContent.includes("\u202e") && !document.querySelector("#wat").value.includes("\u202e"),
    ]);
    assert.deepEqual(found, [undefined, 0, false]);
    await fits(page, "hostile names");
    await accessible(page, "hostile names");
    await page.fill("#wat", `(module (func (export "${name}") ${name}))`);
    await until(page, "#problem", /<img/);
    assert.equal(await page.evaluate(() => document.querySelectorAll("main img, main script").length), 0);
  },
  async "a link"(page) {
    await choose(page, 10);
    await page.click("#share");
    await until(page, "#status", /link/);
    const address = page.url();
    report.link = address.length;
    const other = await open(address);
    await until(other, "#lesson-text", /came with the link/);
    assert.equal(await other.inputValue("#wat"), await page.inputValue("#wat"));
    await other.waitForSelector("#form button.main");
    // Python of others runs when it was read, not before
    await other.click("#form button.main");
    await until(other, "#outcome", /read it first/);
    await accessible(other, "a host from a link");
    await other.click("#trust");
    await run(other, /17, 4, 23/);
    await other.close();
  },
  async "links that are broken, or too long"(page) {
    const [, size, packed] = /#p=(\d+)\.(.*)$/.exec(page.url());
    const links = [`#p=${size - 1}.${packed}`, `#p=${size}.${packed.slice(0, -9)}`, `#p=9000000.${packed}`, `#p=12.<b>`, `#p=10.${"A".repeat(200_000)}`];
    const told = [/more than it says/, /broken/, /too long/, /broken/, /too long/];
    for (const [at, link] of links.entries()) {
      const other = await open(config.address + link);
      await until(other, "#outcome", told[at]);
      await other.close();
    }
  },
  async "the worker reaches no other server, whoever serves the page"(page) {
    for (const address of [config.address, config.plain]) {
      const other = await open(address);
      await run(other, /^17$/);
      const before = problems.length;
      const target = address === config.address ? config.plain : config.address;
      const said = await other.workers()[0].evaluate((url) => fetch(url, { mode: "no-cors" }).then(() => "reached", () => "refused"), target);
      assert.equal(said, "refused");
      // in a task of its own: what drives the browser may evaluate
      const text = await other.workers()[0].evaluate(() => new Promise((resolve) => setTimeout(() => {
        try { resolve(globalThis.eval("1") && "evaluated"); } catch { resolve("refused"); }
      })));
      assert.equal(text, "refused");
      problems.length = before;
      await other.close();
    }
  },
  async "a phone"(page) {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const [number, end] of [[1, /^17$/], [4, /no result/], [5, /divide/], [9, /waits/], [10, /17, 4/]]) {
        await choose(page, number);
        await run(page, end);
        await fits(page, `example ${number}`);
        await accessible(page, `example ${number}, phone, ${scheme}`);
        await shot(page, `phone-${number}-${scheme}`);
      }
    }
    await page.click("#limits summary");
    await fits(page, "limits");
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.click("#theme");
    await page.click("#theme");
    await accessible(page, "dark");
    await shot(page, "dark");
    await page.emulateMedia({ colorScheme: "light" });
  },
};

const page = await open();
for (const [name, step] of Object.entries(steps)) {
  if (config.only && !new RegExp(config.only).test(name)) continue;
  try {
    await step(page);
    assert.deepEqual(problems.splice(0), [], "the console");
    report.done.push(name);
  } catch (error) {
    report.error = `${name}: ${error.stack ?? error}`.slice(0, 3000);
    await shot(page, "failed");
    break;
  }
}
report.browser = `Chromium ${context.browser()?.version() ?? ""}`;
console.log(JSON.stringify(report));
await context.close();
process.exit(report.error ? 1 : 0);
