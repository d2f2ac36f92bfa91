// Used by tools/pictures: node pictures.mjs CONFIG
// Takes pictures of pages, and prints one line of JSON: what does not fit, what axe-core finds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const config = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const { chromium } = require(`${config.drivers}/playwright-core`);
const axe = readFileSync(`${config.drivers}/axe-core/axe.min.js`, "utf8");
const browser = await chromium.launch({
  executablePath: config.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
});
const problems = [];

// what is to be seen in the playground: an execution that is held
async function playground(page) {
  await page.goto(`${config.address}playground/`);
  await page.waitForSelector("#form button.main", { timeout: 120_000 });
  await page.selectOption("#examples", "1");
  await page.waitForTimeout(1000);
  await page.click("#form button[value=step]");
  const where = () => page.textContent("#where");
  for (let step = 0; step < 12; step++) {
    const before = await where();
    await page.focus("#code .here button");
    await page.keyboard.press("s");
    await page.waitForFunction((text) => document.querySelector("#where").textContent !== text, before);
  }
}

for (const shot of config.shots) {
  const context = await browser.newContext({
    viewport: { width: shot.width, height: shot.height },
    colorScheme: shot.dark ? "dark" : "light",
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`${shot.file}: ${error}`));
  if (shot.page === "playground") await playground(page);
  else await page.goto(`${config.address}${shot.page}.html`);
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
  if (wide > 0) problems.push(`${shot.file}: ${wide} pixels too wide`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa"] }));
  for (const { id, nodes } of violations) {
    const where = nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`);
    problems.push(`${shot.file}: ${id}: ${where.join("; ")}`);
  }
  const path = `${config.target}/${shot.file}.png`;
  await page.screenshot({ path, fullPage: Boolean(shot.whole) });
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ pictures: config.shots.length, problems }));
