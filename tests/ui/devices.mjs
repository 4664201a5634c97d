// devices.mjs - an operator's day with devices: one on a page, labels, a command by its form, output as it is written, a bundle
// rolled out, who may join. What is where comes as JSON on stdin.
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faults, insist, lastStep, settle, start, step } from "./browser.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { program, foreign, newPage, unexpected, expect } = await start(given);
const PAGES = [
  "/devices", "/devices?tab=desired", "/devices?tab=desired&show=all", "/devices?tab=joining", "/devices?tab=refused", "/devices/brooklyn", "/devices/brooklyn?tab=commands",
  "/devices/brooklyn?tab=definitions", "/commands", "/commands?state=done&device=brooklyn", "/deployments", "/deployments?tab=bundles", "/alerts?show=silences",
  "/settings?tab=audit&action=command",
];
const more = [];

async function picture(page, name) {
  if (given.pictures) await page.screenshot({ path: join(given.pictures, `devices-${name}.png`), fullPage: true });
}

async function setUp(page) {
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByRole("heading", { name: "Fleet test" }).waitFor();
}

async function labelADevice(page) {
  await page.goto("/devices/brooklyn");
  await page.getByRole("button", { name: "Labels…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Labels").fill("site");
  await dialog.getByText("Each is a name, =, and a value").waitFor();
  await dialog.getByLabel("Labels").fill("site=bonn line=2");
  await dialog.getByRole("button", { name: "Set them" }).click();
  await page.locator(".tag", { hasText: "site=bonn" }).first().waitFor();
}

async function askByForm(page) {
  await page.goto("/commands");
  await page.getByRole("button", { name: "Ask devices" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("select[name=verb]").selectOption("materialize");
  await dialog.locator("input[name=what]").fill("says/more");
  await dialog.locator("input[name=targets]").fill("label:site=b* and");
  await dialog.getByText("targets, column", { exact: false }).waitFor(); // while one types
  await dialog.locator("input[name=targets]").fill("label:site=bonn");
  await dialog.getByText("1 device, 1 online: brooklyn").waitFor();
  await picture(page, "ask");
  await dialog.getByRole("button", { name: "Send" }).click();
  await page.getByRole("link", { name: "Follow the command" }).first().click();
  await page.locator("tbody tr", { hasText: "brooklyn" }).getByText("started").waitFor();
  more.push(new URL(page.url()).pathname);
}

async function followOutput(page) {
  await page.locator("tbody tr", { hasText: "brooklyn" }).getByRole("link", { name: /…/ }).click();
  await page.getByRole("tab", { name: /stdout/ }).click();
  await page.locator(".output", { hasText: "the first line" }).waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  await picture(page, "output-live");
  writeFileSync(given.flag, "");
  await page.locator(".output", { hasText: "the last line" }).waitFor();
  await page.getByText("complete", { exact: true }).waitFor();
  await page.locator(".output.wrapped").waitFor();
  await page.getByLabel("Wrap lines").uncheck();
  await page.locator(".output:not(.wrapped)").waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as a file" }).click()]);
  const text = readFileSync(await file.path(), "utf8");
  insist(text.startsWith("the first line\n") && text.endsWith("the last line\n"), `the file has ${text.length} bytes: ${text.slice(0, 100)}`);
  more.push(new URL(page.url()).pathname + "?tab=stdout");
}

/** The same again, which would wait for ever. */
async function cancelARun(page) {
  unlinkSync(given.flag);
  await page.getByRole("button", { name: "Retry all" }).click();
  await page.locator(".again a").first().click();
  await page.locator(".head-sub").getByText("started").waitFor();
  await page.getByRole("tab", { name: /stdout/ }).click();
  await page.locator(".output", { hasText: "the first line" }).waitFor();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the run" }).click();
  await page.locator(".head-sub").getByText("canceled").waitFor();
  await page.getByText("complete", { exact: true }).waitFor();
  insist(!(await page.locator(".output").innerText()).includes("the last line"), "it went on to its end");
  writeFileSync(given.flag, "");
}

async function rollOut(page) {
  await page.goto("/deployments?tab=bundles");
  await page.getByRole("button", { name: "Roll out…" }).nth(1).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("input[name=targets]").fill("oakland");
  await dialog.getByText("1 device, 1 online: oakland").waitFor();
  await dialog.locator("input[name=waves]").fill("100%");
  await dialog.locator("input[name=soak]").fill("0s");
  await picture(page, "roll-out");
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  insist(await dialog.evaluate((box) => box.scrollWidth <= box.clientWidth), "the form is wider than a phone");
  await page.setViewportSize(wide);
  await dialog.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("heading", { name: /Deployment/ }).waitFor();
  await page.locator(".head-sub").getByText("done").waitFor();
  await page.locator("tbody tr", { hasText: "oakland" }).getByText("healthy").waitFor();
  more.push(new URL(page.url()).pathname);
  await page.getByRole("link", { name: /^[0-9a-f]{12}/ }).first().click();
  await page.getByRole("link", { name: "selvedge.yaml" }).click();
  await page.getByLabel("What is in selvedge.yaml").getByText("assets:").waitFor();
  more.push(new URL(page.url()).pathname + "?file=selvedge.yaml");
}

async function letJoin(page) {
  await page.goto("/devices?tab=joining");
  const row = page.locator("tbody tr", { hasText: "harlem" });
  await row.getByRole("button", { name: "Accept…" }).click();
  await page.getByLabel("Fingerprint").waitFor();
  await picture(page, "accept");
  await page.getByRole("button", { name: "It is the same: accept" }).click();
  await page.getByText("harlem is accepted", { exact: false }).waitFor();
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("dialog").getByLabel("For what").fill("tills");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("selvedge-agent enroll selvedge1.test", { exact: false }).waitFor();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByRole("button", { name: "Add hardware" }).click();
  await page.getByRole("dialog").getByLabel("Lines").fill("serial,name\nSN-1");
  await page.getByRole("button", { name: "Let them join" }).click();
  await page.getByText("line 2: 1 cells, 2 columns", { exact: false }).waitFor();
  await page.getByRole("dialog").getByLabel("Lines").fill("serial,name,site\nSN-1,till-9,bonn\n");
  await picture(page, "hardware");
  await page.getByRole("button", { name: "Let them join" }).click();
  await page.locator("tbody tr", { hasText: "SN-1" }).getByText("not come yet").waitFor();
}

async function whatWasRefused(page) {
  await page.goto("/devices?tab=refused");
  const row = page.locator("li", { hasText: "somebody as denver" });
  await row.getByText("(2 times, from", { exact: false }).waitFor();
  await row.getByText("make it a token for that name", { exact: false }).waitFor();
  await row.getByRole("button", { name: "All of it: denver" }).click();
  await page.getByRole("button", { name: "Of all" }).waitFor();
  insist(new URL(page.url()).searchParams.get("peer") === "denver", "the device is not in the address");
  await page.goto("/");
  await page.getByRole("link", { name: "2 refusals in 24 h" }).click();
  await row.waitFor();
}

async function shutOut(page) {
  await page.goto("/devices/oakland");
  await page.getByText("More…").click();
  await page.getByRole("button", { name: "Shut it out (revoke)…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/Type its name/).fill("oakla");
  await dialog.getByRole("button", { name: "Revoke it" }).click();
  insist(await dialog.isVisible(), "it was revoked without its name");
  await dialog.getByLabel(/Type its name/).fill("oakland");
  await dialog.getByRole("button", { name: "Revoke it" }).click();
  await page.locator(".head-sub").getByText("revoked").waitFor();
}

async function accounts(page) {
  await page.goto("/settings?tab=users");
  const dialog = page.getByRole("dialog");
  const add = async (name, password) => {
    await page.getByRole("button", { name: "User", exact: true }).first().click();
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("Password").fill(password);
    await dialog.getByRole("button", { name: "Add" }).click();
  };
  await add("ada", "too short");
  insist(await dialog.isVisible(), "a password of nine letters was taken");
  await dialog.getByLabel("Password").fill(given.password);
  await dialog.getByRole("button", { name: "Add" }).click();
  const row = page.locator("tbody tr", { hasText: "ada" });
  await row.waitFor();
  await add("ada", given.password);
  await page.locator(".word.bad").getByText("ada", { exact: false }).waitFor(); // she is there already: told in words
  await page.keyboard.press("Escape");
  await page.locator("tbody tr", { hasText: "admin" }).getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.locator(".word.bad").getByText("admin", { exact: false }).last().waitFor(); // the last admin stays
  await page.keyboard.press("Escape");
  await page.goto("/settings?tab=tokens");
  await page.getByRole("button", { name: "Token", exact: true }).first().click();
  await dialog.getByLabel("Name").fill("export");
  await dialog.getByLabel("Good for").fill("long");
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.getByRole("alert").getByText("expires_in is like", { exact: false }).waitFor(); // in the dialog: what is behind it is dimmed
  await dialog.getByLabel("Good for").fill("1h");
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.getByText("svhk_", { exact: false }).waitFor();
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  await page.locator("tbody tr", { hasText: "export" }).getByRole("button", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.locator("tbody tr", { hasText: "export" }).getByText("revoked").waitFor();
}

/** Who may only look is offered nothing else. */
async function aViewer() {
  const page = await newPage();
  await page.goto("/devices/brooklyn");
  await page.getByLabel("User").fill("ada");
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "brooklyn" }).waitFor();
  await settle(page);
  const offered = await page.locator("main button").allTextContents();
  insist(!offered.some((words) => /Ask|Labels|More|Ping/.test(words)), `a viewer is offered ${offered.join(", ")}`);
  await page.goto("/settings?tab=users");
  await page.getByRole("tab", { name: "This page" }).waitFor();
  insist((await page.getByRole("tab").count()) === 1, "a viewer sees more of the settings than this page");
  await page.getByRole("button", { name: "Change your password" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("The old one").fill("not this one");
  await dialog.getByLabel("The new one").fill("another good one");
  await dialog.getByRole("button", { name: "Set it" }).click();
  await page.locator(".word.bad").waitFor();
  await page.context().close();
}

async function everyPage(scheme, width) {
  const page = await newPage({ colorScheme: scheme, viewport: { width, height: 800 }, storageState: state });
  const found = [];
  for (const path of given.isWhole ? [...PAGES, ...more] : ["/devices/brooklyn", "/devices?tab=joining", "/devices?tab=refused", ...more]) {
    await page.goto(path);
    await settle(page);
    found.push(...(await page.locator(".failure").allTextContents()).map((words) => `${path}: ${words}`));
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (over > 0) found.push(`${path}: ${over} px wider than a window of ${width}`);
    if (width > 600) found.push(...(await faults(page, scheme === "dark" ? { runOnly: ["color-contrast"] } : {})));
    await picture(page, `${path.replace(/[\w-]{30,}/, "id").replace(/[^\w]+/g, "-").replace(/^-/, "")}-${scheme}-${width}`);
  }
  await page.context().close();
  insist(found.length === 0, found.join("\n"));
}

let state;
try {
  const page = await newPage();
  await step("the link sets the first password", () => setUp(page));
  state = await page.context().storageState();
  await step("labelling a device", () => labelADevice(page));
  // What is typed is asked about: the hub refuses what is no expression yet, and the browser says so on the console.
  expect("", /\/api\/v1\/targets/);
  await step("asking by the form", () => askByForm(page));
  await step("following what a step writes", () => followOutput(page));
  await step("cancelling a run", () => cancelARun(page));
  await step("rolling a bundle of the shelf out", () => rollOut(page));
  expect("", /\/api\/v1\/preauthorisations/);
  await step("letting a host join", () => letJoin(page));
  await step("what was refused, and what to do", () => whatWasRefused(page));
  await step("shutting a device out", () => shutOut(page));
  expect("", /\/api\/v1\/(users|tokens|session)/);
  await step("users and tokens", () => accounts(page));
  await step("a viewer", () => aViewer());
  await step("every page, light", () => everyPage("light", 1280));
  if (given.isWhole) await step("every page, dark", () => everyPage("dark", 1280));
  await step("every page, on a phone", () => everyPage("light", 390));
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
