// words.ts - what a status is called and how it looks. The words are those of docs/glossary.md and of the API; a tone is
// a colour and a shape together, so that nothing is told by colour alone.

export type Tone = "good" | "bad" | "warn" | "busy" | "idle" | "off";

const TONES: Record<string, Tone> = {
  success: "good", online: "good", fresh: "good", passed: "good", healthy: "good", done: "good", resolved: "good",
  succeeded: "good", completed_success: "good", completed: "good", in_force: "good", "in force": "good", applied: "good", ok: "good", 
  failure: "bad", failed: "bad", failing: "bad", firing: "bad", rolled_back: "bad", "rolled back": "bad", refused: "bad", completed_failed: "bad",
  rejected: "bad", aborted: "bad", error: "bad", revoked: "bad", lost: "bad",
  overdue: "warn", late: "warn", stale: "warn", away: "warn", up_for_retry: "warn", warn: "warn", pending: "warn", "device away": "warn",
  "clock wrong": "warn", expired: "warn", drift: "warn", conflict: "warn", stopped: "warn", silenced: "warn", degraded: "warn", unsigned: "warn", ending: "warn",
  started: "busy", running: "busy", rolling: "busy", open: "busy", sent: "busy", canceling: "busy", accepted: "busy",
  rolling_out: "busy", settling: "busy",
  asked: "busy", received: "busy", 
  queued: "idle", waiting: "idle", requested: "idle", planned: "idle", ordered: "idle",
  skipped: "off", canceled: "off", paused: "off", withdrawn: "off", "never made": "off", external: "off", none: "off",
  superseded: "off", replaced: "off", used: "off", "nothing wanted": "off", decommissioned: "off", unknown: "off",
};

export function toneOf(status: string): Tone {
  return TONES[status] ?? "off";
}

const WORDS: Record<string, string> = {
  up_for_retry: "waits for its retry", rolled_back: "rolled back", queued: "queued", in_force: "in force",
};

export function wordOf(status: string): string {
  return WORDS[status] ?? status.replace(/_/g, " ");
}

export const KIND_ICONS: Record<string, string> = {
  tap: "tap", meltano: "tap", singer: "tap", dbt: "dbt", model: "dbt", seed: "dbt", snapshot: "dbt", sql: "sql", table: "sql",
  view: "sql", sqlite: "sql", postgres: "sql", command: "command", shell: "command", python: "command", file: "file", csv: "file",
};

/** Which drawing stands for an asset of these kinds. */
export function kindIcon(kinds: readonly string[] | undefined, isExternal: boolean): string {
  if (isExternal) return "external";
  for (const kind of kinds ?? []) {
    const icon = KIND_ICONS[kind];
    if (icon) return icon;
  }
  return "asset";
}
