// report.mjs - the report as a file, as who gets it by mail opens it: in light, dark, on a phone and on paper. What is where comes as
// JSON on stdin.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faults, insist, lastStep, start, step } from "./browser.mjs";
import { decode } from "./png.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const address = `file://${given.report}`;
const { program, foreign, newPage, unexpected } = await start({ ...given, base: address });

/** The colours of a picture and how many of its pixels have each. */
function colours(png) {
  const { pixels } = decode(png);
  const counts = new Map();
  for (let i = 0; i < pixels.length; i += 5) counts.set(pixels[i], (counts.get(pixels[i]) ?? 0) + 1); // each fifth tells enough
  return counts;
}

/** The page is seen: its background is what it should be, and enough of it is something else. */
function insistSeen(png, background, what) {
  const counts = colours(png);
  const all = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const back = counts.get(background) ?? 0;
  insist(counts.size > 50, `${what}: only ${counts.size} colours`);
  insist(back > all / 4 && back < all * 0.98, `${what}: ${back} of ${all} pixels are the background`);
}

/** `rules`: what axe-core looks for; everything when there is none. */
async function look(name, options, background, rules) {
  const page = await newPage(options);
  await page.goto(address);
  const png = await page.screenshot({ fullPage: true });
  if (given.pictures) writeFileSync(join(given.pictures, `${name}.png`), png);
  insistSeen(png, background, name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  insist(wide <= 0, `${name}: ${wide} pixels wider than the window`);
  for (const text of given.texts) insist(await page.getByText(text).first().isVisible(), `${name}: "${text}" is not seen`);
  const bars = await page.locator("svg rect").evaluateAll((all) => all.filter((bar) => bar.getBoundingClientRect().height > 1).length);
  insist(bars >= 21, `${name}: only ${bars} bars of three charts`);
  const found = await faults(page, rules ? { runOnly: rules } : {});
  insist(found.length === 0, found.join("\n"));
}

try {
  await step("light", () => look("report-light", {}, 0xffffff));
  await step("dark", () => look("report-dark", { colorScheme: "dark" }, 0x14181e, ["color-contrast"]));
  await step("phone", () => look("report-phone", { viewport: { width: 390, height: 844 } }, 0xffffff, ["scrollable-region-focusable"]));
  await step("paper", async () => {
    const page = await newPage({ colorScheme: "dark" });
    await page.goto(address);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    insistSeen(await page.screenshot({ fullPage: true }), 0xffffff, "paper is white for who reads in the dark, too");
    const pdf = await page.pdf({ format: "A4" });
    if (given.pictures) writeFileSync(join(given.pictures, "report.pdf"), pdf);
    const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
    insist(pdf.subarray(0, 5).toString() === "%PDF-" && pages >= 2 && pages <= 6, `a PDF of ${pages} pages`);
  });
  const complaints = unexpected();
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
  insist(foreign.length === 0, `asked of elsewhere: ${foreign.join(" ")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}`);
  process.exitCode = 1;
} finally {
  await program.close();
}
