// browser.mjs - a browser whose pages may not complain, and what walks share: steps that say what they were when they fail.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(join("node_modules", "axe-core", "axe.min.js"), "utf8");
const PATIENCE_MS = Number(process.env.SELVEDGE_UI_PATIENCE_MS ?? 120_000); // against one that hangs, not a measure

export async function start({ browser, base }) {
  const program = await chromium.launch({ executablePath: browser, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const complaints = [];
  const foreign = [];
  // A request that was refused is put on the console by the browser. Asking who one is before one has logged in is one of them.
  const expected = [[401, /\/api\/v1\/session$/]];
  async function newPage(options = {}) {
    const context = await program.newContext({ viewport: { width: 1280, height: 800 }, baseURL: base, ...options });
    watch(context);
    return context.newPage();
  }
  function watch(context) {
    context.setDefaultTimeout(PATIENCE_MS);
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push({ page: message.page()?.url(), text: message.text(), url: message.location().url });
    });
    context.on("weberror", (error) => complaints.push({ page: error.page()?.url(), text: error.error().stack, url: "" }));
    context.on("request", (request) => {
      if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) foreign.push(request.url());
    });
  }
  /** What nobody expected, as text. */
  const unexpected = () => complaints
    .filter(({ text, url }) => !expected.some(([status, path]) => text.includes(String(status)) && path.test(url)))
    .map(({ page, text, url }) => `${page}: ${text} ${url}`);
  /** From now on the hub may answer so (""; whatever it says): somebody tries what is refused. */
  const expect = (status, path) => expected.push([status, path]);
  return { program, foreign, newPage, unexpected, expect };
}

/** Until the page has what it asked for. */
export async function settle(page) {
  await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main .loading"));
}

export async function logIn(page, user, password) {
  await page.goto("/");
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor({ state: "attached" });
}

/** Asks the API as the page's user would: { status, body }. */
export function api(page, method, path, body) {
  return page.evaluate(async ([method, path, body]) => {
    const who = await (await fetch("/api/v1/session")).json();
    const answer = await fetch(`/api/v1${path}`, { method, headers: { "X-CSRF-Token": who.csrf_token, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }, [method, path, body]);
}

// Of long lists the first rows: those behind them are made of the same parts, and each costs a look at its colours.
const SAMPLE = { exclude: ["tbody > tr:nth-child(n+9)", ".events > li:nth-child(n+13)"].map((one) => [one]) };

/** Serious faults of the page that is shown, as text; empty when there is none. `options` are axe's. */
export async function faults(page, options = {}) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const found = await page.evaluate(([sample, more]) => globalThis.axe.run(sample, { preload: false, resultTypes: ["violations"], ...more }), [SAMPLE, options]);
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

/** Looks again and again until it holds. */
export async function until(what, holds) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 150))) if (await holds()) return;
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}
