import { strict as assert } from "node:assert";
import { test } from "node:test";
import { lastLines } from "../src/base/lines";

test("the newest lines are kept, and those before them counted", () => {
  assert.deepEqual(lastLines("", 2), ["", 0]);
  assert.deepEqual(lastLines("a\nb", 2), ["a\nb", 0]);
  assert.deepEqual(lastLines("a\nb\n", 2), ["a\nb\n", 0]);
  assert.deepEqual(lastLines("a\nb\nc\n", 2), ["b\nc\n", 1]);
  assert.deepEqual(lastLines("a\nb\nc", 1), ["c", 2]);
  assert.deepEqual(lastLines("\n\n\n", 1), ["\n", 2]);
});
