import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, bytes, changed, count, duration, fieldOf, local, ofField, percent, plural, relative, shortId, utc } from "../src/base/format";
import { assetUrl, keyOf, keyParts, withQuery } from "../src/base/keys";
import { kindIcon, toneOf } from "../src/base/words";

const NOW = Date.parse("2026-11-29T22:00:00Z");
const nbsp = "\u202f";

test("times ago", () => {
  for (const [ms, text] of [[0, "just now"], [12_000, "12 s ago"], [59_999, "59 s ago"], [60_000, "1 min ago"], [3_600_000, "1 h ago"], [47 * 3_600_000, "47 h ago"], [48 * 3_600_000, "2 d ago"], [-180_000, "in 3 min"]] as const) {
    assert.equal(relative(NOW - ms, NOW), text);
  }
  assert.equal(relative(NaN, NOW), "–");
});

test("durations", () => {
  for (const [ms, text] of [[0, "0 ms"], [35.4, "35 ms"], [2440, "2.4 s"], [59_400, "59 s"], [60_000, "1 min"], [190_000, "3 min 10 s"], [5 * 3_600_000 + 120_000, "5 h 2 min"], [86_400_000 * 2, "2 d"]] as const) {
    assert.equal(duration(ms), text);
  }
  assert.equal(duration(undefined), "–");
});

test("fields of date and time", () => {
  for (const at of ["2026-11-29T22:00:00Z", "2026-07-01T00:05:00Z"]) assert.equal(ofField(fieldOf(at)), at);
  for (const none of ["", "24h", "soon"]) assert.equal(fieldOf(none), "");
  assert.equal(ofField(""), "");
  assert.equal(ofField("2026-13-01T00:00"), "");
});

test("numbers and sizes", () => {
  assert.equal(count(1234567), `1${nbsp}234${nbsp}567`);
  assert.equal(count(-1500), `−1${nbsp}500`);
  assert.equal(count(999), "999");
  assert.equal(count(undefined), "–");
  assert.equal(brief(252_000), `252${nbsp}k`);
  assert.equal(brief(1200), `1.2${nbsp}k`);
  assert.equal(bytes(780), "780 B");
  assert.equal(bytes(17_608_270), "16.8 MB");
  assert.equal(bytes(0), "0 B");
  assert.equal(plural(1, "device"), "1 device");
  assert.equal(plural(0, "device"), "0 devices");
});

test("how a number has changed", () => {
  const changes: [number | undefined, number | undefined, string][] = [[112, 100, "+12 %"], [88, 100, "−12 %"], [100.5, 100, "same"], [99.2, 100, "same"], [5, 0, "new"], [5, undefined, "new"],
    [0, 5, "gone"], [undefined, 5, "gone"], [0, 0, ""], [undefined, undefined, ""], [1100, 100, "11 times"], [1, 3, "−66 %"]];
  for (const [now, before, words] of changes) assert.equal(changed(now, before), words, `${now} after ${before}`);
});

test("what is not all is never 100 %", () => {
  assert.equal(percent(99_999, 100_000), "99.9 %");
  assert.equal(percent(5, 5), "100 %");
  assert.equal(percent(1, 3), "33.3 %");
  assert.equal(percent(0, 0), "–");
});

test("times in the viewer's zone and in UTC", () => {
  assert.equal(local(NOW, "Europe/Berlin"), "29 Nov 2026, 23:00:00");
  assert.equal(local(NOW, "America/New_York"), "29 Nov 2026, 17:00:00");
  assert.equal(utc(NOW), "2026-11-29 22:00:00 UTC");
});

test("keys are parts, and a part may hold a slash", () => {
  assert.deepEqual(keyParts("pos/orders"), ["pos", "orders"]);
  assert.deepEqual(keyParts("a\\/b/c"), ["a/b", "c"]);
  assert.equal(keyOf(["a/b", "c"]), "a\\/b/c");
  assert.equal(assetUrl("a\\/b/ü c"), "/assets/a%2Fb/%C3%BC%20c");
  assert.equal(withQuery("/x?a=1", { b: "c d", e: "", f: undefined, g: 0 }), "/x?a=1&b=c%20d&g=0");
  assert.equal(withQuery("/x", {}), "/x");
});

test("ids are short, statuses have a tone", () => {
  assert.equal(shortId("01a2294a-0ac2-7c50-bc72-32a29b545acb"), "01a2294a…5acb");
  assert.equal(shortId("k3v7q2aa"), "k3v7q2aa");
  assert.equal(toneOf("failure"), "bad");
  assert.equal(toneOf("what is this"), "off");
  assert.equal(kindIcon(["nightly", "dbt"], false), "dbt");
  assert.equal(kindIcon([], true), "external");
});
