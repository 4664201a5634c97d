// walk.mjs - a person on her first day with the hub. What is where comes as JSON on stdin.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faults, insist, lastStep, start, step } from "./browser.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { program, complaints, foreign, newPage } = await start(given);
const PAGES = [
  "/", "/assets", "/assets/pos/orders", "/assets/pos/orders?tab=history", "/assets/pos/orders?tab=checks", "/assets/pos/orders?tab=lineage",
  "/assets/pos/orders?tab=definition", "/graph", "/runs", "/jobs", "/schedules", "/schedules?tab=sensors", "/schedules?tab=ticks", "/backfills",
  "/devices", "/devices/brooklyn", "/devices/brooklyn?tab=assets", "/devices/brooklyn?tab=events", "/devices/brooklyn?tab=about", "/deployments",
  "/commands", "/pools", "/alerts", "/alerts?show=all", "/reports", "/settings", "/settings?tab=users", "/settings?tab=tokens", "/settings?tab=audit",
];

async function picture(page, name) {
  if (given.pictures) await page.screenshot({ path: join(given.pictures, `${name}.png`) });
}

/** Until the page has what it asked for. */
async function settle(page) {
  await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".loading"));
}

async function setUp(page) {
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill("something else entirely");
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByText("The two passwords differ.").waitFor();
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByRole("heading", { name: "Fleet test" }).waitFor();
}

async function logOutAndIn(page) {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Fleet test" }).waitFor();
}

async function fromOverviewToLogLine(page) {
  await page.getByText("1 asset failing", { exact: false }).first().waitFor();
  await picture(page, "overview-failing");
  const card = page.locator(".card", { has: page.getByRole("heading", { name: "Assets that fail" }) });
  await card.getByRole("link", { name: "pos/price_list" }).first().click();
  await page.getByRole("heading", { name: "pos/price_list" }).waitFor();
  await page.getByText("Fails on brooklyn, oakland").waitFor();
  await picture(page, "asset-failing");
  await page.getByRole("link", { name: "See the run that failed" }).click();
  await page.getByText("pos/price_list failed", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: /failure pos\/price_list/ }).click();
  await page.getByText("Step failed", { exact: false }).first().waitFor();
  await picture(page, "run-failed");
  await page.getByRole("tab", { name: /stderr/ }).click();
  await page.locator(".output", { hasText: "No such file or directory" }).waitFor();
  await picture(page, "run-output");
  return new URL(page.url()).pathname;
}

async function retryAndSeeItTurnGreen(page, context) {
  const device = new URL(page.url()).pathname.split("/")[2];
  const watching = await context.newPage();
  await watching.goto("/assets/pos/price_list");
  const row = watching.locator("tbody tr", { hasText: device });
  await row.getByText("failing").waitFor();
  writeFileSync(given.prices, "item,price\n");
  await page.getByRole("button", { name: "This and downstream" }).click();
  await page.getByText("Retry of it and downstream: sent.").waitFor();
  // The other page was not touched: it hears of it.
  await row.getByText("made", { exact: true }).waitFor();
  await picture(watching, "asset-green");
  await watching.goto("/runs?status=success");
  await watching.locator("tbody tr", { hasText: device }).first().waitFor();
  await watching.close();
}

async function pauseSchedule(page) {
  await page.goto("/schedules");
  const row = page.locator("tbody tr", { hasText: "brooklyn" });
  await row.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await row.getByText("paused").waitFor();
  await row.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await row.getByText("running").waitFor();
}

async function sendCommand(page) {
  await page.goto("/commands");
  await page.getByRole("button", { name: "Ask devices" }).click();
  await page.locator("dialog select[name=verb]").selectOption("ping");
  await page.locator("dialog input[name=targets]").fill("oakland");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "Follow the command" }).first().click();
  await page.locator("tbody tr", { hasText: "oakland" }).getByText("succeeded").waitFor();
  await page.goto("/commands");
  await page.getByRole("button", { name: "Ask devices" }).click();
  await page.locator("dialog input[name=targets]").fill("nobody-*");
  await page.locator("dialog input[name=what]").fill("*");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".word.bad").waitFor(); // told in words; the dialog stays with what was typed
  insist((await page.locator("dialog input[name=targets]").inputValue()) === "nobody-*", "what was typed is gone");
  await page.keyboard.press("Escape");
}

async function findByKeyboard(page) {
  await page.goto("/devices");
  await settle(page);
  await page.keyboard.press("/");
  await page.keyboard.type("daily");
  await page.getByRole("option", { name: /reports\/daily/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "reports/daily" }).waitFor();
}

async function graph(page) {
  await page.goto("/graph");
  await page.getByText("4 assets").first().waitFor();
  await page.waitForFunction(() => performance.getEntriesByName("graph-laid-out").length > 0);
  await page.getByLabel("Selection").fill("+reports/daily and not is:external");
  await page.getByText("3 of 4 assets").waitFor();
  await page.getByLabel("Selection").fill("gruop:pos");
  await page.getByText('Column 1: there is no attribute "gruop"').waitFor();
  await page.getByLabel("Selection").fill("");
  const canvas = page.locator(".graph-canvas");
  await canvas.focus();
  await page.keyboard.press("ArrowRight");
  await page.locator(".picked-box").waitFor();
  await page.getByRole("button", { name: "Fold its group" }).click();
  await picture(page, "graph");
  await canvas.focus();
  await page.keyboard.press("f");
}

async function everyPage(scheme, width) {
  const page = await newPage({ colorScheme: scheme, viewport: { width, height: 800 }, storageState: state });
  const found = [];
  for (const path of [...PAGES, failedRun]) {
    await page.goto(path);
    await settle(page);
    const failures = await page.locator(".failure").allTextContents();
    if (failures.length && path !== failedRun) found.push(`${path}: ${failures.join(" ")}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (over > 0) found.push(`${path}: ${over} px wider than a window of ${width}`);
    // What depends on colours is all that a theme can break.
    if (width > 600) found.push(...(await faults(page, scheme === "dark" ? ["color-contrast"] : undefined)));
    await picture(page, `${path.replace(failedRun, "run").replace(/^\/$/, "overview").replace(/[^\w]+/g, "-").replace(/^-/, "")}-${scheme}-${width}`);
  }
  await page.context().close();
  insist(found.length === 0, found.join("\n"));
}

let state;
let failedRun = "";
try {
  const page = await newPage();
  await step("the link sets the first password", () => setUp(page));
  await step("logging out and in", () => logOutAndIn(page));
  state = await page.context().storageState();
  failedRun = await step("from the overview to the log line of what failed", () => fromOverviewToLogLine(page));
  await step("retrying it and its downstream, and seeing it turn green", () => retryAndSeeItTurnGreen(page, page.context()));
  await step("pausing a schedule", () => pauseSchedule(page));
  const before = complaints.length;
  await step("sending a command", () => sendCommand(page));
  // The hub refused a command that meant nobody, and the browser says so on the console.
  complaints.splice(before, complaints.length - before, ...complaints.slice(before).filter((text) => !text.includes("/api/v1/commands")));
  await step("finding an asset by the keyboard", () => findByKeyboard(page));
  await step("the graph", () => graph(page));
  await step("every page, light", () => everyPage("light", 1280));
  await step("every page, dark", () => everyPage("dark", 1280));
  await step("every page, on a phone", () => everyPage("light", 390));
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
  insist(foreign.length === 0, `requests left the hub: ${foreign.join(" ")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}\n${complaints.join("\n")}`);
  if (given.pictures) for (const context of program.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(given.pictures, "failed.png") });
  process.exitCode = 1;
} finally {
  await program.close();
}
