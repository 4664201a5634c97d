import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbourhood, select, selectAny, SelectionError, type Selectable } from "../src/graph/selection";

const asset = (key: string, more: Partial<Selectable> = {}): Selectable => ({ asset: key, external: false, group: key.split("/")[0], ...more });
const assets = [
  asset("pos/orders", { kinds: ["tap", "sqlite"], owners: ["team:retail"], tags: { domain: "sales" } }),
  asset("pos/items", { kinds: ["tap"], tags: { domain: "test", pii: "" } }),
  asset("reports/daily", { kinds: ["sql"] }),
  asset("reports/weekly", { kinds: ["sql"] }),
  asset("erp/prices", { external: true, kinds: [] }),
];
const hood = neighbourhood([
  { upstream: "pos/orders", downstream: "reports/daily" },
  { upstream: "pos/items", downstream: "reports/daily" },
  { upstream: "reports/daily", downstream: "reports/weekly" },
  { upstream: "erp/prices", downstream: "reports/weekly" },
]);
const chosen = (text: string) => [...select(text, assets, hood)].sort().join(" ");

for (const [text, wanted] of [
  ["*", "erp/prices pos/items pos/orders reports/daily reports/weekly"],
  ["pos/orders", "pos/orders"],
  ["pos/*", "pos/items pos/orders"],
  ["key:*s", "erp/prices pos/items pos/orders"],
  ["key:\"pos/orders\"", "pos/orders"],
  ["group:pos", "pos/items pos/orders"],
  ["group:re*", "reports/daily reports/weekly"],
  ["kind:tap", "pos/items pos/orders"],
  ["kind:<null>", "erp/prices"],
  ["owner:team:retail", "pos/orders"],
  ["owner:<null>", "erp/prices pos/items reports/daily reports/weekly"],
  ["tag:domain=sales", "pos/orders"],
  ["tag:pii", "pos/items"],
  ["is:external", "erp/prices"],
  ["not is:external and group:pos", "pos/items pos/orders"],
  ["pos/orders+", "pos/orders reports/daily reports/weekly"],
  ["pos/orders+1", "pos/orders reports/daily"],
  ["+reports/weekly", "erp/prices pos/items pos/orders reports/daily reports/weekly"],
  ["1+reports/weekly", "erp/prices reports/daily reports/weekly"],
  ["1+reports/daily+1", "pos/items pos/orders reports/daily reports/weekly"],
  ["(pos/orders or pos/items)+1", "pos/items pos/orders reports/daily"],
  ["group:pos+ and not tag:domain=test", "pos/orders reports/daily reports/weekly"],
  ["roots(group:reports) or sinks(group:pos)", "pos/items pos/orders reports/daily"],
  ["roots(*)", "erp/prices pos/items pos/orders"],
  ["sinks(*)", "reports/weekly"],
  ["NOT group:pos AND NOT is:external", "reports/daily reports/weekly"],
  ["not not pos/orders", "pos/orders"],
  ["nothing/here", ""],
  // "or" binds less than "and"
  ["pos/orders or pos/items and group:reports", "pos/orders"],
] as const) {
  test(`selection ${text}`, () => assert.equal(chosen(text), wanted));
}

for (const [text, column, words] of [
  ["group:pos or gruop:x", 14, "no attribute"],
  ["", 1, "missing"],
  ["(group:pos", 1, "not closed"],
  ["group:pos)", 10, "not opened"],
  ["a b", 3, "and"],
  ["key:\"x", 5, "quote"],
  ["group:", 7, "value"],
  ["is:red", 1, "is:"],
  ["a and", 6, "missing"],
  ["(".repeat(40), 33, "deep"],
] as const) {
  test(`mistake in ${text.slice(0, 20)}`, () => {
    assert.throws(() => select(text, assets, hood), (error: Error) => {
      assert.ok(error instanceof SelectionError, String(error));
      assert.equal(error.column, column);
      assert.match(error.message, new RegExp(words));
      return true;
    });
  });
}

test("a value with anything but a wildcard is no pattern", () => {
  assert.equal(chosen("pos/order."), "");
  assert.equal(chosen("pos/[a-z]*"), "");
});

test("several selections mean what any of them means; one that cannot be read means nothing", () => {
  assert.deepEqual([...selectAny(["pos/orders", "kind:sql", "gruop:pos", "("], assets, hood)].sort(), ["pos/orders", "reports/daily", "reports/weekly"]);
});
