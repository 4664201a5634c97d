import { strict as assert } from "node:assert";
import { test } from "node:test";
import { fold } from "../src/base/fold";

test("what says the same is one, where it stood first, with how often", () => {
  const rows = [["a", 5], ["a", 4], ["b", 3], ["a", 2], ["a", 1]] as [string, number][];
  assert.deepEqual(fold(rows, (row) => row[0]), [
    { row: ["a", 5], times: 4, last: ["a", 1] }, { row: ["b", 3], times: 1, last: ["b", 3] },
  ]);
  assert.deepEqual(fold([], String), []);
});
