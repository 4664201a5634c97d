// format.ts - times, durations, numbers and sizes as people read them. Pure: the present and the zone are arguments.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds since 1970, or NaN. */
export function instant(text: string | null | undefined): number {
  return text ? Date.parse(text) : NaN;
}

/** "12 s ago", "in 3 min", "just now"; whole units, never "0 s ago". */
export function relative(at: number, now: number): string {
  if (Number.isNaN(at)) return "–";
  const ms = now - at;
  const size = Math.abs(ms);
  if (size < 1500) return "just now";
  let text;
  if (size < MINUTE) text = `${Math.floor(size / 1000)} s`;
  else if (size < HOUR) text = `${Math.floor(size / MINUTE)} min`;
  else if (size < 2 * DAY) text = `${Math.floor(size / HOUR)} h`;
  else text = `${Math.floor(size / DAY)} d`;
  return ms >= 0 ? `${text} ago` : `in ${text}`;
}

/** "35 ms", "2.4 s", "3 min 10 s", "5 h 2 min". */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR) return pair(Math.round(ms / 1000), 60, "min", "s");
  if (ms < DAY) return pair(Math.round(ms / MINUTE), 60, "h", "min");
  return pair(Math.round(ms / HOUR), 24, "d", "h");
}

/** A length that somebody wrote: "5 s", not "5.0 s". */
export const lengthOf = (ms: number): string => duration(ms).replace(".0 s", " s");

function pair(total: number, per: number, large: string, small: string): string {
  const rest = total % per;
  return rest === 0 ? `${Math.floor(total / per)} ${large}` : `${Math.floor(total / per)} ${large} ${rest} ${small}`;
}

/** 1234567 with thin gaps: "1 234 567". */
export function count(n: number | null | undefined): string {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  const sign = n < 0 ? "−" : "";
  const whole = Math.abs(Math.trunc(n)).toString();
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** At most three digits: "999", "1.2 k", "252 k", "4.1 M". */
export function brief(n: number): string {
  const size = Math.abs(n);
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (size >= unit) {
      const value = n / unit;
      return `${Math.abs(value) < 10 ? value.toFixed(1) : Math.round(value)}\u202f${name}`;
    }
  }
  return Number.isInteger(n) ? String(n) : n.toFixed(size < 10 ? 2 : 1);
}

/** "780 B", "12 KB", "16.8 MB": powers of 1024. */
export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined || Number.isNaN(n)) return "–";
  const names = ["B", "KB", "MB", "GB", "TB"];
  let value = n;
  let i = 0;
  while (Math.abs(value) >= 1024 && i < names.length - 1) {
    value /= 1024;
    i++;
  }
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${names[i]}`;
}

/** How a number differs from the one before it: "+12 %", "same" (less than one percent), "new", "gone"; cut, as the hub's. */
export function changed(now: number | undefined, before: number | undefined): string {
  if (!before) return now ? "new" : "";
  if (!now) return "gone";
  const part = (100 * (now - before)) / before;
  if (Math.abs(part) < 1) return "same";
  if (part >= 1000) return `${brief(Math.trunc(part / 100) + 1)} times`;
  return `${part > 0 ? "+" : "−"}${Math.trunc(Math.abs(part))} %`;
}

export function percent(part: number, of: number): string {
  if (of === 0) return "–";
  const value = (100 * part) / of;
  // What is not all is never shown as 100 %.
  if (part < of && value > 99.9) return "99.9 %";
  return `${value === 100 || value === 0 ? value : value.toFixed(1)} %`;
}

/** In the viewer's zone: "29 Nov 2026, 21:50:32". `zone` is for tests. */
export function local(at: number, zone?: string): string {
  if (Number.isNaN(at)) return "–";
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone,
  }).format(at);
}

/** The time of day in the viewer's zone, to the millisecond: "21:50:32.054". */
export function clock(at: number, zone?: string): string {
  if (Number.isNaN(at)) return "–";
  return new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, timeZone: zone,
  } as Intl.DateTimeFormatOptions).format(at);
}

/** "2026-11-29 21:50:32 UTC" */
export function utc(at: number): string {
  return Number.isNaN(at) ? "–" : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** One device, two devices. */
/** What a datetime-local field shows of a moment: the viewer's own time. Empty for what is none. */
export function fieldOf(text: string): string {
  const at = instant(text);
  return Number.isNaN(at) ? "" : new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment that such a field says; empty for what is none. */
export const ofField = (field: string): string => (Number.isNaN(Date.parse(field)) ? "" : new Date(field).toISOString().replace(".000Z", "Z"));

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** The beginning of an id; its end is what differs between ids of one moment, so both are kept. */
export function shortId(id: string): string {
  return id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}
