// walk.mjs - a person's first day with the hub of the demo's six shops. What is where comes as JSON on stdin.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { api, insist, lastStep, logIn, settle, start, step, until } from "./browser.mjs";
import { AFTER_IT, breakPrices, deploy, FAILING, mendPrices, SHOP, storyIsTold } from "./demo.mjs";
import { byKeyboard } from "./keyboard.mjs";
import { everyPage } from "./looks.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { program, foreign, newPage, unexpected, expect } = await start(given);

async function setUp(page) {
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill("something else entirely");
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByText("The two passwords differ.").waitFor();
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByRole("heading", { name: "Fleet demo" }).or(page.getByText("This hub has no device yet.")).waitFor();
}

async function logOutAndIn(page) {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

async function addUser(page, name, role) {
  await page.goto("/settings?tab=users");
  await page.locator(".tools").getByRole("button", { name: "User", exact: true }).click();
  await page.locator("dialog input[name=user]").fill(name);
  await page.locator("dialog select[name=role]").selectOption(role);
  await page.locator("dialog input[name=password]").fill(given.password);
  await page.locator("dialog button[type=submit]").click();
  await page.locator("tbody tr", { hasText: name }).getByText(role).first().waitFor();
}

async function fromOverviewToLogLine(page) {
  await page.getByText("1 asset failing", { exact: false }).first().waitFor();
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Assets that fail" }) });
  await card.getByRole("link", { name: FAILING }).first().click();
  await page.getByRole("heading", { name: FAILING }).waitFor();
  await page.getByText(`Fails on ${SHOP}`).waitFor();
  await page.getByRole("link", { name: "See the run that failed" }).click();
  await page.getByText(`${FAILING} failed`, { exact: true }).first().waitFor();
  await page.getByRole("button", { name: new RegExp(`failure ${FAILING}`) }).click();
  await page.getByText("Step failed: ", { exact: false }).first().waitFor();
  await page.getByLabel("Type").selectOption("steps");
  await page.getByLabel("Level").selectOption("bad");
  await until("only the failure of the step is left", async () => (await page.locator(".event").count()) === 1);
  await page.getByRole("tab", { name: /stderr/ }).click();
  await page.locator(".output", { hasText: "No such file or directory" }).waitFor();
  return new URL(page.url()).pathname;
}

async function holdSchedule(page, verb, other) {
  await page.goto("/schedules");
  await page.getByRole("link", { name: "sales", exact: true }).first().click();
  await page.getByRole("tab", { name: "Devices" }).click();
  await page.getByRole("button", { name: `${verb} on ${SHOP}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: verb }).click();
  await page.getByRole("button", { name: `${other} on ${SHOP}` }).waitFor();
  if (verb === "Pause") await page.locator("tbody tr", { hasText: SHOP }).getByText("paused by admin").waitFor();
}

/** Nothing is under way at the shop, so that what turns green next is the retry's doing. */
async function atRest(page) {
  for (const status of ["queued", "started"]) {
    await page.goto(`/runs?device=${SHOP}&status=${status}`);
    await page.getByText("No run matches.").waitFor();
  }
}

async function retryAndSeeItTurnGreen(page, context) {
  const [asset, after] = [await context.newPage(), await context.newPage()];
  await asset.goto(`/assets/${FAILING}`);
  await after.goto(`/assets/${AFTER_IT}?tab=runs`);
  const row = asset.locator("tbody tr", { hasText: SHOP });
  await row.getByText("failing").waitFor();
  await asset.evaluate(() => { globalThis.isSamePage = true; });
  const runs = after.locator("tbody tr").filter({ hasText: "retry of" });
  await settle(after);
  insist((await runs.count()) === 0, "there is a retry before anybody asked for one");
  mendPrices(given);
  await page.goto(`${failedRun}?step=${FAILING}`);
  await page.getByRole("button", { name: "This and downstream" }).click();
  await page.getByText("Retry of it and downstream: sent.").waitFor();
  // The other pages were not touched: they hear of it.
  await row.getByText("made", { exact: true }).waitFor();
  await runs.getByText("success").waitFor();
  insist(await asset.evaluate(() => globalThis.isSamePage === true), "the page was loaded again");
  await runs.getByRole("link").first().click();
  await after.getByRole("button", { name: new RegExp(`success ${FAILING}`) }).waitFor();
  await after.getByRole("button", { name: new RegExp(`success ${AFTER_IT}`) }).waitFor();
  await asset.close();
  await after.close();
}

async function sendCommand(page) {
  await page.goto("/commands");
  await page.getByRole("button", { name: "Ask devices" }).click();
  await page.locator("dialog select[name=verb]").selectOption("ping");
  await page.locator("dialog input[name=targets]").fill("oakland");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "Follow the command" }).first().click();
  await page.locator("tbody tr", { hasText: "oakland" }).getByText("succeeded").waitFor();
  const path = new URL(page.url()).pathname;
  await page.goto("/commands");
  await page.getByRole("button", { name: "Ask devices" }).click();
  await page.locator("dialog input[name=targets]").fill("nobody-*");
  await page.locator("dialog input[name=what]").fill("*");
  expect(404, /\/api\/v1\/commands$/);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".word.bad").waitFor(); // told in words; the dialog stays with what was typed
  insist((await page.locator("dialog input[name=targets]").inputValue()) === "nobody-*", "what was typed is gone");
  await page.keyboard.press("Escape");
  return path;
}

async function graph(page) {
  await page.goto("/graph");
  await page.getByText("6 assets").first().waitFor();
  await page.waitForFunction(() => performance.getEntriesByName("graph-laid-out").length > 0);
  await page.getByLabel("Selection").fill(`+${AFTER_IT}`);
  await page.getByText("3 of 6 assets").waitFor();
  await page.getByLabel("Selection").fill("gruop:pos");
  await page.getByText('Column 1: there is no attribute "gruop"').waitFor();
  await page.getByLabel("Selection").fill("");
  const canvas = page.locator(".graph-canvas");
  await canvas.focus();
  await page.keyboard.press("ArrowRight");
  await page.locator(".picked-box").waitFor();
  await page.getByRole("button", { name: "Fold its group" }).click();
  await page.locator(".picked-box").getByText(/^4 assets/).waitFor(); // what the folded group has in it
  await canvas.focus();
  await page.keyboard.press("f");
}

/** With nothing under way the figures of the page are those of the API, each of them. */
async function readReport(page) {
  const overview = async () => (await api(page, "GET", "/overview")).body;
  const { body: command } = await api(page, "POST", "/commands", { verb: "pause", args: { what: "schedules" }, targets: "*" });
  await until("all schedules are paused", async () => (await api(page, "GET", `/commands/${command.command}`)).body.succeeded === 6);
  await until("nothing runs", async () => (await overview()).runs_open === 0);
  const figure = async (name, part) => Number((await page.locator(".figure", { has: page.getByText(name, { exact: true }) }).locator(part).textContent()).replace(/( of| failed|,).*/, "").replace(/\D/g, ""));
  let [shown, told] = ["", ""];
  await until("the report tells what the API tells", async () => {
    await page.goto("/reports");
    await page.getByRole("heading", { name: "Report of fleet demo" }).waitFor();
    shown = JSON.stringify([await figure("Runs", ".figure-value"), await figure("Runs", ".figure-note"), await figure("Failing assets", ".figure-value"), await figure("Devices online", ".figure-value")]);
    const f = await overview();
    told = JSON.stringify([f.runs_success + f.runs_failure + f.runs_canceled, f.runs_failure, f.assets_failing, f.devices_online]);
    return shown === told;
  }).catch((error) => { throw new Error(`${error.message}: ${shown}, ${told}`); });
  insist(JSON.parse(told)[1] > 0, "no run has failed");
  for (const asset of [FAILING, AFTER_IT]) await page.getByRole("row").getByRole("link", { name: asset }).first().waitFor();
}

/** Who may only look is offered nothing else, and is refused when trying it all the same. */
async function asViewer() {
  const page = await newPage();
  await logIn(page, "vera", given.password);
  const offers = async (path, name) => {
    await page.goto(path);
    await settle(page);
    insist((await page.getByRole("button", { name }).count()) === 0, `${path} offers a viewer ${name}`);
  };
  await offers(`/assets/${FAILING}`, /Materialize|With downstream/);
  await offers(failedRun, /Retry/);
  await offers("/schedules", /Pause|Resume/);
  await offers("/schedules/sales", /Pause|Resume/);
  await offers("/schedules/sales?tab=devices", /Pause|Resume/);
  await offers("/commands", "Ask devices");
  await offers("/devices/oakland", /Ping|Pause|Resume/);
  await offers("/settings", /^(User|Token)$/);
  insist((await page.getByRole("tab", { name: /Users|Tokens|Audit/ }).count()) === 0, "a viewer is offered users, tokens or the audit log");
  expect(403, /\/api\/v1\/(users|commands|runs\/|schedules\/|tokens)/);
  for (const [method, path, body] of [
    ["POST", "/commands", { verb: "ping", args: {}, targets: "*" }], ["POST", `${failedRun}/retry`, {}], ["POST", `/schedules/${SHOP}/sales/pause`, {}],
    ["POST", "/users", { user: "eve", role: "admin", password: given.password }], ["GET", "/users"],
  ]) {
    const { status, body: problem } = await api(page, method, path, body);
    insist(status === 403 && problem.detail, `${method} ${path} of a viewer: ${status} ${JSON.stringify(problem)}`);
  }
  await page.goto("/settings?tab=users"); // as an address that somebody sent
  await settle(page);
  insist((await page.locator("main table").count()) === 0, "a viewer sees the users");
  return page;
}

async function asOperator() {
  const page = await newPage();
  await logIn(page, "otto", given.password);
  await page.goto(`/assets/${FAILING}`);
  await page.getByRole("button", { name: "Materialize", exact: true }).waitFor();
  await page.goto("/settings");
  await settle(page);
  insist((await page.getByRole("tab", { name: /Users|Audit/ }).count()) === 0, "an operator is offered users or the audit log");
  const { status } = await api(page, "POST", "/users", { user: "eve", role: "admin", password: given.password });
  insist(status === 403, `an operator makes a user: ${status}`);
  await page.context().close();
}

/** A session that ends while its page is open: the page asks to log in, and shows nothing of the fleet any more. */
async function sessionEnds(page, viewer) {
  await viewer.goto("/runs");
  await settle(viewer);
  expect(401, /\/api\/v1\//);
  const { status } = await api(page, "PUT", "/users/vera/password", { password: `${given.password} anew` });
  insist(status < 300, `setting a password: ${status}`);
  await viewer.getByRole("heading", { name: "Log in" }).waitFor();
  insist((await viewer.locator("table").count()) === 0, "runs are still shown");
  await viewer.context().close();
}

async function onAPhone() {
  const page = await newPage({ viewport: { width: 390, height: 844 }, storageState: state });
  await page.goto("/");
  await settle(page);
  await page.getByRole("button", { name: "Pages" }).click();
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await page.getByRole("heading", { name: "Runs" }).waitFor();
  await page.getByRole("link", { name: "Graph", exact: true }).waitFor({ state: "hidden" });
  await page.context().close();
}

const pagesOf = (details) => [
  "/", "/assets", "/assets?find=prices", `/assets/${FAILING}`, "/graph", "/runs", "/runs?by=job", ...details, "/jobs", "/jobs/sales", "/schedules", "/schedules/sales", "/schedules/sales?tab=devices", "/jobs/sales?tab=assets", "/schedules?tab=sensors",
  "/schedules?tab=ticks", "/backfills", "/devices", "/devices?tab=joining", "/devices?tab=desired", "/deployments", "/deployments?tab=bundles", "/commands", "/pools", "/alerts",
  "/alerts?show=all", "/alerts?show=silences", "/reports", "/settings", "/nowhere", "/assets/no/such", "/devices/nobody",
  ...["", "history", "checks", "lineage", "runs", "definition"].map((tab) => `/assets/pos/orders?tab=${tab}`),
  ...["", "runs", "assets", "commands", "definitions", "events"].map((tab) => `/devices/${SHOP}?tab=${tab}`),
  ...["users", "tokens", "audit"].map((tab) => `/settings?tab=${tab}`),
];

let state;
let failedRun = "";
try {
  const page = await newPage();
  await step("the link sets the first password", () => setUp(page));
  await step("logging out and in", () => logOutAndIn(page));
  state = await page.context().storageState();
  await step("a viewer and an operator are added", async () => { await addUser(page, "vera", "viewer"); await addUser(page, "otto", "operator"); });
  await step("the demo's story", () => storyIsTold(given));
  breakPrices(given);
  deploy(given);
  const command = await step("sending a command", () => sendCommand(page));
  await step("the graph", () => graph(page));
  await page.goto("/");
  failedRun = await step("from the overview to the log line of what failed", () => fromOverviewToLogLine(page));
  await step("the same by the keyboard", async () => {
    const other = await newPage();
    await byKeyboard(other, "admin", given.password, FAILING);
    await other.context().close();
  });
  const viewer = await step("as a viewer", asViewer);
  await step("as an operator", asOperator);
  await step("a session ends", () => sessionEnds(page, viewer));
  await step("the menu on a phone", onAPhone);
  await step("pausing the shop's schedule", () => holdSchedule(page, "Pause", "Resume"));
  await step("until nothing runs there", () => atRest(page));
  await step("retrying it and its downstream, and seeing them turn green", () => retryAndSeeItTurnGreen(page, page.context()));
  await step("resuming the schedule", () => holdSchedule(page, "Resume", "Pause"));
  await step("reading the report", () => readReport(page));
  expect(404, /\/api\/v1\/(assets\/no\/such|devices\/nobody)/);
  await step("every page, in light, dark and on a phone", async () => {
    const { body } = await api(page, "GET", "/deployments");
    const details = [failedRun, `${failedRun}?tab=stderr`, `/deployments/${body.items[0].deployment}`, `/bundles/${body.items[0].bundle}`, command];
    const found = await everyPage(() => page.context().newPage(), pagesOf(details), given.pictures);
    insist(found.length === 0, found.join("\n"));
  });
  const complaints = unexpected();
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
  insist(foreign.length === 0, `requests left the hub: ${foreign.join(" ")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}\n${unexpected().join("\n")}`);
  let i = 0;
  if (given.pictures) for (const context of program.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(given.pictures, `failed-${i++}.png`) });
  process.exitCode = 1;
} finally {
  await program.close();
}
