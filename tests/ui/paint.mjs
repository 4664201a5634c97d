// paint.mjs - how long pages take until they can be used, of several loads the best. JSON in on stdin and out on stdout.
import { readFileSync } from "node:fs";
import { start } from "./browser.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const LOADS = 5;
const FRAMES = 120;
const { program, newPage } = await start(given);

/** Loads `path` anew and waits until `isReady` holds in it; milliseconds since the navigation began. */
async function load(page, path, isReady, argument) {
  await page.goto("about:blank");
  await page.goto(path, { waitUntil: "commit" });
  await page.waitForFunction(isReady, argument, { polling: "raf" });
  return page.evaluate(() => performance.now());
}

/** Private memory of the process that shows the page, after what nobody needs is collected; bytes. */
async function memory(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { processInfo } = await (await program.newBrowserCDPSession()).send("SystemInfo.getProcessInfo");
  const privates = processInfo.filter((one) => one.type === "renderer").map((one) => {
    const text = readFileSync(`/proc/${one.id}/smaps_rollup`, "utf8");
    return 1024 * [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, found) => sum + Number(found[1]), 0);
  });
  return Math.max(...privates);
}

async function best(page, path, isReady, argument) {
  let least = Infinity;
  for (let i = 0; i < LOADS; i++) least = Math.min(least, await load(page, path, isReady, argument));
  return least;
}

async function pan(page) {
  const box = await page.locator(".graph-canvas").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  const frames = page.evaluate((count) => new Promise((resolve) => {
    const times = [];
    let last = 0;
    const tick = (now) => {
      if (last) times.push(now - last);
      last = now;
      if (times.length < count) requestAnimationFrame(tick);
      else resolve(times.sort((a, b) => a - b)[count >> 1]);
    };
    requestAnimationFrame(tick);
  }), FRAMES);
  let isDone = false;
  frames.then(() => { isDone = true; });
  for (let i = 0; !isDone; i++) await page.mouse.move(box.x + box.width / 2 + 80 * Math.sin(i / 9), box.y + box.height / 2 + 50 * Math.cos(i / 7));
  await page.mouse.up();
  return frames;
}

try {
  const page = await newPage();
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.locator(".figures").waitFor();
  let paint = Infinity;
  for (let i = 0; i < LOADS; i++) {
    await load(page, "/", () => document.querySelector(".figures") && performance.getEntriesByName("first-contentful-paint").length > 0);
    paint = Math.min(paint, await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  }
  const overviewMemory = await memory(page);
  const bytes = await page.evaluate(async () => {
    const paths = ["/", ...performance.getEntriesByType("resource").map((entry) => new URL(entry.name).pathname).filter((path) => path.startsWith("/static/"))];
    let sum = 0;
    for (const path of new Set(paths)) sum += Number((await fetch(path, { cache: "no-store" })).headers.get("content-length"));
    return sum;
  });
  const catalogue = await best(page, "/assets", (count) => document.querySelector("table")?.getAttribute("aria-rowcount") === String(count + 1), given.assets);
  const catalogueMemory = await memory(page);
  // Only what hangs together, so that the size is that of the budget; with a selection groups begin unfolded.
  const graph = await best(page, "/graph?selection=group:layer*&only=1", () => performance.getEntriesByName("graph-drawn").length > 0, null);
  await page.getByText(`of ${given.assets}`.replace(/(\d)(?=(\d{3})+$)/, "$1\u202f")).waitFor();
  const frame = await pan(page);
  const graphMemory = await memory(page);
  console.log(JSON.stringify({ overview_paint_ms: paint, catalogue_ms: catalogue, graph_ms: graph, pan_frame_ms: frame, bytes,
    overview_memory: overviewMemory, catalogue_memory: catalogueMemory, graph_memory: graphMemory }));
} finally {
  await program.close();
}
