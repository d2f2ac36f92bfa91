// Used by tools/examples-check: what a person does with the example plugins on the pages of
// `pywasmgk serve`. Prints the steps with their seconds, as JSON.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const config = JSON.parse(process.argv[2]);
const { chromium } = require(`${config.modules}/playwright-core`);
const url = (path) => new URL(path, config.link).href;
const key = "a key of the tests";

const browser = await chromium.launch({
  executablePath: config.program,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(60_000);
const problems = [];
page.on("pageerror", (error) => problems.push(String(error)));
page.on("console", (message) => {
  if (message.type() === "error") problems.push(message.text());
});
page.on("request", (request) => {
  if (new URL(request.url()).origin !== new URL(config.link).origin && !request.url().startsWith("data:")) {
    problems.push(`asked elsewhere: ${request.url()}`);
  }
});

const inFrame = () => page.frameLocator(".plugin-page iframe");
const see = (text) => inFrame().getByText(text).first().waitFor();

async function send(fields, button) {
  for (const [label, value] of Object.entries(fields)) await inFrame().getByLabel(label).fill(value);
  // by the key, since a frame may grow under a pointer
  await inFrame().getByRole("button", { name: button }).press("Enter");
}

// the menu's entry
async function choose(label) {
  await page.getByRole("link", { name: label, exact: true }).click();
  await inFrame().locator("form").first().waitFor();
}

// the pictures of the documentation: parts of pages, so that they are small
async function picture(name, width, height) {
  if (!config.docs) return;
  await page.setViewportSize({ width, height: 900 });
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${config.docs}/${name}.png`, clip: { x: 0, y: 0, width, height } });
  await page.setViewportSize({ width: 1280, height: 900 });
}

// pictures at both widths, neither of which may be too narrow for the page
async function shot(name) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(500);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > width) throw new Error(`${name}: ${wide} pixels wide on ${width}`);
    if (config.shots) {
      // frames that are out of sight are not drawn
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height: Math.max(900, height) });
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${config.shots}/${config.name}-${name}-${width}.png` });
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

async function post(path, data) {
  const headers = { Authorization: `Bearer ${config.token}`, Accept: "application/json" };
  const answer = await page.request.post(url(path), { data, headers });
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

const steps = {
  "the dashboard has all widgets": async () => {
    await page.goto(config.link);
    const texts = ["1 open ticket", "0 open, 0 urgent"];
    for (const text of texts) await widget(text);
  },
  "a ticket is opened": async () => {
    await choose("Tickets");
    await see("No tickets.");
    await send({ Subject: "Printer <on> fire", From: "ada@example.com" }, "Open a ticket");
    await see("#1 Printer <on> fire");
    await send({ Subject: "A goat ate the cable", From: "grace@example.com" }, "Open a ticket");
    await see("#2 A goat ate the cable");
    await page.locator("#said").evaluate((one) => (one.textContent = ""));
    await picture("served-tickets", 390, 520);
    await shot("tickets");
  },
  "it gets a note, and is closed": async () => {
    await inFrame().getByRole("link", { name: "#1" }).click();
    await inFrame().getByRole("button", { name: "Close the ticket" }).waitFor();
    await send({ Note: "It is out." }, "Add");
    await see("It is out.");
    await shot("ticket");
    await send({}, "Close the ticket");
    await see("closed");
    await inFrame().getByRole("link", { name: "All tickets" }).click();
    await see("#2 A goat ate the cable");
    if (await inFrame().getByText("#1").count()) throw new Error("a closed ticket is listed");
  },
  "a feed is added": async () => {
    await choose("Feeds");
    await send({ Address: config.feed }, "Add a feed");
    await see("Goats & sheep share a meadow");
    await send({}, "Fetch all");
    await see("Fence mended");
    await shot("feeds");
  },
  "a mail is sent": async () => {
    await post("/mailer/key", { new_key: key });
    const body = "<p>Dear {{name}}</p>";
    await post("/mailer/templates", { name: "hello", subject: "Hello {{name}}", body, key });
    await choose("Mails");
    await shot("mails");
    await send({ Template: "hello", To: "ada@example.com", Name: "Ada", Key: key }, "Send");
    await see("ada@example.com: hello");
  },
  "the widgets tell of it": async () => {
    await page.goto(url("/-/"));
    for (const text of ["1 open, 0 urgent", "Fence mended", "ada@example.com: hello"]) await widget(text);
    await picture("served-dashboard", 1280, 380);
    await shot("dashboard");
  },
};

// waits until one of the frames shows a text
async function widget(text) {
  const end = Date.now() + 60_000;
  for (;;) {
    for (const frame of page.frames()) {
      if (await frame.getByText(text).count().catch(() => 0)) return;
    }
    if (Date.now() > end) throw new Error(`no widget shows ${JSON.stringify(text)}`);
    await page.waitForTimeout(100);
  }
}

const seconds = {};
try {
  for (const [name, step] of Object.entries(steps)) {
    const start = Date.now();
    try {
      await step();
    } catch (error) {
      const texts = await Promise.all(page.frames().map((frame) => frame.innerText("body").catch(() => "")));
      throw new Error(`${config.name}: ${name}: ${error.message}\nthe page shows ${JSON.stringify(texts)}`);
    }
    seconds[name] = (Date.now() - start) / 1000;
  }
  if (problems.length) throw new Error(`${config.name}: ${problems.join("; ")}`);
  console.log(JSON.stringify(seconds));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
