// attempts.ts - the attempts of steps, out of a run's events. Pure.
import type { Event } from "../api/types";
import { instant } from "./format";

/** Of each step the attempts that failed and were followed by another: from and until. */
export function earlierAttempts(events: Event[]): Map<string, [number, number][]> {
  const began = new Map<string, number>();
  const found = new Map<string, [number, number][]>();
  for (const event of events) {
    if (!event.step) continue;
    if (event.type === "step_start" || event.type === "step_restarted") began.set(event.step, instant(event.at));
    const from = began.get(event.step);
    if (event.type !== "step_up_for_retry" || from === undefined) continue;
    found.set(event.step, [...(found.get(event.step) ?? []), [from, instant(event.at)]]);
    began.delete(event.step);
  }
  return found;
}
