// Used by tools/playground-check: browsers behind one face, the part of Playwright's Page that the
// steps use. Chromium has Playwright itself, Firefox WebDriver BiDi by puppeteer-core, WebKit the
// WebDriver protocol of WebKitWebDriver, with nothing between.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const PATIENCE = 120_000;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// opens a browser: { version, newPage(), close() }; pages have problems, what their consoles tell
export async function launch(config) {
  return { chromium, firefox, webkit }[config.browser](config);
}

async function chromium({ drivers, program, profile }) {
  const { chromium: browser } = require(`${drivers}/playwright-core`);
  const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
  const context = await browser.launchPersistentContext(profile, {
    executablePath: program,
    args: [...quiet, "--disable-component-update", "--disable-sync"],
    viewport: { width: 1280, height: 900 },
  });
  context.setDefaultTimeout(PATIENCE);
  const newPage = async () => {
    const page = await context.newPage();
    page.problems = [];
    page.on("pageerror", (error) => page.problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
    page.told = async () => page.problems.splice(0);
    return page;
  };
  return { version: `Chromium ${context.browser()?.version() ?? ""}`, newPage, close: () => context.close() };
}

// What Playwright does of itself, for drivers that only evaluate, click and press keys.
class Page {
  constructor() {
    this.keyboard = { press: (key) => this.key(key) };
  }

  async waitForFunction(test, argument) {
    const end = Date.now() + PATIENCE;
    while (!(await this.evaluate(test, argument))) {
      if (Date.now() > end) throw new Error(`waited too long for ${test} with ${JSON.stringify(argument)}`);
      await sleep(50);
    }
  }

  waitForSelector(selector) {
    return this.waitForFunction((one) => document.querySelector(one)?.checkVisibility() ?? false, selector);
  }

  // what nobody caught since it was asked before
  async told() {
    return this.problems.splice(0);
  }

  waitForTimeout(milliseconds) {
    return sleep(milliseconds);
  }

  textContent(selector) {
    return this.evaluate((one) => document.querySelector(one).textContent, selector);
  }

  inputValue(selector) {
    return this.evaluate((one) => document.querySelector(one).value, selector);
  }

  url() {
    return this.evaluate(() => location.href);
  }

  async click(selector) {
    await this.waitForFunction((one) => {
      const found = document.querySelector(one);
      return found?.checkVisibility() && !found.disabled;
    }, selector);
    await this.evaluate((one) => document.querySelector(one).scrollIntoView({ block: "center" }), selector);
    await this.clickAt(selector);
  }

  async fill(selector, text) {
    await this.waitForSelector(selector);
    await this.evaluate(([one, value]) => {
      const found = document.querySelector(one);
      found.focus();
      found.value = value;
      for (const kind of ["input", "change"]) found.dispatchEvent(new Event(kind, { bubbles: true }));
    }, [selector, text]);
  }

  selectOption(selector, value) {
    return this.fill(selector, value);
  }

  focus(selector) {
    return this.evaluate((one) => document.querySelector(one).focus(), selector);
  }

  async press(selector, key) {
    await this.focus(selector);
    await this.key(key);
  }
}

class FirefoxPage extends Page {
  constructor(page) {
    super();
    this.page = page;
    this.problems = [];
    page.on("pageerror", (error) => this.problem(String(error)));
    page.on("console", (message) => message.type() === "error" && this.problem(message.text()));
  }

  problem(text) {
    // Pyodide asks importScripts whether its worker is a classic one, and catches the answer; what a
    // page that is left was fetching fails
    if (!/injection sink/.test(text) && !(this.leaving && /NetworkError/.test(text))) this.problems.push(text);
  }

  evaluate(act, argument) {
    return this.page.evaluate(act, argument);
  }

  async leave(act) {
    this.leaving = true;
    await act();
    this.leaving = false;
  }

  clickAt(selector) {
    return this.page.click(selector);
  }

  key(key) {
    return this.page.keyboard.press(key);
  }

  async setInputFiles(selector, path) {
    await (await this.page.$(selector)).uploadFile(path);
  }

  goto(address) {
    return this.leave(() => this.page.goto(address));
  }

  reload() {
    return this.leave(() => this.page.reload());
  }

  setViewportSize(size) {
    return this.page.setViewport(size);
  }

  screenshot({ path, fullPage }) {
    return this.page.screenshot({ path, fullPage });
  }

  close() {
    return this.page.close();
  }
}

async function firefox({ drivers, program }) {
  const puppeteer = require(`${drivers}/puppeteer-core`);
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: program, headless: true, protocolTimeout: PATIENCE });
  const newPage = async () => {
    const page = new FirefoxPage(await browser.newPage());
    await page.setViewportSize({ width: 1280, height: 900 });
    return page;
  };
  return { version: await browser.version(), newPage, close: () => browser.close() };
}

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const KEYS = { Enter: "\uE007", Escape: "\uE00C", Tab: "\uE004", ArrowDown: "\uE015", ArrowUp: "\uE013" };

class WebKitPage extends Page {
  constructor(driver, handle) {
    super();
    Object.assign(this, { driver, handle, problems: [] });
  }

  // one window is in front of the driver at a time
  async call(method, path, body) {
    if (this.driver.front !== this.handle) {
      await this.driver.call("POST", "/window", { handle: this.handle });
      this.driver.front = this.handle;
    }
    return this.driver.call(method, path, body);
  }

  async evaluate(act, argument) {
    const script = typeof act === "string"
      ? `${act}\nreturn null;`
      : `const done = arguments[1];
         Promise.resolve((${act})(arguments[0])).then((value) => done([0, value ?? null]), (error) => done([1, String(error)]));`;
    if (typeof act === "string") return this.call("POST", "/execute/sync", { script, args: [] });
    const [failed, value] = await this.call("POST", "/execute/async", { script, args: [argument ?? null] });
    if (failed) throw new Error(value);
    return value ?? undefined;
  }

  async found(selector) {
    const found = await this.call("POST", "/element", { using: "css selector", value: selector });
    return found[ELEMENT];
  }

  async clickAt(selector) {
    await this.call("POST", `/element/${await this.found(selector)}/click`, {});
  }

  async key(key) {
    const value = KEYS[key] ?? key;
    const actions = [{ type: "keyDown", value }, { type: "keyUp", value }];
    await this.call("POST", "/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  async setInputFiles(selector, path) {
    await this.call("POST", `/element/${await this.found(selector)}/value`, { text: path });
  }

  async goto(address) {
    await this.call("POST", "/url", { url: address });
    // its console is told to nobody; what nobody catches is
    await this.evaluate(() => {
      globalThis.problems = [];
      addEventListener("error", (event) => globalThis.problems.push(event.message));
      addEventListener("unhandledrejection", (event) => globalThis.problems.push(String(event.reason)));
    });
  }

  async told() {
    return this.closed ? [] : this.evaluate(() => globalThis.problems?.splice(0) ?? []);
  }

  reload() {
    return this.call("POST", "/refresh", {});
  }

  // the window's frame takes its part, and a window has a least width
  async setViewportSize({ width, height }) {
    await this.call("POST", "/window/rect", { width, height });
  }

  async screenshot({ path }) {
    writeFileSync(path, Buffer.from(await this.call("GET", "/screenshot"), "base64"));
  }

  async close() {
    await this.call("DELETE", "/window");
    this.driver.front = null;
    this.closed = true;
  }
}

async function webkit({ program, minibrowser, display }) {
  const environment = {
    ...process.env, DISPLAY: display, GDK_BACKEND: "x11", LIBGL_ALWAYS_SOFTWARE: "1",
    // the sandbox wants user namespaces, which containers have none of
    WEBKIT_DISABLE_COMPOSITING_MODE: "1", WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
  };
  const port = 20_000 + (process.pid % 20_000);
  const server = spawn(program, [`--port=${port}`], { env: environment, stdio: "ignore" });
  let session = "";
  const driver = {
    front: null,
    async call(method, path, body) {
      const answer = await fetch(`http://127.0.0.1:${port}${session}${path}`, {
        method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(2 * PATIENCE),
      });
      const { value } = await answer.json();
      if (value?.error) throw new Error(`${path}: ${value.error}: ${value.message}`.slice(0, 1000));
      return value;
    },
  };
  const options = { "webkitgtk:browserOptions": { binary: minibrowser, args: ["--automation"] } };
  const made = await eventually(() => driver.call("POST", "/session", { capabilities: { alwaysMatch: options } }));
  session = `/session/${made.sessionId}`;
  await driver.call("POST", "/timeouts", { script: PATIENCE });
  const first = await driver.call("GET", "/window");
  let pages = 0;
  const newPage = async () => {
    // a new one is opened from one that is there
    if (pages) await driver.call("POST", "/window", { handle: first });
    const handle = pages++ ? (await driver.call("POST", "/window/new", { type: "tab" })).handle : first;
    const page = new WebKitPage(driver, handle);
    if (handle === first) await page.setViewportSize({ width: 1280, height: 938 });
    return page;
  };
  const close = async () => {
    await driver.call("DELETE", "").catch(() => {});
    server.kill();
  };
  return { version: `WebKitGTK ${made.capabilities.browserVersion}`, newPage, close };
}

async function eventually(act) {
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
}
