// reports.tsx - what the fleet did in a time of one's choice, to read, print and save; and the reports that go out by a schedule.
import { useState } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Device } from "../api/types";
import { count, instant, local } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, At, Card, Choice, Filter, Head, Show, Status } from "../parts/bits";
import { Icon } from "../parts/icon";
import { ask, request } from "../shell/ask";
import { go, useParam, usePlace } from "../shell/router";
import { useMay } from "../shell/session";
import { ReportView, type Report } from "./report_view";

const TIMES: [string, string][] = [["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ["own", "own time"]];
const FORMATS: [string, string][] = [["html", "Page (HTML)"], ["md", "Markdown"], ["text", "Text"], ["csv", "CSV"], ["json", "JSON"]];

// ---- which time ----
/** What a date field shows and gives, in the viewer's zone. */
const asField = (at: number) => Number.isNaN(at) ? "" : new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const fromField = (text: string) => (Number.isNaN(Date.parse(text)) ? "" : new Date(text).toISOString().replace(".000Z", "Z"));

function OwnTime({ since, until, onPick }: { since: string; until: string; onPick: (since: string, until: string) => void }) {
  const [from, setFrom] = useState(asField(instant(since)));
  const [to, setTo] = useState(asField(instant(until)));
  const isWrong = !fromField(from) || !fromField(to) || fromField(from) >= fromField(to);
  return (
    <form class="tools own-time" onSubmit={(event) => { event.preventDefault(); if (!isWrong) onPick(fromField(from), fromField(to)); }}>
      <label class="choice"><span>From</span><input type="datetime-local" required value={from} onInput={(event) => setFrom((event.currentTarget as HTMLInputElement).value)} /></label>
      <label class="choice"><span>to</span><input type="datetime-local" required value={to} onInput={(event) => setTo((event.currentTarget as HTMLInputElement).value)} /></label>
      <button type="submit" disabled={isWrong}>Show</button>
      {isWrong ? <span class="soft" role="status">The end must be after the beginning.</span> : null}
    </form>
  );
}

function useLabels(): string[] {
  const devices = useList<Device>("/devices", [], { pageSize: 100 });
  return [...new Set((devices.value ?? []).flatMap((device) => Object.keys(device.labels ?? {})))].sort();
}

function Group({ value, onPick }: { value: string; onPick: (label: string) => void }) {
  const [text, setText] = useState(value);
  const labels = useLabels();
  return (
    <form class="group-by" onSubmit={(event) => { event.preventDefault(); onPick(text.trim()); }} onChange={() => onPick(text.trim())}>
      <Filter value={text} onInput={(now) => { setText(now); if (now === "" || labels.includes(now)) onPick(now); }} placeholder="Add up by a label, such as site" label="Add up by label" names={labels} />
    </form>
  );
}

// ---- those that go out by a schedule ----
interface Delivery { id: number; cause: string; due_at: string; attempt: number; at: string; result: string; error?: string }
interface Scheduled {
  report: string; cron: string; timezone: string; since_s: number; group_by?: string; format: string; to: string; next_at?: string;
  delivered_at?: string; due_since?: string; attempts?: number; next_attempt_at?: string; failed_at?: string; error?: string; asked_at?: string; deliveries: Delivery[];
}

const TONES: Record<string, string> = { delivered: "success", failed: "failure", "given up": "failure" };

function State({ of }: { of: Scheduled }) {
  if (of.asked_at) return <Status status="started" word="is being sent" />;
  if (of.due_since && of.failed_at) return <Status status="late" word="is tried again" />;
  if (of.due_since) return <Status status="started" word="is being sent" />;
  const last = of.deliveries[0];
  if (!last) return <Status status="none" word="not sent yet" />;
  return <Status status={TONES[last.result] ?? "none"} word={last.result === "failed" ? "not delivered" : last.result} />;
}

function send(report: Scheduled, reload: () => void): void {
  ask({
    title: `Send ${report.report} now`, confirm: "Send",
    children: <p>The hub makes the report of this moment and sends it once: {report.to}. Its schedule stays as it is.</p>,
    onConfirm: async () => {
      const done = await request("POST", `/reports/${encodeURIComponent(report.report)}/send`, {}, "The hub is sending it; what comes of it shows here");
      reload();
      return done !== null;
    },
  });
}

function Deliveries({ rows }: { rows: Delivery[] }) {
  if (rows.length === 0) return <p class="soft">Nothing has been sent yet.</p>;
  return (
    <ul class="deliveries">
      {rows.map((row) => (
        <li key={row.id}>
          <Status status={TONES[row.result] ?? "none"} word={row.result === "failed" ? "not delivered" : row.result} /><Ago at={row.at} />
          <span class="soft">for <At at={row.due_at} />{row.cause === "asked" ? ", asked for" : ""}{row.attempt > 1 ? `, attempt ${count(row.attempt)}` : ""}</span>
          {row.error ? <span class="why">{row.error}</span> : null}
        </li>
      ))}
    </ul>
  );
}

const span = (seconds: number) => (seconds % 86_400 === 0 ? `${seconds / 86_400} d` : `${Math.round(seconds / 3600)} h`);

export function Schedules() {
  const answer = useQuery<{ items: Scheduled[] }>("/reports?limit=100", [], 5000);
  const may = useMay("operator");
  return (
    <Card title="Reports that go out by a schedule" kind="scheduled">
      <Show answer={answer} what="the scheduled reports">
        {({ items }) => items.length === 0 ? (
          <div class="pad soft">
            <p>None is set up. In <code>hub.yaml</code>, then start the hub anew:</p>
            <pre>{`reports:\n  - {name: monday, cron: "0 7 * * mon", timezone: Europe/Berlin, since: 7d, to: {directory: reports}}`}</pre>
            <p>They also go to a mail server, to a webhook and to an MQTT topic.</p>
          </div>
        ) : (
          <ul class="rows schedules">
            {items.map((one) => (
              <li key={one.report}>
                <div class="schedule-words">
                  <div class="schedule-name"><b>{one.report}</b><State of={one} /></div>
                  <span class="soft"> {one.to}; the last {span(one.since_s)}{one.group_by ? ` by ${one.group_by}` : ""} as {one.format}; <code>{one.cron}</code> {one.timezone}</span>
                  {one.error ? <p class="why bad-text">{one.error}{one.next_attempt_at ? <span class="soft"> Tried again <Ago at={one.next_attempt_at} />.</span> : null}</p> : null}
                  <details><summary>{one.deliveries.length ? <>Last deliveries</> : "No delivery yet"}</summary><Deliveries rows={one.deliveries} /></details>
                </div>
                <span class="schedule-next">{one.next_at ? <>next <Ago at={one.next_at} /></> : "never again"}</span>
                {may ? <button type="button" class="small" onClick={() => send(one, answer.reload)}>Send now</button> : null}
              </li>
            ))}
          </ul>
        )}
      </Show>
    </Card>
  );
}

// ---- the page ----
const DAY = 86_400_000;

export function ReportsPage() {
  const place = usePlace();
  const [since] = useParam("since");
  const [until] = useParam("until");
  const [group, setGroup] = useParam("group_by");
  const isOwn = until !== "";
  const query = { since: since || "24h", until, group_by: group };
  const answer = useQuery<Report>(withQuery("/report", query), [], isOwn ? 0 : 300_000);
  const pick = (from: string, to: string) => go(withQuery(place.path, { since: from, until: to, group_by: group }), { isReplacing: true });
  const pickTime = (time: string) => {
    if (time !== "own") return pick(time === "24h" ? "" : time, "");
    const now = new Date();
    const end = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
    pick(new Date(end - DAY).toISOString().replace(".000Z", "Z"), new Date(end).toISOString().replace(".000Z", "Z"));
  };
  const r = answer.value;
  // "7d" in the address: when that was, the report says. A time is known at once, and what is typed meanwhile stays.
  const begin = Number.isNaN(instant(since)) ? r?.since ?? "" : since;
  return (
    <>
      <Head title={r ? `Report of fleet ${r.fleet}` : "Report"} icon="report"
        sub={r ? <span><At at={r.since} /> to <At at={r.until} />, made <Ago at={r.made_at} />; changes are against as long a time before</span> : null}>
        <button type="button" onClick={answer.reload}><Icon name="again" size={14} />Make anew</button>
        <button type="button" onClick={() => window.print()}>Print</button>
      </Head>
      <div class="tools report-tools">
        <Choice label="Of the last" value={isOwn ? "own" : since || "24h"} options={TIMES} onPick={pickTime} />
        <Group value={group} onPick={setGroup} />
        <span class="save"><span class="soft">Save as</span>{FORMATS.map(([format, words]) => <a class="button" href={`/api/v1${withQuery("/report", { ...query, format })}`} download>{words}</a>)}</span>
      </div>
      {isOwn ? <OwnTime key={`${begin} ${until}`} since={begin} until={until} onPick={pick} /> : null}
      <Show answer={answer} what={`the report of ${isOwn ? `${local(instant(since))} to ${local(instant(until))}` : TIMES.find(([key]) => key === (since || "24h"))?.[1] ?? since}; of a large fleet that takes some seconds`}>
        {(report) => <ReportView report={report} />}
      </Show>
      <Schedules />
      <p class="soft foot">The same on the command line: <code>selvedge-hub report --help</code>.</p>
    </>
  );
}
