import assert from "node:assert/strict";
import { test } from "node:test";
import { earlierAttempts } from "../src/base/attempts";

const event = (type: string, step: string, second: number) => ({ seq: second, type, step, at: new Date(second * 1000).toISOString() });

test("attempts that were followed by another have their beginning and end; the last is the step's own", () => {
  const found = earlierAttempts([
    event("step_start", "a", 1), event("step_start", "b", 1), event("step_up_for_retry", "a", 2), event("step_success", "b", 3), event("step_restarted", "a", 4),
    event("step_up_for_retry", "a", 5), event("step_restarted", "a", 7), event("step_failure", "a", 8),
  ]);
  assert.deepEqual([...found], [["a", [[1000, 2000], [4000, 5000]]]]);
});

test("an attempt whose beginning has not arrived is left out", () => {
  assert.equal(earlierAttempts([event("step_up_for_retry", "a", 2), { seq: 3, type: "run_success", at: "2026-11-29T22:00:00Z" }]).size, 0);
});
