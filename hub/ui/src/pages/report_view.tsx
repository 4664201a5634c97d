// report_view.tsx - one report as a page: what the hub answers at /report, put before a person who runs a plant or shops. What
// needs attention is the hub's own list of sentences; nothing is judged here.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Alert, FreshnessCounts } from "../api/types";
import { brief, bytes, changed, count, duration, instant, local, percent, plural } from "../base/format";
import { runUrl, withQuery } from "../base/keys";
import { toneOf } from "../base/words";
import { Ago, AssetLink, At, Card, DeviceLink, Figure, RunLink, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Link } from "../shell/router";
import { AlertWords } from "./alerts";

interface Runs { success: number; failure: number; canceled: number; open: number; success_rate?: number }
interface Load { materializations: number; rows_written?: number; bytes_read?: number }
interface Made extends Load { asset: string; devices: number; duration_avg_ms?: number; duration_max_ms?: number; steps: number; retries: number; failed_attempts: number; before: Load }
interface Group extends Load { group: string; devices: number; online: number; away: number; failing: number; late: number; runs: Runs; runs_before: Runs; before: Load }
interface InGroup extends Load { asset: string; group: string; before: Load }
interface Day extends Load { from: string; runs: Runs }
interface Line { kind: string; text: string; asset?: string; device?: string; run?: string }

export interface Report {
  fleet: string; since: string; until: string; made_at: string; group_by: string; runs: Runs; runs_before: Runs; freshness: FreshnessCounts;
  totals: Record<string, number>;
  attention: Line[];
  devices: { device: string; status: string; group?: string; last_seen_at?: string; offline_reason?: string; waiting_events: number; lost_events: number; certificate_expires_at?: string }[];
  assets: Made[];
  failing: { asset: string; device: string; at?: string; since?: string; made_at?: string; message?: string; run?: string }[];
  checks_failing: { check: string; asset: string; device: string; severity: string; at?: string }[];
  stale: { asset: string; device: string; freshness: string; told_at?: string }[];
  slowest: string[]; flakiest: string[]; groups: Group[]; loads: InGroup[]; days: Day[];
  losses: { device: string; reason?: string; gaps: number; events: number; last_at: string }[];
  alerts: Alert[];
}

// ---- sentences ----
const KINDS: Record<string, [status: string, word: string]> = {
  failing: ["failing", "fails"], check: ["failed", "check"], stale: ["stale", "late"], away: ["away", "away"], lost: ["lost", "lost"],
  certificate: ["warn", "certificate"], clock: ["clock wrong", "clock"], warning: ["warn", "warning"], refusals: ["warn", "refused"], more: ["none", "more"],
};

/** The sentence with its asset and its device as links. */
export function Sentence({ line }: { line: Line }) {
  const parts: ComponentChildren[] = [];
  let rest = line.text;
  const names: [string | undefined, (name: string) => ComponentChildren][] = [
    [line.asset, (name) => <AssetLink name={name} />], [line.device, (name) => <DeviceLink name={name} />],
  ];
  for (;;) {
    let found: [at: number, name: string, link: ComponentChildren] | null = null;
    for (const [name, link] of names) {
      const at = name ? wordAt(rest, name) : -1;
      if (name && at >= 0 && (found === null || at < found[0])) found = [at, name, link(name)];
    }
    if (found === null) break;
    parts.push(rest.slice(0, found[0]), found[2]);
    rest = rest.slice(found[0] + found[1].length);
    names.splice(names.findIndex(([name]) => name === found[1]), 1);
  }
  return <>{parts}{rest}</>;
}

function wordAt(text: string, name: string): number {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text[at - 1] ?? " ";
    const after = text[at + name.length] ?? " ";
    if (before === " " && /[\s,:;(]/.test(after)) return at;
  }
  return -1;
}

function Attention({ lines }: { lines: Line[] }) {
  if (lines.length === 0) return <p class="quiet-words"><Status status="success" word="Nothing needs attention." /></p>;
  return (
    <ul class="rows sentences">
      {lines.map((line) => {
        const [status, word] = KINDS[line.kind] ?? ["none", line.kind];
        return (
          <li><Status status={status} word={word} /><span class="sentence"><Sentence line={line} /></span>{line.run && line.device ? <Link to={runUrl(line.device, line.run)}>The run</Link> : line.kind === "refusals" ? <Link to="/devices?tab=refused">Of whom</Link> : null}</li>
        );
      })}
    </ul>
  );
}

// ---- tables ----
interface PlainColumn<T> { name: string; cell: (row: T) => ComponentChildren; isNumber?: boolean; isExtra?: boolean }
const SHOWN = 50;

/** A table that is wholly in the document, so that it prints; long ones begin short. */
function Plain<T>({ label, rows, columns, total }: { label: string; rows: T[]; columns: PlainColumn<T>[]; total?: number }) {
  const [isAll, showAll] = useState(false);
  const look = (column: PlainColumn<T>) => `${column.isNumber ? "number" : ""} ${column.isExtra ? "extra" : ""}`;
  const left = rows.length - SHOWN;
  return (
    <>
      <div class="table-box plain">
        <table aria-label={label}>
          <thead><tr>{columns.map((column) => <th scope="col" class={look(column)}>{column.name}</th>)}</tr></thead>
          <tbody>{(isAll ? rows : rows.slice(0, SHOWN)).map((row) => <tr>{columns.map((column) => <td class={look(column)}>{column.cell(row)}</td>)}</tr>)}</tbody>
        </table>
      </div>
      {left > 0 && !isAll ? <p class="pad"><button type="button" class="small" onClick={() => showAll(true)}>Show {count(left)} more</button></p> : null}
      {total !== undefined && total > rows.length ? <p class="pad soft">{count(total - rows.length)} more are counted in the totals and not listed.</p> : null}
    </>
  );
}

const Change = ({ now, before }: { now?: number; before?: number }) => {
  const words = changed(now, before);
  return words ? <span class="change">{words}</span> : <span class="soft">–</span>;
};
const rate = (runs: Runs) => percent(runs.success, runs.success + runs.failure);

const loadColumns = <T extends Load & { before: Load }>(): PlainColumn<T>[] => [
  { name: "Rows", isNumber: true, cell: (row) => count(row.rows_written) },
  { name: "Change", isNumber: true, cell: (row) => <Change now={row.rows_written} before={row.before.rows_written} /> },
  { name: "Data", isNumber: true, isExtra: true, cell: (row) => bytes(row.bytes_read) },
  { name: "Change", isNumber: true, isExtra: true, cell: (row) => <Change now={row.bytes_read} before={row.before.bytes_read} /> },
];

const ASSETS: PlainColumn<Made>[] = [
  { name: "Asset", cell: (row) => <AssetLink name={row.asset} /> },
  { name: "Devices", isNumber: true, isExtra: true, cell: (row) => count(row.devices) },
  { name: "Times", isNumber: true, isExtra: true, cell: (row) => count(row.materializations) },
  ...loadColumns<Made>(),
  { name: "Took", isNumber: true, cell: (row) => duration(row.duration_avg_ms) },
];

const groupColumns = (label: string): PlainColumn<Group>[] => [
  { name: label, cell: (row) => row.group ? <Link class="thing" to={withQuery("/devices", { find: `${label}=${row.group}` })}>{row.group}</Link> : <span class="soft">none</span> },
  { name: "On line", isNumber: true, cell: (row) => `${count(row.online)} of ${count(row.devices)}` },
  { name: "Runs", isNumber: true, isExtra: true, cell: (row) => count(row.runs.success + row.runs.failure + row.runs.canceled) },
  { name: "Succeeded", isNumber: true, cell: (row) => rate(row.runs) },
  { name: "Fail", isNumber: true, cell: (row) => row.failing ? <span class="bad-text">{count(row.failing)}</span> : "0" },
  { name: "Late", isNumber: true, cell: (row) => count(row.late) },
  ...loadColumns<Group>(),
];

const inGroupColumns = (label: string): PlainColumn<InGroup>[] => [
  { name: "Asset", cell: (row) => <AssetLink name={row.asset} /> },
  { name: label, cell: (row) => row.group || <span class="soft">none</span> },
  { name: "Times", isNumber: true, isExtra: true, cell: (row) => count(row.materializations) },
  ...loadColumns<InGroup>(),
];

// ---- the week ----
/** As narrow as a bar is. */
const narrowBytes = (n: number) => bytes(n).replace(/^(\d\d)\.\d/, "$1");
const dayName = (at: number) => new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" }).format(at + 12 * 3_600_000);

function Week({ days, label, parts, format }: { days: Day[]; label: string; parts: (day: Day) => [string, number, string][]; format: (n: number) => string }) {
  const sums = days.map((day) => parts(day).reduce((sum, part) => sum + part[1], 0));
  const top = Math.max(1, ...sums);
  return (
    <figure class="week">
      <figcaption>{label}</figcaption>
      <ol>
        {days.map((day, i) => (
          <li title={`${local(instant(day.from)).slice(0, -3)} and 24 h on: ${parts(day).map(([, n, word]) => `${format(n)} ${word}`).join(", ")}`}>
            <span class="week-value">{sums[i] ? format(sums[i] ?? 0) : "–"}</span>
            <span class="week-bar">{parts(day).map(([tone, n]) => n > 0 ? <i class={`back-${tone}`} style={{ height: `${Math.max(2, (100 * n) / top)}%` }} /> : null)}</span>
            <span class="soft">{dayName(instant(day.from))}</span>
            <span class="hidden">{parts(day).map(([, n, word]) => `${format(n)} ${word}`).join(", ")}</span>
          </li>
        ))}
      </ol>
    </figure>
  );
}

// ---- all of it ----
const DAY = 86_400_000;

function Figures({ r }: { r: Report }) {
  const t = (name: string) => r.totals[name] ?? 0;
  const ended = r.runs.success + r.runs.failure;
  const before = r.runs_before.success + r.runs_before.failure;
  const notFresh = r.stale.length;
  const hasPolicy = Object.values(r.freshness).some((n) => n > 0);
  return (
    <div class="figures">
      <Figure name="Runs that succeeded" value={ended ? rate(r.runs) : "none"} tone={r.runs.failure ? "warn" : "good"} note={before ? `before: ${rate(r.runs_before)}` : "no runs before"} />
      <Figure name="Runs" value={count(ended + r.runs.canceled)} to={r.runs.failure ? "/runs?status=failure" : "/runs"} note={`${count(r.runs.failure)} failed, ${count(r.runs.canceled)} canceled${r.runs.open ? `, ${count(r.runs.open)} under way` : ""}`} />
      <Figure name="Rows written" value={brief(t("rows_written"))} note={changed(t("rows_written"), t("rows_written_before")) || "none before"} />
      <Figure name="Data read" value={bytes(t("bytes_read"))} note={changed(t("bytes_read"), t("bytes_read_before")) || "none before"} />
      <Figure name="Failing assets" value={count(t("failing"))} tone={t("failing") ? "bad" : "good"} to="/assets?status=failing" note={`${plural(t("checks_failing"), "check")} failed`} />
      <Figure name="Not fresh" value={hasPolicy ? count(notFresh) : "–"} tone={notFresh ? "warn" : hasPolicy ? "good" : undefined} note={hasPolicy ? `${count(r.freshness.fresh)} fresh` : "no asset has a freshness policy"} />
      <Figure name="Devices online" value={<>{count(t("online"))}<small> of {count(t("devices") - t("out"))}</small></>} tone={t("away") ? "warn" : "good"} to={t("away") ? "/devices?status=away" : "/devices"} note={`${count(t("away"))} away${t("out") ? `, ${count(t("out"))} out of the fleet` : ""}`} />
      <Figure name="Backlog and loss" value={count(t("waiting_events"))} tone={t("lost_in_time") ? "bad" : "good"} note={`${t("waiting_events") === 1 ? "event waits" : "events wait"}; ${count(t("lost_in_time"))} lost in this time`} />
    </div>
  );
}

function Freshness({ r }: { r: Report }) {
  const words = Object.entries(r.freshness).filter(([, n]) => n > 0);
  return (
    <Card title="Freshness">
      {words.length
        ? <div class="pad"><Share label="Freshness" parts={words.map(([name, n]) => [toneOf(name), n, name])} /><ul class="legend">{words.map(([name, n]) => <li><Status status={name} word={`${count(n)} ${name}`} /></li>)}</ul></div>
        : <p class="quiet-words soft">No asset has a freshness policy; with one the hub tells when it is late.</p>}
      {r.stale.length ? <Plain label="Assets that are not fresh" rows={r.stale} columns={[
        { name: "Asset", cell: (row) => <AssetLink name={row.asset} /> },
        { name: "Device", cell: (row) => <DeviceLink name={row.device} /> },
        { name: "Is", cell: (row) => <Status status={row.freshness} /> },
        { name: "Since", cell: (row) => <Ago at={row.told_at} /> },
      ]} /> : null}
    </Card>
  );
}

/** Assets at one end of an order. */
function Top({ title, none, rows, columns }: { title: string; none: string; rows: Made[]; columns: PlainColumn<Made>[] }) {
  return <Card title={title}>{rows.length ? <Plain label={title} rows={rows} columns={[{ name: "Asset", cell: (row) => <AssetLink name={row.asset} /> }, ...columns]} /> : <p class="quiet-words soft">{none}</p>}</Card>;
}

export function ReportView({ report: r }: { report: Report }) {
  const by = new Map(r.assets.map((row) => [row.asset, row]));
  const pick = (names: string[]) => names.map((name) => by.get(name)).filter((row): row is Made => row !== undefined);
  const firstDay = r.days.findIndex((day) => day.materializations + day.runs.success + day.runs.failure > 0);
  const days = firstDay < 0 ? [] : r.days.slice(firstDay);
  const soon = instant(r.made_at) + 30 * DAY;
  const ending = r.devices.filter((device) => device.certificate_expires_at && instant(device.certificate_expires_at) < soon);
  const retries = r.totals.retries ?? 0;
  return (
    <div class="report">
      <Figures r={r} />
      <Card title="Needs attention" kind="list"><Attention lines={r.attention} /></Card>
      {days.length ? (
        <div class="weeks">
          <Week days={days} label="Runs a day" format={brief} parts={(day) => [["good", day.runs.success, "succeeded"], ["bad", day.runs.failure, "failed"]]} />
          <Week days={days} label="Rows written a day" format={brief} parts={(day) => [["busy", day.rows_written ?? 0, "rows"]]} />
          <Week days={days} label="Data read a day" format={narrowBytes} parts={(day) => [["busy", day.bytes_read ?? 0, "read"]]} />
        </div>
      ) : null}
      {r.failing.length ? (
        <Card title="Assets that fail">
          <Plain label="Assets that fail" rows={r.failing} total={r.totals.failing} columns={[
            { name: "Asset", cell: (row) => <AssetLink name={row.asset} /> },
            { name: "Device", cell: (row) => <DeviceLink name={row.device} /> },
            { name: "Why", cell: (row) => <span class="why">{row.message}</span> },
            { name: "Since", cell: (row) => <Ago at={row.since} /> },
            { name: "Last made", isExtra: true, cell: (row) => <Ago at={row.made_at} /> },
            { name: "Last run", cell: (row) => row.run ? <RunLink device={row.device} run={row.run} /> : "–" },
          ]} />
        </Card>
      ) : null}
      {r.group_by ? <Card title={`By ${r.group_by}`}><Plain label={`By ${r.group_by}`} rows={r.groups} columns={groupColumns(r.group_by)} /></Card> : null}
      <Card title="Made in this time">
        {r.assets.length ? <Plain label="Made in this time" rows={r.assets} columns={ASSETS} /> : <p class="quiet-words soft">Nothing was made in this time, nor in as long a time before it.</p>}
      </Card>
      {r.group_by && r.loads.length ? <Card title={`Assets by ${r.group_by}`}><Plain label={`Assets by ${r.group_by}`} rows={r.loads} columns={inGroupColumns(r.group_by)} /></Card> : null}
      <div class="two">
        <Freshness r={r} />
        <Card title="Alerts">
          {r.alerts.length ? <ul class="rows">{r.alerts.slice(0, SHOWN).map((alert) => <li><Status status={alert.resolved_at ? "resolved" : "firing"} word={alert.resolved_at ? "over" : alert.kind} /><AlertWords alert={alert} /><Ago at={alert.resolved_at ?? alert.since} /></li>)}</ul>
            : <p class="quiet-words"><Status status="success" word="None was told in this time." /></p>}
        </Card>
        <Top title="Slowest" none="Nothing took measurable time." rows={pick(r.slowest)} columns={[
          { name: "Takes", isNumber: true, cell: (row) => duration(row.duration_avg_ms) }, { name: "At most", isNumber: true, cell: (row) => duration(row.duration_max_ms) }]} />
        <Top title={`Flakiest, of ${plural(retries, "retry", "retries")}`} none="No attempt failed of what was made in the end." rows={pick(r.flakiest)} columns={[
          { name: "Failed", isNumber: true, cell: (row) => count(row.failed_attempts) }, { name: "Of attempts", isNumber: true, cell: (row) => count(row.steps + row.retries) }]} />
        {r.losses.length ? (
          <Card title="Lost in this time"><Plain label="Lost in this time" rows={r.losses} columns={[
            { name: "Device", cell: (row) => <DeviceLink name={row.device} /> }, { name: "Why", cell: (row) => row.reason ?? "–" },
            { name: "Events", isNumber: true, cell: (row) => count(row.events) }, { name: "Gaps", isNumber: true, cell: (row) => count(row.gaps) }, { name: "Last", cell: (row) => <Ago at={row.last_at} /> }]} /></Card>
        ) : null}
        {ending.length ? (
          <Card title="Certificates that end within 30 days"><Plain label="Certificates" rows={ending} columns={[
            { name: "Device", cell: (row) => <DeviceLink name={row.device} /> }, { name: "Ends", cell: (row) => <Ago at={row.certificate_expires_at} /> }, { name: "On", cell: (row) => <At at={row.certificate_expires_at} /> }]} /></Card>
        ) : null}
      </div>
    </div>
  );
}
