// Used by tools/pyodide-check: node pyodide_browser.mjs PLAYWRIGHT CHROMIUM ADDRESS
// Opens a page, waits for its report, prints it as one line of JSON.
import { createRequire } from "node:module";

const [folder, executablePath, address] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(folder);
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const browser = await chromium.launch({
  executablePath,
  args: [...quiet, "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  page.on("console", (message) => console.error(message.text()));
  await page.goto(address);
  await page.waitForFunction("globalThis.report !== undefined", undefined, { timeout: 600000 });
  const report = await page.evaluate("globalThis.report");
  console.log(JSON.stringify({ where: `Chromium ${browser.version()}`, ...report }));
} finally {
  await browser.close();
}
