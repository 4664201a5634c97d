import assert from "node:assert/strict";
import { test } from "node:test";
import { readLabels } from "../src/base/labels";

test("labels are read as they are typed", () => {
  assert.deepEqual(readLabels(" site=berlin\nline=2 "), { site: "berlin", line: "2" });
  assert.deepEqual(readLabels("a=b=c, d=e"), { a: "b=c", d: "e" });
  assert.deepEqual(readLabels(""), {});
  for (const wrong of ["site", "site=", "=berlin"]) assert.equal(readLabels(wrong), null);
});
