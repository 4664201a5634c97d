// pictures.mjs - the pictures of docs/images, in light and dark, from the demo's six shops. What is where comes as JSON on stdin.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, insist, settle, start } from "./browser.mjs";
import { deploy, failing, setPassword, storyIsTold } from "./demo.mjs";
import { small } from "./png.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { program, newPage } = await start(given);
const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 800 };

async function picture(page, name, path, { size = WIDE, before } = {}) {
  await page.setViewportSize(size);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(path);
    await settle(page);
    await before?.(page);
    await page.mouse.move(0, 0);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const file = small(await page.screenshot());
    writeFileSync(join(given.pictures, `ui-${name}${scheme === "dark" ? "-dark" : ""}.png`), file);
    console.log(`ui-${name} ${scheme}: ${Math.round(file.length / 1024)} KB`);
  }
}

try {
  const page = await newPage();
  await setPassword(page, given);
  await storyIsTold(given);
  deploy(given);
  const run = await failing(page, given);
  await page.locator(".badge").waitFor(); // it lasts, and is an alert
  const drawn = (page) => page.waitForFunction(() => performance.getEntriesByName("graph-drawn").length > 0);
  await picture(page, "overview", "/");
  await picture(page, "runs", "/runs");
  await picture(page, "run", `${run}?step=pos/price_list`);
  await picture(page, "asset", "/assets/pos/orders?tab=history");
  await picture(page, "graph", "/graph?selection=%2Breports/margins", { before: drawn });
  await picture(page, "schedule", "/schedules/sales");
  await picture(page, "device", "/devices/portland");
  await picture(page, "phone", "/", { size: PHONE });
  insist((await api(page, "GET", "/overview")).body.devices_online === 6, "a shop is missing in the pictures");
} finally {
  await program.close();
}
