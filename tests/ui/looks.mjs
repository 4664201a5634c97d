// looks.mjs - every page in light, dark and on a phone: nothing has failed, nothing is wider than the window, axe finds no
// serious fault, and the menu marks where one is.
import { join } from "node:path";
import { faults, settle } from "./browser.mjs";

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const AT_ONCE = 2; // a browser has six connections to one hub, and each page keeps one of them for what changes

const nameOf = (path) => path.replace(/^\/$/, "overview").replace(/[^\w]+/g, "-").replace(/^-|-$/g, "");

async function look(page, path, pictures) {
  const found = [];
  const shoot = async (name) => pictures && page.screenshot({ path: join(pictures, `${nameOf(path)}-${name}.png`) });
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(path);
  await settle(page);
  const failures = await page.locator("main [role=alert]").allTextContents();
  if (failures.length) found.push(`${path}: ${failures.join(" ")}`);
  found.push(...(await faults(page)));
  const title = await page.title();
  if (!/^Not found/.test(title) && (await page.locator("nav [aria-current=page]").count()) !== 1) found.push(`${path}: "${title}" is nowhere in the menu`);
  await shoot("light");
  await page.emulateMedia({ colorScheme: "dark" });
  found.push(...(await faults(page, { runOnly: ["color-contrast"] }))); // what depends on colours is all that a theme can break
  await shoot("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(PHONE);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (over > 0) found.push(`${path}: ${over} px wider than a phone`);
  found.push(...(await faults(page, { rules: { "color-contrast": { enabled: false } } })).map((fault) => `on a phone: ${fault}`));
  await shoot("phone");
  return found;
}

/** What is wrong on these pages, as text. `newPage` opens one that is logged in. */
export async function everyPage(newPage, paths, pictures) {
  const rest = [...paths];
  const found = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    const page = await newPage();
    for (let path = rest.shift(); path !== undefined; path = rest.shift()) found.push(...(await look(page, path, pictures)));
    await page.close();
  }));
  return found;
}
