// Used by tools/marimo-check: node marimo_check.mjs CONFIG
// Opens a notebook of marimo, looks at what is shown, and uses the player. Prints one line of JSON.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { usePlayer } from "./player_steps.mjs";

const config = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const { chromium } = require(`${config.drivers}/playwright-core`);
const browser = await chromium.launch({
  executablePath: config.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const problems = [];

async function reach(page) {
  for (let tries = 0; ; tries++) {
    try {
      return await page.goto(config.address);
    } catch (error) {
      if (tries === 120) throw error;
      await page.waitForTimeout(500);
    }
  }
}

for (const colorScheme of ["light", "dark"]) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  await reach(page);
  await usePlayer(page);
  const titles = await page.locator(".pywasmgk .wg-title").allTextContents();
  for (const title of ["Module", "Function sum", "Memory"])
    assert.ok(titles.some((one) => one.includes(title)), `${title} is not among ${titles}`);
  assert.ok(!(await page.textContent("body")).includes("Something went wrong"));
  if (config.shots)
    await page.screenshot({ path: `${config.shots}/marimo-${colorScheme}.png`, fullPage: true });
  await context.close();
}
await browser.close();
assert.deepEqual(problems, []);
console.log(JSON.stringify({ done: ["light", "dark"] }));
