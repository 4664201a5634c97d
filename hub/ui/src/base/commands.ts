// commands.ts - what devices can be asked to do: which fields a form has for it, and which arguments these come to. The verbs and
// arguments are those of docs/reference/protocol.md. Pure.
import { shortId } from "./format";

export interface Field {
  name: string;
  words: string;
  /** Of a choice: value and words. */
  options?: [string, string][];
  isNeeded?: boolean;
  example?: string;
  /** Where names to choose from are offered: an address of the API and the member of its items. */
  names?: [string, string];
}

export interface Kind { verb: string; words: string; note?: string; fields: Field[]; role?: string; isDanger?: boolean }

const SELECTION: Field = { name: "what", words: "Assets", isNeeded: true, example: "group:pos+ or pos/orders", names: ["/assets", "asset"] };
const PAUSABLE: Field[] = [
  { name: "what", words: "Of what", options: [["schedules", "schedules"], ["sensors", "sensors"], ["automation", "automation"], ["everything", "everything"]] },
  { name: "names", words: "Only these", example: "names, parted by commas; all without" },
];

export const KINDS: Kind[] = [
  { verb: "materialize", words: "Materialize assets", fields: [SELECTION, { name: "partition", words: "Partition", example: "2026-11-29; the newest without" }, { name: "partition_end", words: "up to", example: "for a range" }] },
  { verb: "run_job", words: "Run a job", fields: [{ name: "job", words: "Job", isNeeded: true, names: ["/jobs", "job"] }, { name: "partition", words: "Partition", example: "2026-11-29; the newest without" }] },
  { verb: "backfill", words: "Backfill partitions", fields: [SELECTION, { name: "from", words: "From", example: "2026-11-01" }, { name: "to", words: "To", example: "2026-11-30" },
    { name: "only", words: "Which", options: [["any", "all of them"], ["missing", "those never made"], ["failed", "those that failed since"]] }] },
  { verb: "cancel", words: "Cancel a run", fields: [{ name: "run", words: "Run", isNeeded: true, example: "its whole id" }] },
  { verb: "retry", words: "Try a run again", fields: [{ name: "run", words: "Run", isNeeded: true, example: "its whole id" }, { name: "what", words: "What of it", options: [["from_failure", "what did not succeed"], ["all", "all steps"]] }] },
  { verb: "pause", words: "Pause", fields: PAUSABLE },
  { verb: "resume", words: "Resume", fields: PAUSABLE },
  { verb: "describe", words: "Describe itself", note: "Which assets, schedules and definitions it has; nothing of how they are made.", fields: [{ name: "parts", words: "Of what", options: [["", "all of it"], ["device", "the device"], ["assets", "assets"], ["schedules", "schedules"], ["definitions", "definitions"]] }] },
  { verb: "set", words: "Set log level or interval", note: "It holds until the agent is started again.", fields: [
    { name: "log_level", words: "Log level", options: [["", "as it is"], ["error", "error"], ["warn", "warn"], ["info", "info"], ["debug", "debug"]] },
    { name: "sync_interval", words: "Events may wait", example: "2s; 100ms to 1h" }] },
  { verb: "ping", words: "Ping", note: "It answers with its version and for how long it has run.", fields: [] },
  { verb: "rollback", words: "Go back to the bundle before", fields: [{ name: "local", words: "To what", options: [["", "the bundle before this one"], ["true", "its own file"]] }], isDanger: true },
  { verb: "rotate_certificate", words: "Get another certificate", fields: [] },
  { verb: "decommission", words: "Leave the fleet", note: "It sends all that it has, then removes its identity. It comes back by enrolling again only.", fields: [], role: "admin", isDanger: true },
];

/** What else devices are asked, by other pages and by the hub itself. */
export const OTHERS: [string, string][] = [["deploy", "Take a bundle"], ["logs", "Send output"], ["trust", "Trust keys"]];

export const verbWords = (verb: string): string => KINDS.find((kind) => kind.verb === verb)?.words ?? OTHERS.find(([name]) => name === verb)?.[1] ?? verb;

const ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
const plain = (value: unknown): string => typeof value === "string" ? (ID.test(value) ? shortId(value) : value) : Array.isArray(value) ? value.map(plain).join(", ") : JSON.stringify(value);

/** Arguments as a person reads them, by the form's own words: "pos/orders, partition 2026-11-29". */
export function argsWords(verb: string, args: Record<string, unknown> | undefined): string {
  const fields = KINDS.find((kind) => kind.verb === verb)?.fields ?? [];
  return Object.entries(args ?? {}).map(([name, value]) => {
    const field = fields.find((one) => one.name === (name === "selection" ? "what" : name));
    if (!field) return `${name.replace(/_/g, " ")} ${plain(value)}`;
    const option = field.options?.find(([key]) => key === String(value));
    return option ? option[1] : field === fields[0] ? plain(value) : `${field.words.toLowerCase()} ${plain(value)}`;
  }).join(", ");
}

/** What the audit log says of a command, "pause {…}", in the same words. */
export function toldWords(detail: string): string {
  const [, verb, args] = /^(\w+)(?: (\{.*\}))?$/.exec(detail) ?? [];
  if (!verb) return detail;
  try {
    return [verbWords(verb), argsWords(verb, args ? JSON.parse(args) as Record<string, unknown> : {})].filter(Boolean).join(" ");
  } catch {
    return detail; // cut, as long ones are
  }
}

const list = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** The arguments that the fields of a form come to; what is empty is left out. */
export function argsOf(verb: string, value: (name: string) => string): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const field of KINDS.find((kind) => kind.verb === verb)?.fields ?? []) {
    const text = value(field.name).trim();
    if (text === "") continue;
    if (field.name === "names" || field.name === "parts") args[field.name] = list(text);
    else if (field.name === "local") args.local = text === "true";
    else if (field.name === "what" && field.words === "Assets") args.selection = text;
    else args[field.name] = text;
  }
  return args;
}
