import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, membersThatDiffer } from "../src/base/differs";

test("what is wanted is held against what is there, member by member", () => {
  const wanted = { revision: 3, settings: { sync_linger: "100ms" }, pauses: { schedules: ["nightly"] }, schedules: [{ name: "a", cron: "0 1 * * *" }, { name: "b", every: "1h" }] };
  const has = { revision: 2, settings: { sync_linger: "50ms", log_level: "debug" }, schedules: [{ name: "b", every: "1h" }] };
  assert.deepEqual(differences(wanted, has), [
    { path: "pauses.schedules nightly", wanted: "yes" },
    { path: "schedules a.cron", wanted: "0 1 * * *" },
    { path: "schedules a.name", wanted: "a" },
    { path: "settings.log_level", has: "debug" },
    { path: "settings.sync_linger", wanted: "100ms", has: "50ms" },
  ]);
  assert.deepEqual(differences(wanted, { ...wanted, revision: 9 }), []);
  assert.deepEqual(differences({ settings: {} }, undefined), []);
});

test("in what definitions differ", () => {
  assert.deepEqual(membersThatDiffer([{ name: "a", reads: ["x"] }, { name: "a", reads: ["y"], pool: "p" }, { name: "a", reads: ["x"] }]), ["pool", "reads"]);
  assert.deepEqual(membersThatDiffer([{ name: "a" }, undefined]), ["name"]);
  assert.deepEqual(membersThatDiffer([{ name: "a" }, { name: "a" }]), []);
});
