// reports_page.mjs - the page Reports before a seeded fleet: another time, by a label, links, saving, and sending one now.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { faults, insist, lastStep, settle, start, step } from "./browser.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { program, foreign, newPage, unexpected } = await start(given);

async function logIn(page) {
  await page.goto("/");
  await page.getByLabel("User").fill("admin");
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Fleet shops" }).waitFor();
}

async function seededReport(page) {
  await page.goto(`/reports?since=24h&until=${given.until}&group_by=site`);
  await page.getByRole("heading", { name: "Report of fleet shops" }).waitFor();
  await settle(page);
  const berlin = page.getByRole("table", { name: "By site", exact: true }).getByRole("row", { name: /berlin/ });
  insist((await berlin.innerText()).includes("71.4 %"), `berlin: ${await berlin.innerText()}`);
  await page.getByText("connection refused <is it on?>").first().waitFor();
  const found = await faults(page);
  insist(found.length === 0, found.join("\n"));
  if (given.pictures) await page.screenshot({ path: join(given.pictures, "reports.png") });
}

async function followLinks(page) {
  const line = page.getByRole("listitem").filter({ hasText: "fails on berlin-3" });
  insist(await line.getByRole("link", { name: "The run" }).getAttribute("href") === "/runs/berlin-3/r-02-000", "the run that failed");
  await line.getByRole("link", { name: "berlin-3" }).click();
  await page.getByRole("heading", { name: "berlin-3" }).waitFor();
  await page.goBack();
  await settle(page);
}

async function pickTimes(page) {
  await page.getByLabel("Of the last").selectOption("7 days");
  await page.waitForURL(/since=7d/);
  insist(!page.url().includes("until=") && page.url().includes("group_by=site"), page.url());
  await settle(page);
  await page.getByLabel("Of the last").selectOption("own time");
  await page.waitForURL(/until=/);
  await page.getByLabel("From").fill("2026-11-30T05:00");
  await page.getByLabel("to", { exact: true }).fill("2026-11-29T05:00");
  await page.getByText("The end must be after the beginning.").waitFor();
  await page.getByLabel("to", { exact: true }).fill("2026-11-30T06:00");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.waitForURL(/since=2026-11-30T05:00:00Z&until=2026-11-30T06:00:00Z|since=2026-11-30T05%3A00%3A00Z&until=2026-11-30T06%3A00%3A00Z/);
  await settle(page);
  await page.getByLabel("Add up by label").fill("");
  await page.waitForFunction(() => !location.search.includes("group_by"));
}

async function save(page) {
  for (const [name, begin] of [["Page (HTML)", "<!doctype html>"], ["Markdown", "# Report of fleet shops"], ["Text", "fleet shops, "], ["CSV", "asset,devices,"], ["JSON", "{\"fleet\":\"shops\""]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
    const text = readFileSync(await download.path(), "utf8");
    insist(text.startsWith(begin) && download.suggestedFilename().startsWith("shops-2026-11-30"), `${name}: ${download.suggestedFilename()}: ${text.slice(0, 60)}`);
  }
}

async function sendNow(page) {
  const row = page.getByRole("listitem").filter({ hasText: "folder reports" }).first();
  await row.getByText("not sent yet").waitFor();
  await row.getByRole("button", { name: "Send now" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  await row.getByText("delivered").first().waitFor();
  await row.getByText("Last deliveries").click();
  await row.getByText("asked for").first().waitFor();
}

try {
  const page = await newPage({ timezoneId: "UTC", acceptDownloads: true });
  await step("logging in", () => logIn(page));
  await step("the seeded report, by site", () => seededReport(page));
  await step("links to the device and the run", () => followLinks(page));
  await step("other times, no groups", () => pickTimes(page));
  await step("saving it in every form", () => save(page));
  await step("sending one now", () => sendNow(page));
  const complaints = unexpected();
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
  insist(foreign.length === 0, `requests left the hub: ${foreign.join(" ")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}\n${unexpected().join("\n")}`);
  if (given.pictures) for (const context of program.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(given.pictures, "failed.png") });
  process.exitCode = 1;
} finally {
  await program.close();
}
