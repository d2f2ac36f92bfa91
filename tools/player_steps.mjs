// Uses the player as people do, wherever it is shown: of (module SUM), held before sum(3).
import assert from "node:assert/strict";

export const SUM = `(module
  (memory (export "memory") 1)
  (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (local.get $n)))
      (i32.store (i32.const 8) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $total)))`;

export async function usePlayer(page) {
  const player = page.locator(".wg-player").first();
  await player.waitFor();
  const until = async (locator, text) => {
    for (let tries = 0; tries < 600; tries++) {
      if ((await locator.first().textContent().catch(() => null))?.includes(text)) return;
      await page.waitForTimeout(100);
    }
    assert.fail(`${text} is not shown, but ${await locator.first().textContent()}`);
  };
  const place = player.locator("output"), values = player.locator(".wg-side > div").last();
  const button = (title) => player.locator(`button[title="${title}"]`).click();
  const enter = async (label, text) => {
    const field = player.locator(`[aria-label="${label}"]`);
    await field.fill(text);
    await field.press("Enter");
  };
  const byte = (address) => player.locator(`[data-address="${address}"]`);

  await until(place, "0 of 0");
  await button("one instruction");
  await until(place, "1 of 1");
  await button("run on to the next stop");
  await until(player, "done, gives 6");
  await button("back one instruction");
  const furthest = Number(await player.locator("input[type=range]").getAttribute("max"));
  await until(place, `${furthest - 1} of ${furthest}`);
  // the bar goes anywhere
  await player.locator("input[type=range]").focus();
  await page.keyboard.press("Home");
  await until(place, `0 of ${furthest}`);
  // expressions are watched, and are no longer
  await enter("watch an expression", "n + 1");
  await until(player, "4 (0x4)");
  await player.locator("button", { hasText: "✕ n + 1" }).click();
  // a local, a byte by its digits, a number of a type
  await values.locator("button", { hasText: "3 (0x3)" }).click();
  await page.keyboard.type("2 * n");
  await page.keyboard.press("Enter");
  await until(values, "6 (0x6)");
  await byte(32).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type("ff");
  await page.keyboard.press("Enter");
  await until(byte(33), "ff");
  await player.locator('[aria-label="type of numbers"]').selectOption("u16");
  await until(player.locator('[aria-label^="u16 at 0x20"]'), "65280");
  await player.locator('[aria-label^="u16 at 0x22"]').click();
  await page.keyboard.type("515");
  await page.keyboard.press("Enter");
  await until(byte(34), "03");
  await enter("address", "n * 0x100");
  await until(player.locator(".wg-bytes"), "00000600");
  await button("show the memory that the code uses");
  // what was changed changes what it gives: 6 + 5 + 4 + 3 + 2 + 1
  await button("run on to the next stop");
  await until(player, "done, gives 21");
}
