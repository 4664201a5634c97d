import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS, argsOf, argsWords, toldWords, verbWords } from "../src/base/commands";

const from = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";

test("the fields of a form come to the arguments of the protocol", () => {
  assert.deepEqual(argsOf("materialize", from({ what: " group:pos+ ", partition: "" })), { selection: "group:pos+" });
  assert.deepEqual(argsOf("retry", from({ run: "01a2", what: "all" })), { run: "01a2", what: "all" });
  assert.deepEqual(argsOf("pause", from({ what: "schedules", names: "nightly, hourly" })), { what: "schedules", names: ["nightly", "hourly"] });
  assert.deepEqual(argsOf("rollback", from({ local: "true" })), { local: true });
  assert.deepEqual(argsOf("ping", from({ what: "x" })), {});
  assert.deepEqual(argsOf("nothing", from({})), {});
});

test("a command is told in words", () => {
  assert.equal(verbWords("retry"), "Try a run again");
  assert.equal(verbWords("logs"), "Send output");
  assert.equal(verbWords("a new one"), "a new one");
  assert.equal(argsWords("retry", { run: "01a22d71-4640-70f6-9690-0c73808fddfc", what: "from_failure" }), "01a22d71…ddfc, what did not succeed");
  assert.equal(argsWords("pause", { what: "schedules", names: ["nightly", "hourly"] }), "schedules, only these nightly, hourly");
  assert.equal(argsWords("materialize", { selection: "group:pos+", partition: "2026-11-29" }), "group:pos+, partition 2026-11-29");
  assert.equal(argsWords("deploy", { bundle: "45f7", on_abort: { keep: true } }), 'bundle 45f7, on abort {"keep":true}');
  assert.equal(argsWords("ping", undefined), "");
  assert.equal(toldWords('pause {"what":"schedules","names":["sales"]}'), "Pause schedules, only these sales");
  assert.equal(toldWords("logs"), "Send output");
  assert.equal(toldWords('pause {"what":"sch'), 'pause {"what":"sch');
  assert.equal(toldWords('pause {"what":"sch}'), 'pause {"what":"sch}');
});

test("verbs are there once", () => {
  assert.equal(new Set(KINDS.map((kind) => kind.verb)).size, KINDS.length);
});
