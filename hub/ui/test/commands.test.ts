import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS, argsOf } from "../src/base/commands";

const from = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";

test("the fields of a form come to the arguments of the protocol", () => {
  assert.deepEqual(argsOf("materialize", from({ what: " group:pos+ ", partition: "" })), { selection: "group:pos+" });
  assert.deepEqual(argsOf("retry", from({ run: "01a2", what: "all" })), { run: "01a2", what: "all" });
  assert.deepEqual(argsOf("pause", from({ what: "schedules", names: "nightly, hourly" })), { what: "schedules", names: ["nightly", "hourly"] });
  assert.deepEqual(argsOf("rollback", from({ local: "true" })), { local: true });
  assert.deepEqual(argsOf("ping", from({ what: "x" })), {});
  assert.deepEqual(argsOf("nothing", from({})), {});
});

test("verbs are there once", () => {
  assert.equal(new Set(KINDS.map((kind) => kind.verb)).size, KINDS.length);
});
