// keyboard.mjs - the main path without a mouse: where the focus is can be seen, and dialogs keep it and give it back.
import { insist } from "./browser.mjs";

const STOPS_MAX = 120;

const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  return {
    name: (at.getAttribute("aria-label") ?? at.textContent ?? "").trim().replace(/\s+/g, " "), tag: at.tagName,
    hasRing: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, isInDialog: at.closest("dialog") !== null,
  };
});

/** Presses Tab until what has the focus is called so; each stop on the way can be seen. */
async function tabTo(page, name) {
  for (let i = 0; i < STOPS_MAX; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    insist(at.hasRing || ["BODY", "MAIN"].includes(at.tag), `the focus on ${at.tag} "${at.name}" of ${page.url()} cannot be seen`);
    if (name.test(at.name)) return;
  }
  throw new Error(`Tab does not come to ${name} on ${page.url()}`);
}

async function dialog(page) {
  await tabTo(page, /^Retry selected/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    insist(at.isInDialog || at.tag === "BODY", `the dialog lets the focus go to ${at.tag} "${at.name}"`);
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const at = await focused(page);
  insist(/^Retry selected/.test(at.name), `after the dialog the focus is on ${at.tag} "${at.name}"`);
}

/** From the log-in form to the log line of what fails, and to another asset by the search. */
export async function byKeyboard(page, user, password, asset) {
  await page.goto("/");
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.keyboard.type(user);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.locator(".card", { has: page.getByRole("heading", { name: "Assets that fail" }) }).getByText(asset).first().waitFor();
  await tabTo(page, /^To the page$/);
  await page.keyboard.press("Enter");
  await tabTo(page, new RegExp(`^${asset}$`));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: asset }).waitFor();
  await tabTo(page, /^See the run that failed$/);
  await page.keyboard.press("Enter");
  await page.getByText(`${asset} failed`, { exact: true }).first().waitFor();
  await dialog(page);
  await tabTo(page, new RegExp(`^failure ${asset}`));
  await page.keyboard.press("Enter");
  await tabTo(page, /^Events$/);
  await page.keyboard.press("ArrowRight");
  await page.locator(".output", { hasText: "No such file or directory" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("daily");
  await page.locator("#found").getByRole("option", { name: /reports\/daily_sales/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "reports/daily_sales" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("sales");
  await page.locator("#found").getByRole("option", { name: /^sales\s*job$/ }).waitFor();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("sensors");
  await page.locator("#found").getByRole("option", { name: /^Sensors\s*page$/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByText("No device has a sensor.").waitFor();
}
