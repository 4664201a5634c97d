// events.tsx - events as sentences, with all their members behind a click.
import { useState } from "preact/hooks";
import type { Event, LogEvent, Metadata } from "../api/types";
import { verbWords } from "../base/commands";
import { bytes, count, dayOf, duration, instant, plural } from "../base/format";
import { At, AssetLink } from "../parts/bits";
import { Icon } from "../parts/icon";
import { wordOf, type Tone } from "../base/words";

/** What the device wrote, out of an event of the log. */
export const unpackEvent = (row: LogEvent): Event => ({ ...row.event, seq: row.seq, at: row.at, type: row.type, device: row.device });

export function eventTone(event: Event): Tone {
  if (/failure|failed|refused|rejected/.test(event.type) || event.level === "error" || (event as { passed?: boolean }).passed === false) return "bad";
  if (/retry|gap|skipped/.test(event.type) || event.level === "warn" || event.level === "warning") return "warn";
  if (/success|materialization$/.test(event.type) || (event as { passed?: boolean }).passed === true) return "good";
  return "off";
}

const number = (metadata: Metadata | undefined, name: string): number | undefined => {
  const value = metadata?.[name]?.raw_value;
  return typeof value === "number" ? value : undefined;
};

/** One line for an event: what happened, with the figures that matter. */
export function sentence(event: Event): string {
  const m = event.metadata;
  switch (event.type) {
    case "run_enqueued": return `Run waits for its turn${typeof event.steps === "number" ? `, ${plural(event.steps, "step")}` : ""}`;
    case "run_dequeued": return "Its turn has come";
    case "run_start": return "Run began";
    case "run_canceling": return `Run is being canceled${event.reason ? `: ${event.reason}` : ""}`;
    case "run_success": return "Run succeeded";
    case "run_failure": return `Run failed${event.error?.message ? `: ${event.error.message}` : ""}`;
    case "run_canceled": return `Run was canceled${event.reason ? `: ${event.reason}` : ""}`;
    case "step_start": case "step_restarted": return `Step began${(event.attempt ?? 1) > 1 ? `, attempt ${event.attempt}` : ""}`;
    case "step_success": return `Step succeeded${typeof event.duration_ms === "number" ? ` in ${duration(event.duration_ms)}` : ""}`;
    case "step_failure": return `Step failed: ${event.error?.message ?? event.reason ?? "no reason given"}`;
    case "step_up_for_retry": return `Step failed and is tried again: ${event.error?.message ?? event.reason ?? ""}`;
    case "step_skipped": return `Step skipped: ${event.reason ?? "what it needs was not made"}`;
    case "asset_materialization_planned": return "Will be made";
    case "asset_materialization": {
      const parts = [
        number(m, "dagster/row_count") !== undefined ? `${count(number(m, "dagster/row_count"))} rows` : "",
        number(m, "rows_written") !== undefined ? `${count(number(m, "rows_written"))} written` : "",
        number(m, "bytes_read") !== undefined ? `${bytes(number(m, "bytes_read"))} read` : "",
      ].filter(Boolean);
      return `Materialized${parts.length ? `: ${parts.join(", ")}` : ""}`;
    }
    case "asset_failed_to_materialize": return `Was not made: ${event.error?.message ?? "its step failed"}`;
    case "asset_observation": return "Observed";
    case "asset_check_evaluation": case "asset_check":
      return `Check ${String(event.check ?? event.name ?? "")} ${(event as { passed?: boolean }).passed === false ? "failed" : "passed"}`;
    case "logs_captured": {
      const out = number(m, "stdout_bytes");
      const err = number(m, "stderr_bytes");
      return `Output kept on the device: ${[out ? `${bytes(out)} of stdout` : "", err ? `${bytes(err)} of stderr` : ""].filter(Boolean).join(", ") || "nothing"}`;
    }
    case "tick": return `Tick of ${event.schedule ?? event.sensor ?? "a schedule"} ${event.status ?? ""}${event.reason ? `: ${event.reason}` : ""}`;
    case "instigator": return `${event.schedule ?? event.sensor ?? "Automation"}: ${event.status ?? ""}${event.reason ? `, ${event.reason}` : ""}`;
    case "command": return `Was asked: ${verbWords(String(event.verb ?? "something"))}; ${wordOf(String(event.status ?? ""))}${event.reason ? `, ${event.reason}` : ""}`;
    default: return event.message ?? `${event.type.replace(/_/g, " ")}${event.reason ? `: ${event.reason}` : ""}`;
  }
}

export function Value({ value, type }: { value: unknown; type?: string }) {
  if (typeof value === "number") return <>{Number.isInteger(value) ? count(value) : value}</>;
  if (typeof value === "boolean") return <>{value ? "yes" : "no"}</>;
  if (typeof value === "string") {
    if (type === "url" && /^https?:\/\//.test(value)) return <a href={value} rel="noreferrer noopener" target="_blank">{value}</a>;
    return <>{value}</>;
  }
  const columns = (value as { columns?: { name: string; type?: string }[] } | null)?.columns;
  if (Array.isArray(columns)) return <span>{columns.map((c) => <span class="tag" title={c.type}>{c.name}{c.type ? <span class="soft"> {c.type.toLowerCase()}</span> : null}</span>)}</span>;
  return <code class="wrap">{JSON.stringify(value)}</code>;
}

export function MetadataTable({ of }: { of: Metadata | undefined }) {
  const entries = Object.entries(of ?? {});
  if (entries.length === 0) return null;
  return <dl class="metadata">{entries.map(([name, value]) => <div><dt>{name}</dt><dd><Value value={value?.raw_value} type={value?.type} /></dd></div>)}</dl>;
}

function Row({ event }: { event: Event }) {
  const [isOpen, setOpen] = useState(false);
  const tone = eventTone(event);
  const rest = Object.fromEntries(Object.entries(event).filter(([name]) => !["metadata", "seq", "at", "type", "run", "step", "device"].includes(name)));
  return (
    <li class={`event tone-${tone}`}>
      <button type="button" class="event-line" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="event-at"><At at={event.at} isClock /></span>
        <span class="event-mark">{tone === "off" ? null : <Icon name={tone} size={11} />}</span>
        <span class="event-step">{event.step ?? event.asset ?? ""}</span>
        <span class="event-words">{sentence(event)}</span>
        <Icon name={isOpen ? "down" : "right"} size={12} />
      </button>
      {isOpen ? (
        <div class="event-more">
          <p class="soft">{event.type}, number {event.seq}{event.asset ? <> of <AssetLink name={event.asset} /></> : null}</p>
          <MetadataTable of={event.metadata} />
          {Object.keys(rest).length ? <pre>{JSON.stringify(rest, null, 1)}</pre> : null}
        </div>
      ) : null}
    </li>
  );
}

const SHOWN = 500;

/** Rows under the day that they are of. */
export function EventTable({ rows }: { rows: Event[] }) {
  const [shown, setShown] = useState(SHOWN);
  let day = "";
  return (
    <>
      <ol class="events">
        {rows.slice(0, shown).map((event) => {
          const before = day;
          day = dayOf(instant(event.at));
          const row = <Row key={`${String(event.device ?? "")} ${event.seq}`} event={event} />;
          return day !== before ? [<li key={`day ${day}`} class="event-day">{day}<span class="soft">{Intl.DateTimeFormat().resolvedOptions().timeZone}</span></li>, row] : row;
        })}
      </ol>
      {rows.length > shown ? <button type="button" onClick={() => setShown(shown + SHOWN)}>Show {count(Math.min(SHOWN, rows.length - shown))} more of {count(rows.length)}</button> : null}
    </>
  );
}
