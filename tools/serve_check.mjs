// Used by tools/serve-check: what a person does on the pages of `pywasmgk serve`.
import { copyFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const config = JSON.parse(process.argv[2]);
const { chromium } = require(`${config.modules}/playwright-core`);
const axe = require.resolve(`${config.modules}/axe-core`);
const url = (path) => new URL(path, config.link).href;

const browser = await chromium.launch({
  executablePath: config.program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
// what the policies of frames have refused is what they are for
page.on("console", (message) => {
  if (message.type() === "error" && !/Content Security Policy|sandboxed/.test(message.text())) problems.push(message.text());
});
const others = [];
page.on("request", (request) => {
  if (new URL(request.url()).origin !== new URL(config.link).origin && !request.url().startsWith("data:")) others.push(request.url());
});

function expect(holds, text) {
  if (!holds) throw new Error(text);
}

async function see(text) {
  await page.waitForFunction((one) => document.body.innerText.includes(one), text);
}

const inFrame = (selector) => page.frameLocator("iframe").first().locator(selector);

async function shot(name) {
  if (config.shots) await page.screenshot({ path: `${config.shots}/${name}.png`, fullPage: true });
}


const steps = {
  "without the token there is a form": async () => {
    await page.goto(url("/-/"));
    expect(page.url().endsWith("/-/login"), page.url());
    await page.fill("#token", "a wrong token");
    await page.keyboard.press("Enter");
    await see("not the token");
    problems.length = 0; // the browser tells of the 401
  },
  "the link lets in": async () => {
    await page.goto(config.link);
    expect(page.url() === url("/-/"), page.url());
    await inFrame("p").first().waitFor();
    expect((await inFrame("p").first().textContent()) === "7 open", "the widget");
    await shot("dashboard");
  },
  "a plugin's markup does nothing": async () => {
    await page.waitForTimeout(500);
    await inFrame("#bad").click();
    expect((await page.title()) === "Dashboard", await page.title());
    const frame = page.frames().find((one) => one.url().endsWith("/-/frame"));
    expect((await frame.evaluate(() => self.origin)) === "null", "the frame has an origin");
    expect((await frame.evaluate(() => document.title)) !== "run", "a script of the plugin's ran");
    const reached = await frame.evaluate(async () => {
      try { return parent.document.title; } catch { return "nothing"; }
    });
    expect(reached === "nothing", reached);
  },
  "menus lead to pages of plugins": async () => {
    await page.click("text=Desk");
    await inFrame("h1").waitFor();
    expect(page.url() === url("/desk"), page.url());
    expect((await page.getAttribute('nav a[href="/desk"]', "aria-current")) === "page", "the menu's entry");
    await shot("page");
  },
  "a plugin's form is sent": async () => {
    await inFrame("input[name=subject]").fill("Printer");
    await inFrame("button").click();
    await inFrame("#opened").waitFor();
  },
  "a plugin's link is followed": async () => {
    await page.goto(url("/desk"));
    await inFrame("#more").click();
    await page.waitForURL(url("/desk/more"));
    await inFrame("#more").waitFor();
  },
  "a page asks for no other plugin": async () => {
    const status = await page.evaluate(async () => {
      const csrf = document.querySelector('meta[name="csrf-token"]').content;
      const headers = { "X-Plugin": "desk", "X-CSRF-Token": csrf };
      return (await fetch("/other", { method: "POST", headers })).status;
    });
    expect(status === 403, `${status}`);
    problems.length = 0;
  },
  "routes that are not served are named": async () => {
    await page.goto(url("/-/plugins"));
    await see("unheard-of");
    await shot("plugins");
  },
  "a function is called by hand, by the keyboard alone": async () => {
    await page.goto(url("/-/plugins/desk"));
    await page.focus("#function");
    await page.keyboard.type("widget");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("form.call output").textContent.includes("7 open"));
    await page.waitForFunction(() => document.querySelectorAll(".plot rect").length >= 3);
    await shot("plugin");
  },
  "a policy is decided and taken back": async () => {
    const text = await page.inputValue("#policy");
    await page.fill("#policy", JSON.stringify({ ...JSON.parse(text), status: "restricted" }));
    await page.click("form.policy button:not([type])");
    await see("This was decided.");
    await page.fill("#policy", '{"statos": 1}');
    await page.click("form.policy button:not([type])");
    await see("no policy has statos");
    problems.length = 0;
    await page.click("[data-forget]");
    await see("Nobody has decided");
  },
  "a plugin is switched off and on": async () => {
    await page.click("[data-switch]");
    await page.waitForSelector('[data-enabled="false"]');
    expect((await page.evaluate(async () => (await fetch("/desk")).status)) === 404, "it is there still");
    problems.length = 0;
    await page.click("[data-switch]");
    await page.waitForSelector('[data-enabled="true"]');
  },
  "a replaced file is seen at once": async () => {
    await page.goto(url("/-/plugins"));
    await see("1.0.0");
    copyFileSync(config.next, `${config.file}.part`);
    renameSync(`${config.file}.part`, config.file);
    await see("2.0.0");
  },
  "the log comes as it is written": async () => {
    await page.goto(url("/-/log"));
    await page.selectOption("#least", "2");
    await see("is not served");
    await shot("log");
  },
  "a phone's width": async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path] of [["dashboard-390", "/-/"], ["plugin-390", "/-/plugins/desk"], ["page-390", "/desk"]]) {
      await page.goto(url(path));
      await page.waitForTimeout(700);
      await shot(name);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= 390, `${name} is ${wide} wide`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  },
  "axe-core's rules, light and dark": async () => {
    // the pages' policy lets no script of others run, axe neither
    const looking = await browser.newContext({ bypassCSP: true, storageState: await context.storageState() });
    for (const colorScheme of ["light", "dark"]) {
      const tab = await looking.newPage();
      await tab.emulateMedia({ colorScheme });
      for (const path of ["/-/", "/-/plugins", "/-/plugins/desk", "/-/log", "/desk"]) {
        await tab.goto(url(path));
        await tab.waitForTimeout(300);
        await tab.addScriptTag({ path: axe });
        const found = await tab.evaluate(async () => (await globalThis.axe.run(document, { iframes: false })).violations
          .map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ").slice(0, 200)}`));
        expect(found.length === 0, `${path}, ${colorScheme}: ${found.join("; ")}`);
      }
      if (config.shots && colorScheme === "dark") {
        await tab.goto(url("/-/"));
        await tab.waitForTimeout(500);
        await tab.screenshot({ path: `${config.shots}/dark.png`, fullPage: true });
      }
      await tab.close();
    }
    await looking.close();
  },
};

const seconds = {};
try {
  for (const [name, step] of Object.entries(steps)) {
    const began = Date.now();
    try {
      await step();
      expect(problems.length === 0, problems.join("; "));
      expect(others.length === 0, `asked others: ${others.join(", ")}`);
    } catch (error) {
      await shot("failed");
      console.error(`serve-check: ${name}: ${error.message}`);
      process.exitCode = 1;
      break;
    }
    seconds[name] = (Date.now() - began) / 1000;
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify({ steps: Object.keys(seconds).length, of: Object.keys(steps).length, seconds }));
