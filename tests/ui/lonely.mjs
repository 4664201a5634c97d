// lonely.mjs - a hub without a device, that goes away and comes back. What is where comes as JSON on stdin; what the test's
// other half should do is said on stdout, and a line on stdin says that it is done.
import { createInterface } from "node:readline";
import { insist, lastStep, settle, start, step } from "./browser.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);
const { program, newPage, unexpected, expect } = await start(given);
const EMPTY = ["/", "/assets", "/graph", "/runs", "/jobs", "/schedules", "/schedules?tab=sensors", "/schedules?tab=ticks", "/backfills", "/devices", "/deployments", "/commands", "/pools", "/alerts"];

async function please(what) {
  console.log(`please: ${what}`);
  insist((await lines.next()).value === "done", `${what} was not done`);
}

async function emptyPages(page) {
  for (const path of EMPTY) {
    await page.goto(path);
    await settle(page);
    insist((await page.locator("main [role=alert]").count()) === 0, `${path} tells of a failure`);
    insist(((await page.locator("main .empty").first().textContent()) ?? "").length > 20, `${path} does not say what to do next`);
  }
}

// More than any hub of a test has; the API's answers are the test's.
const MANY = 100_000;

async function manyRows(page) {
  await page.route("**/api/v1/assets?*", (route) => {
    const query = new URL(route.request().url()).searchParams;
    const [from, limit] = [Number(query.get("cursor") ?? 0), Number(query.get("limit"))];
    const items = Array.from({ length: Math.min(limit, MANY - from) }, (_, i) => ({ asset: `many/${String(from + i).padStart(6, "0")}`, group: "many", external: false, devices: 1, failing: 0 }));
    return route.fulfill({ json: { items, next: from + limit < MANY ? String(from + limit) : null } });
  });
  await page.goto("/assets");
  await page.getByText("100\u202f000 assets").waitFor();
  const drawn = () => page.locator("tbody tr").count();
  insist((await drawn()) < 200, "rows out of sight are in the document");
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
  await page.getByText("099999").waitFor();
  insist((await drawn()) < 200, "rows out of sight are in the document");
  for (const order of ["ascending", "descending"]) {
    await page.getByRole("button", { name: "Asset", exact: true }).click();
    await page.locator(`th[aria-sort=${order}]`).waitFor();
  }
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.locator("tbody tr").first().getByText("099999").waitFor();
  await page.unroute("**/api/v1/assets?*");
}

try {
  const page = await newPage();
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByText("This hub has no device yet.").waitFor();
  await step("pages without anything to show", () => emptyPages(page));
  await step("a hundred thousand rows", () => manyRows(page));
  await page.goto("/devices");
  await page.getByText("Live", { exact: true }).waitFor();
  await step("the hub goes away", async () => {
    expect("ERR_CONNECTION_REFUSED", /\/api\/v1\//);
    expect("ERR_", /\/api\/v1\/events\/live/);
    await please("stop the hub");
    await page.getByText("Not live: the hub is out of reach").waitFor();
    await page.getByText("No device has joined this hub yet.").waitFor(); // what it said last stays
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await page.getByText("The hub cannot be reached.").waitFor();
  });
  await step("and comes back", async () => {
    await please("start the hub");
    await page.getByText("Nothing has run yet.").waitFor(); // by itself
    await page.getByText("Live", { exact: true }).waitFor();
  });
  const complaints = unexpected();
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}\n${unexpected().join("\n")}`);
  process.exitCode = 1;
} finally {
  await program.close();
  process.exit();
}
