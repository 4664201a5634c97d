import assert from "node:assert/strict";
import { test } from "node:test";
import { cronWords } from "../src/base/cron";

test("cron in words", () => {
  for (const [cron, words] of [
    ["* * * * *", "every minute"], ["*/5 * * * *", "every 5 minutes"], ["0 * * * *", "every hour"], ["15 * * * *", "every hour at minute 15"],
    ["0 */6 * * *", "every 6 hours at minute 0"], ["30 2 * * *", "every day at 02:30"], ["0 6,18 * * *", "every day at 06:00, 18:00"],
    ["0 9 * * 1-5", "on weekdays at 09:00"], ["0 9 * * mon", "on Monday at 09:00"], ["0 9 * * 7,3", "on Sunday, Wednesday at 09:00"],
    ["0 0 1 * *", "on day 1 of the month at 00:00"], ["@daily", "every day at 00:00"], ["@weekly", "on Sunday at 00:00"],
  ] as const) assert.equal(cronWords(cron), words);
  // What would be wrong in a few words is not put into them.
  for (const cron of ["*/7 * * * *", "0 9 13 * 5", "0 9 * 6 *", "0-30 9 * * *", "0 9-17 * * *", "0 9 * * 1-4", "nonsense", "@reboot", ""]) assert.equal(cronWords(cron), undefined, cron);
});
