// runs.tsx - all runs, newest first, as a table and over time.
import { useMemo, useState } from "preact/hooks";
import { useList } from "../api/query";
import type { Asset, Device, Run } from "../api/types";
import { clock, count, duration, fieldOf, instant, local, ofField, shortId } from "../base/format";
import { runUrl, withQuery } from "../base/keys";
import { toneOf, wordOf } from "../base/words";
import { Ago, Choice, DeviceLink, Empty, Filter, Head, RunLink, Show, Status, useNow } from "../parts/bits";
import { Table, type Column } from "../parts/table";
import { go, Link, useParam } from "../shell/router";

export function runLength(run: Run): number | undefined {
  const start = instant(run.started_at);
  const end = instant(run.ended_at);
  if (Number.isNaN(start)) return undefined;
  return (Number.isNaN(end) ? Date.now() : end) - start;
}

export function Cause({ run }: { run: Run }) {
  const name = run.cause_name ?? "";
  if (run.cause === "retry" && name) return <span class="soft">retry of <RunLink device={run.device} run={name} /></span>;
  if (run.cause === "command" && name) return <span class="soft">command <Link to={`/commands/${name}`} class="thing mono">{shortId(name)}</Link></span>;
  return <span class="soft">{[run.cause, name !== run.job ? name : ""].filter(Boolean).join(" ") || "–"}</span>;
}

function Steps({ run }: { run: Run }) {
  const all = run.steps ?? 0;
  const words = [`${run.succeeded ?? 0} of ${all}`, run.failed ? `${run.failed} failed` : "", run.skipped ? `${run.skipped} skipped` : ""].filter(Boolean).join(", ");
  return <span class={run.failed ? "bad-text" : ""}>{words}</span>;
}

export const RUN_COLUMNS: Column<Run>[] = [
  { name: "Run", isExtra: true, cell: (r) => <RunLink device={r.device} run={r.run} /> },
  { name: "Status", cell: (r) => <Link to={runUrl(r.device, r.run)} class="plain" title={`Run ${r.run}`}><Status status={r.status} /></Link> },
  { name: "Device", cell: (r) => <DeviceLink name={r.device} /> },
  { name: "Job or selection", kind: "wide", cell: (r) => r.job ? r.job : <code>{r.selection ?? "–"}</code> },
  { name: "Steps", isExtra: true, cell: (r) => <Steps run={r} /> },
  { name: "Cause", isExtra: true, cell: (r) => <Cause run={r} /> },
  { name: "Began", cell: (r) => <Ago at={r.started_at ?? r.enqueued_at} /> },
  { name: "Took", kind: "number", isExtra: true, cell: (r) => duration(runLength(r)) },
];

export const RunTable = ({ rows, onEnd, label = "Runs" }: { rows: Run[]; onEnd?: () => void; label?: string }) =>
  <Table label={label} rows={rows} columns={RUN_COLUMNS} rowKey={(r) => `${r.device} ${r.run}`} onEnd={onEnd} onRow={(r) => go(runUrl(r.device, r.run))} />;

// ---- over time ----
const LANES = 10; // at first
const LANES_MAX = 100;

/** One lane per device (or job), a bar per run. `end`: of the time that is shown; now without one. */
export function Timeline({ runs, by, end }: { runs: Run[]; by: "device" | "job"; end?: number }) {
  useNow();
  const [isWhole, setWhole] = useState(false);
  const now = Date.now();
  const until = end === undefined || end > now ? now : Math.max(end, ...runs.map((run) => instant(run.ended_at)).filter((at) => !Number.isNaN(at)));
  const from = useMemo(() => Math.min(until - 60_000, ...runs.map((run) => instant(run.started_at ?? run.enqueued_at)).filter((at) => !Number.isNaN(at))), [runs]);
  const lanes = useMemo(() => {
    const found = new Map<string, Run[]>();
    for (const run of runs) {
      const name = by === "device" ? run.device : run.job ?? run.selection ?? "–";
      const lane = found.get(name);
      if (lane) lane.push(run);
      else found.set(name, [run]);
    }
    // Lanes with failures first, then by name.
    const bad = (lane: Run[]) => lane.filter((run) => run.status === "failure").length;
    return [...found].sort((a, b) => bad(b[1]) - bad(a[1]) || (a[0] < b[0] ? -1 : 1));
  }, [runs, by]);
  const span = until - from || 1;
  const x = (at: number) => (100 * (at - from)) / span;
  return (
    <div class="timeline" role="group" aria-label={`Runs from ${local(from)} until ${until === now ? "now" : local(until)}, by ${by}`}>
      {lanes.slice(0, isWhole ? LANES_MAX : LANES).map(([name, lane]) => (
        <div class="lane">
          <span class="lane-name" title={name}>{by === "device" ? <DeviceLink name={name} /> : name}</span>
          <span class="lane-bars">
            {lane.map((run) => {
              const start = instant(run.started_at ?? run.enqueued_at);
              const end = Number.isNaN(instant(run.ended_at)) ? until : instant(run.ended_at);
              const title = `${run.job ?? run.selection ?? "run"}: ${wordOf(run.status)}, ${clock(start).slice(0, 8)}, ${duration(end - start)}`;
              return <Link to={runUrl(run.device, run.run)} class={`lane-bar back-${toneOf(run.status)}`} title={title} aria-label={title} tabIndex={-1} style={{ left: `${x(start)}%`, width: `max(3px, ${x(end) - x(start)}%)` }}>{""}</Link>;
            })}
          </span>
        </div>
      ))}
      <div class="lane axis"><span class="lane-name" /><span class="lane-axis"><span>{local(from).replace(/^.*, /, "")}</span><span>{local(from + span / 2).replace(/^.*, /, "")}</span><span>{until === now ? "now" : local(until).replace(/^.*, /, "")}</span></span></div>
      {lanes.length > LANES ? <button type="button" class="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>{isWhole ? "Show fewer" : `Show ${lanes.length > LANES_MAX ? `${LANES_MAX} of ` : "all "}${count(lanes.length)}`}</button> : null}
    </div>
  );
}

function Moment({ label, value, onPick }: { label: string; value: string; onPick: (at: string) => void }) {
  return (
    <label class="choice"><span>{label}</span>
      <input type="datetime-local" value={fieldOf(value)} onChange={(event) => onPick(ofField((event.currentTarget as HTMLInputElement).value))} />
    </label>
  );
}

export function RunsPage() {
  const [device, setDevice] = useParam("device");
  const [status, setStatus] = useParam("status");
  const [asset, setAsset] = useParam("asset");
  const [job, setJob] = useParam("job");
  const [since, setSince] = useParam("since");
  const [until, setUntil] = useParam("until");
  const [by, setBy] = useParam("by");
  const answer = useList<Run>(withQuery("/runs", { device, status, asset, job, since, until }), ["run"], { pageSize: 200, everyMs: 30_000 });
  const devices = useList<Device>("/devices", [], { pageSize: 1000 });
  const assets = useList<Asset>("/assets", [], { pageSize: 1000 });
  const jobs = useList<{ job: string }>("/jobs", [], { pageSize: 1000 });
  const isFiltered = Boolean(device || status || asset || job || since || until);
  return (
    <>
      <Head title="Runs" icon="runs" sub={answer.value ? `${count(answer.value.length)}${answer.hasMore ? " newest" : ""} shown` : null} />
      <div class="tools">
        <Filter value={device} onInput={setDevice} placeholder="A device's name" label="Runs of this device" names={devices.value?.map((d) => d.device)} />
        <Filter value={asset} onInput={setAsset} placeholder="An asset's key" label="Runs that touched this asset" names={assets.value?.map((a) => a.asset)} />
        <Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ["queued", "queued"], ["started", "started"], ["canceling", "canceling"], ["success", "success"], ["failure", "failure"], ["canceled", "canceled"]]} />
        <Choice label="Job" value={job} onPick={setJob} options={[["", "any"], ...[...new Set([...(jobs.value ?? []).map((row) => row.job), ...(job ? [job] : [])])].sort().map((name): [string, string] => [name, name])]} />
        <Moment label="From" value={since} onPick={setSince} />
        <Moment label="until" value={until} onPick={setUntil} />
        <Choice label="Timeline by" value={by || "device"} onPick={(value) => setBy(value === "device" ? "" : value)} options={[["device", "device"], ["job", "job"]]} />
      </div>
      <Show answer={answer} what="runs">
        {(rows) => rows.length === 0 ? (
          isFiltered ? <Empty title="No run matches."><button type="button" onClick={() => go("/runs")}>Show all runs</button></Empty>
            : <Empty title="Nothing has run yet."><p>A schedule of a device starts the first run, or you do: open an <Link to="/assets">asset</Link> and choose Materialize.</p></Empty>
        ) : <><Timeline runs={rows.slice(0, 400)} by={by === "job" ? "job" : "device"} end={until ? instant(until) : undefined} /><RunTable rows={rows} onEnd={answer.more} /></>}
      </Show>
    </>
  );
}
