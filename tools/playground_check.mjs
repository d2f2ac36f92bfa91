// Used by tools/playground-check: node playground_check.mjs CONFIG
// Uses the page as people do, and prints one line of JSON.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { launch } from "./playground_drivers.mjs";

const config = JSON.parse(process.argv[2]);
const axe = readFileSync(`${config.drivers}/axe-core/axe.min.js`, "utf8");
const browser = await launch(config);

const report = { browser: browser.version, done: [], seconds: {}, accessibility: 0 };
const pages = [];

async function open(address = config.address) {
  const page = await browser.newPage();
  pages.push(page);
  await page.goto(address);
  return page;
}

const problems = async () => (await Promise.all(pages.map((page) => page.told()))).flat();

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
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run();
    return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(" ")}`);
  });
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

// the button of a way, by the key that does the same in the code
const way = (key) => `#toolbar button[title$="(${key} in the code)"]`;

const slide = (page, selector, value, kind = "input") => page.evaluate(([one, number, event]) => {
  const slider = document.querySelector(one);
  slider.value = number;
  slider.dispatchEvent(new Event(event));
}, [selector, value, kind]);

async function themed(page, scheme) {
  const dark = await page.evaluate(() => document.querySelector("#theme").getAttribute("aria-pressed") === "true");
  if (dark !== (scheme === "dark")) await page.click("#theme");
}

async function python(page) {
  if (!(await page.evaluate(() => document.querySelector("#python").open))) await page.click("#python summary");
  await until(page, "#python .beside", /def |return|while/);
}

// what a host tries that is to be refused: another server, and a text as JavaScript
const attack = (target) => `
import js

def tried(act):
    try:
        act()
        return "done"
    except Exception:
        return "refused"

def reach():
    request = js.XMLHttpRequest.new()
    request.open("GET", "${target}", False)
    request.send()

print("a server:", tried(reach))
print("a text:", tried(lambda: js.eval("1")))
`;

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
      if (at === 5) await slide(page, "#limit-fuel", 2);
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
    await slide(page, "#history", 4, "change");
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
    await page.click(way("r"));
    await until(page, "#where", /watchpoint/);
    await page.waitForSelector("#memory .changed");
    await page.click(way("b"));
    await page.waitForFunction(() => !/watchpoint/.test(document.querySelector("#where").textContent));
    await accessible(page, "memory");
  },
  async "locals and memory are changed, by keyboard alone"(page) {
    await choose(page, 2);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await page.focus("#values button.value");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#values input");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "INPUT");
    await accessible(page, "a value that is changed");
    await page.fill("#values input", "3");
    await page.focus("#values input");
    await page.keyboard.press("Enter");
    await until(page, "#values", /\$n\s*i32\s*3 /);
    await page.click(way("r"));
    await until(page, "#outcome", /^6$/);
    await page.click(way("b"));
    await until(page, "#values", /\$n/);
    // a word that is no number is told, and nothing is changed
    await page.focus("#values button.value");
    await page.keyboard.press("Enter");
    await page.fill("#values input", "three");
    await page.focus("#values input");
    await page.keyboard.press("Enter");
    await until(page, "#outcome", /is not set/);
    await choose(page, 4);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await page.fill("#memory form:last-of-type input", "4f 68");
    await page.fill("#memory input[type=text]", "0x10");
    await page.press("#memory form:last-of-type input", "Enter");
    await page.waitForFunction(() => [...document.querySelectorAll("#memory .changed")].map((one) => one.textContent).join() === "4f,68");
    await accessible(page, "changed memory");
    await shot(page, "changed");
  },
  async "the Python that a function becomes"(page) {
    await choose(page, 2);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await python(page);
    await page.click(way("s"));
    await page.waitForSelector("#python li.here");
    await accessible(page, "the Python beside the code");
    await shot(page, "python");
    await page.click("#python summary");
  },
  async "a runaway is stopped by the button, and the page lives"(page) {
    await choose(page, 6);
    await slide(page, "#limit-fuel", 7);
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
    await page.click(way("s"));
    await until(page, "#where", /^step [\d,]+ · fuel [\d,]+$/);
    await shot(page, "stopped");
  },
  async "a runaway at full speed is ended with its worker"(page) {
    await choose(page, 6);
    await slide(page, "#limit-fuel", 7);
    await slide(page, "#limit-timeout", 8);
    await page.click("#form button[value=fast]");
    await page.waitForTimeout(500);
    await page.click("#form .stop");
    await until(page, "#outcome", /It was ended/);
    await choose(page, 1);
    await run(page, /^17$/);
  },
  async "choosing another program ends what runs"(page) {
    await choose(page, 6);
    await slide(page, "#limit-fuel", 7);
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
    await page.fill(".fields label:nth-child(1) input", "hello");
    await page.fill(".fields label:nth-child(2) input", '{"name": "Ada"}');
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
      globalThis.owned ?? 0, document.querySelectorAll("main img, main script").length,
      document.body.textContent.includes("\u202e") && !document.querySelector("#wat").value.includes("\u202e"),
    ]);
    assert.deepEqual(found, [0, 0, false]);
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
    const address = await page.url();
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
    const [, size, packed] = /#p=(\d+)\.(.*)$/.exec(await page.url());
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
      const target = address === config.address ? config.plain : config.address;
      await run(other, /^17$/);
      await other.click("#tab-host");
      await other.fill("#host", attack(target));
      await run(other, /^17$/);
      assert.equal((await other.textContent("#output")).trim(), "a server: refused\na text: refused");
      await other.told();
      await other.close();
    }
  },
  async "a phone"(page) {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const scheme of ["light", "dark"]) {
      await themed(page, scheme);
      for (const [number, end] of [[1, /^17$/], [4, /no result/], [5, /divide/], [9, /waits/], [10, /17, 4/]]) {
        await choose(page, number);
        await run(page, end);
        await fits(page, `example ${number}`);
        await accessible(page, `example ${number}, phone, ${scheme}`);
        await shot(page, `phone-${number}-${scheme}`);
      }
    }
    report.narrowest = await page.evaluate(() => innerWidth);
    await page.click("#limits summary");
    await fits(page, "limits");
    await choose(page, 2);
    await page.click("#form button[value=step]");
    await until(page, "#where", /^step 0/);
    await python(page);
    await fits(page, "the Python beside the code");
    await accessible(page, "the Python beside the code, phone");
    await shot(page, "phone-python");
    await page.setViewportSize({ width: 1280, height: 900 });
    await accessible(page, "dark");
    await shot(page, "dark");
    await themed(page, "light");
  },
};

const page = await open();
for (const [name, step] of Object.entries(steps)) {
  if (config.only && !new RegExp(config.only).test(name)) continue;
  try {
    await step(page);
    assert.deepEqual(await problems(), [], "the console");
    report.done.push(name);
  } catch (error) {
    report.error = `${name}: ${error.stack ?? error}`.slice(0, 3000);
    await shot(page, "failed").catch(() => {});
    break;
  }
}
console.log(JSON.stringify(report));
await browser.close();
process.exit(report.error ? 1 : 0);
