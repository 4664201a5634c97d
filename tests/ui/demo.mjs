// demo.mjs - what is done with the demo's six shops, by who walks through them and by who takes pictures.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, insist, until } from "./browser.mjs";

export const SHOP = "portland"; // whose supplier's price list may be missing
export const FAILING = "pos/price_list";
export const AFTER_IT = "reports/margins";
const prices = (given) => join(given.dir, SHOP, "price_list.csv");

export async function setPassword(page, given) {
  await page.goto(`/setup#${given.secret}`);
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Once more").fill(given.password);
  await page.getByRole("button", { name: "Set it and log in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

/** The demo's own story: shops enrol, one loses its network, a file comes late. */
export const storyIsTold = (given) => until("the demo's story is told", () => {
  const told = readFileSync(given.story, "utf8");
  insist(!/has ended|not within/.test(told), told);
  return told.includes("it goes on like this");
});

export const breakPrices = (given) => unlinkSync(prices(given));
export const mendPrices = (given) => writeFileSync(prices(given), "product,cost_cents\nEspresso,120\n");

/** A bundle for one shop: the definitions that it has, with the till where it is. */
export function deploy(given) {
  const folder = join(given.dir, "bundle");
  mkdirSync(folder);
  const definitions = readFileSync(join(given.dir, "seattle", "selvedge.yaml"), "utf8");
  writeFileSync(join(folder, "selvedge.yaml"), definitions.replace("path: pos.db", `path: ${join(given.dir, "seattle", "pos.db")}`));
  execFileSync(given.hub, ["deploy", folder, "--to", "seattle", "--state-dir", join(given.dir, "hub")]);
}

/** Takes the price list away; the path of the run that missed it. */
export async function failing(page, given) {
  breakPrices(given);
  let run;
  await until("a run has failed", async () => {
    run = (await api(page, "GET", `/runs?device=${SHOP}&status=failure&limit=1`)).body.items[0]?.run;
    return run !== undefined;
  });
  return `/runs/${SHOP}/${run}`;
}
