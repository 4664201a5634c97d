import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "../src/api/live";

test("an event names what has changed, or says that anything may have", () => {
  assert.deepEqual(namesOf("run", '{"run":"01a2","device":"brooklyn"}'), ["01a2", "brooklyn"]);
  assert.deepEqual(namesOf("asset", '{"asset":"pos/orders","device":"brooklyn"}'), ["pos/orders", "brooklyn"]);
  assert.equal(namesOf("asset", '{"device":"brooklyn"}'), null); // all of that device's
  assert.equal(namesOf("run", '{"all":true}'), null);
  assert.equal(namesOf("run", "not JSON"), null);
});
