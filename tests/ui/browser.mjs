// browser.mjs - a browser whose pages may not complain, and steps that say what they were when they fail.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(join("node_modules", "axe-core", "axe.min.js"), "utf8");
const PATIENCE_MS = Number(process.env.SELVEDGE_UI_PATIENCE_MS ?? 60_000); // against one that hangs, not a measure

export async function start({ browser, base }) {
  const program = await chromium.launch({ executablePath: browser, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const complaints = [];
  const foreign = [];
  async function newPage(options = {}) {
    const context = await program.newContext({ viewport: { width: 1280, height: 800 }, baseURL: base, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("console", (message) => {
      // Asking who one is before one has logged in is answered with 401, which browsers put on the console by themselves.
      const isWhoAmI = message.location().url.endsWith("/api/v1/session") && message.text().includes("401");
      if (["error", "warning"].includes(message.type()) && !isWhoAmI) complaints.push(`${page.url()}: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.stack}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
    });
    return page;
  }
  return { program, complaints, foreign, newPage };
}

/** Serious faults of the page that is shown, as text; empty when there is none. `rules`: only these. */
export async function faults(page, rules) {
  await page.evaluate(axe);
  const found = await page.evaluate((only) => globalThis.axe.run(only ? { runOnly: only } : {}), rules);
  return found.violations
    .filter((fault) => ["serious", "critical"].includes(fault.impact))
    .map((fault) => `${page.url()}: ${fault.id}: ${fault.help}: ${fault.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
}

let last = "start";
export async function step(what, action) {
  last = what;
  const begin = Date.now();
  const result = await action();
  console.log(`${String(Date.now() - begin).padStart(6)} ms  ${what}`);
  return result;
}
export const lastStep = () => last;

export function insist(claim, what) {
  if (!claim) throw new Error(what);
}
