// report.mjs - the report as a file, as who gets it by mail opens it: in light, dark, on a phone and on paper. What is where comes as
// JSON on stdin.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { faults, insist, lastStep, start, step } from "./browser.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const address = `file://${given.report}`;
const { program, complaints, foreign, newPage } = await start({ ...given, base: address });

/** The colours of a picture's pixels (PNG, 8 bits, RGB or RGBA) and how many have each. */
function colours(png) {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const bytes = png[25] === 6 ? 4 : 3;
  insist(png[24] === 8 && (png[25] === 6 || png[25] === 2) && png[28] === 0, "a picture of 8 bits, not interlaced");
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  const line = width * bytes;
  const rows = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (line + 1)];
    for (let i = 0; i < line; i++) {
      const left = i >= bytes ? rows[y * line + i - bytes] : 0;
      const up = y > 0 ? rows[(y - 1) * line + i] : 0;
      const corner = i >= bytes && y > 0 ? rows[(y - 1) * line + i - bytes] : 0;
      const near = [left, up, corner].map((n) => Math.abs(left + up - corner - n));
      const paeth = near[0] <= near[1] && near[0] <= near[2] ? left : near[1] <= near[2] ? up : corner;
      rows[y * line + i] = raw[y * (line + 1) + 1 + i] + [0, left, up, (left + up) >> 1, paeth][filter];
    }
  }
  const counts = new Map();
  for (let i = 0; i + 2 < rows.length; i += 5 * bytes) { // each fifth tells enough
    const colour = (rows[i] << 16) | (rows[i + 1] << 8) | rows[i + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
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
  const found = await faults(page, rules);
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
  insist(complaints.length === 0, `the console is not silent:\n${complaints.join("\n")}`);
  insist(foreign.length === 0, `asked of elsewhere: ${foreign.join(" ")}`);
} catch (error) {
  console.error(`failed at: ${lastStep()}\n${error.stack}`);
  process.exitCode = 1;
} finally {
  await program.close();
}
