import { strict as assert } from "node:assert";
import { test } from "node:test";
import { fold } from "../src/base/fold";

test("what says the same one after the other is one, with how often", () => {
  const rows = [["a", 5], ["a", 4], ["b", 3], ["a", 2], ["a", 1]] as [string, number][];
  assert.deepEqual(fold(rows, (row) => row[0]), [
    { row: ["a", 5], times: 2, last: ["a", 4] }, { row: ["b", 3], times: 1, last: ["b", 3] }, { row: ["a", 2], times: 2, last: ["a", 1] },
  ]);
  assert.deepEqual(fold([], String), []);
});
