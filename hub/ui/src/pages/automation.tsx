// automation.tsx - jobs, schedules and sensors, folded over devices that define the same; ticks; pools.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { LogEvent, NamedFolded, Tick } from "../api/types";
import { cronWords } from "../base/cron";
import { count, duration, instant, lengthOf, plural } from "../base/format";
import { namedUrl, runUrl, withQuery } from "../base/keys";
import { toneOf } from "../base/words";
import { Ago, Card, DeviceLink, Empty, Filter, Head, RunLink, Show, Status, Tabs } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { TargetsField } from "../parts/targets";
import { ask, command } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";

export type Kind = "job" | "schedule" | "sensor";

const contains = (find: string, ...texts: (string | undefined)[]) => texts.join(" ").toLowerCase().includes(find.toLowerCase());
export const nameOf = (one: { job?: string; schedule?: string; sensor?: string }) => one.schedule ?? one.sensor ?? one.job ?? "";

// ---- what all of them share ----

/** "every day at 02:30 Europe/Berlin" */
export function When({ of }: { of: NamedFolded["definition"] }) {
  if (!of) return <span class="soft">not told</span>;
  if (of.every_ms) return <>every {lengthOf(of.every_ms)}</>;
  if (!of.cron) return <>–</>;
  const words = cronWords(of.cron);
  return <span title={of.cron}>{words ?? <code>{of.cron}</code>}{of.timezone && of.timezone !== "UTC" ? <span class="soft"> {of.timezone}</span> : <span class="soft"> UTC</span>}</span>;
}

/** The job, or the selection, that it starts. */
export function Starts({ of }: { of: NamedFolded["definition"] }) {
  if (!of) return <span class="soft">not told</span>;
  return of.job ? <Link class="thing" to={namedUrl("job", of.job)}>{of.job}</Link> : of.select ? <Link class="thing" to={withQuery("/assets", { selection: of.select })}><code>{of.select}</code></Link> : <>–</>;
}

const SENSOR_WORDS: Record<string, string> = { files: "files appear", mqtt: "a message arrives", asset: "an asset is made", run_status: "a run ends", command: "a program says so" };

export function Watches({ of }: { of: NamedFolded["definition"] }) {
  if (!of?.type) return <span class="soft">not told</span>;
  if (of.asset) return <Link to={`/assets/${of.asset}`} class="thing">{of.asset} is made</Link>;
  return <>{SENSOR_WORDS[of.type] ?? of.type}{of.statuses?.length ? ` (${of.statuses.join(", ")})` : ""}</>;
}

function Devices({ of }: { of: NamedFolded }) {
  return of.devices === 1 ? <DeviceLink name={of.device} /> : <>{plural(of.devices, "device")}</>;
}

export function State({ of }: { of: NamedFolded }) {
  const paused = of.paused ?? 0;
  if (paused === 0) return <Status status="online" word="running" />;
  return <Status status="paused" word={paused < of.devices ? `paused on ${paused} of ${of.devices}` : "paused"} />;
}

/** Pauses or resumes on the devices that are named. */
export function askHold(kind: Kind, name: string, isPaused: boolean, targets: string): void {
  const verb = isPaused ? "resume" : "pause";
  const word = isPaused ? "Resume" : "Pause";
  ask({
    title: `${word} ${name}`, confirm: word,
    children: <><p>{isPaused ? "It goes on at its next time. What the hub's desired state pauses stays paused." : "It stays paused over restarts until somebody resumes it. What it would have started meanwhile is not made up for."}</p><TargetsField value={targets} /></>,
    onConfirm: (form) => command(verb, { what: `${kind}s`, names: [name] }, String(form.get("targets")), `${word} ${name}`),
  });
}

export function askRunJob(job: string, targets: string): void {
  ask({
    title: `Run ${job}`, confirm: "Run",
    children: <><TargetsField value={targets} /><label>Partition<input name="partition" class="mono" placeholder="none" spellcheck={false} /></label><p class="soft">Devices without this job refuse. One that is away does it when it is back, within an hour.</p></>,
    onConfirm: (form) => command("run_job", { job, ...(form.get("partition") ? { partition: form.get("partition") } : {}) }, String(form.get("targets")), `Run ${job}`),
  });
}

/** Whom to ask by default: the one device that has it, or all. */
export const targetsOf = (of: NamedFolded) => (of.devices === 1 ? of.device : "*");

// ---- jobs ----

export function JobsPage() {
  const [find, setFind] = useParam("find");
  const answer = useList<NamedFolded>("/jobs?fold=true", ["run", "device"], { all: true, everyMs: 60_000 });
  const may = useMay("operator");
  const rows = useMemo(() => (answer.value ?? []).filter((job) => contains(find, job.job, job.device, job.definition?.select)), [answer.value, find]);
  const columns: Column<NamedFolded>[] = [
    { name: "Job", by: (j) => j.job, kind: "wide", cell: (j) => <Link class="thing" to={namedUrl("job", nameOf(j))}>{j.job}</Link> },
    { name: "Selection", isExtra: true, by: (j) => j.definition?.select, cell: (j) => j.definition?.select ? <code>{j.definition.select}</code> : <span class="soft">not told</span> },
    { name: "Assets", by: (j) => j.assets, kind: "number", isExtra: true, cell: (j) => count(j.assets) },
    { name: "Devices", by: (j) => j.devices, cell: (j) => <Devices of={j} /> },
    { name: "Last run", by: (j) => j.last_run?.at, cell: (j) => j.last_run ? <><Link class="plain" to={`/runs/${j.last_run.device}/${j.last_run.run}`}><Status status={j.last_run.status} /></Link> <Ago at={j.last_run.at} /></> : <span class="soft">none yet</span> },
    { name: "", cell: (j) => may ? <button type="button" class="small" onClick={() => askRunJob(nameOf(j), targetsOf(j))}><Icon name="play" size={12} />Run</button> : null },
  ];
  return (
    <>
      <Head title="Jobs" icon="jobs" sub={answer.value ? plural(new Set(rows.map(nameOf)).size, "job") : null} />
      <div class="tools"><Filter value={find} onInput={setFind} placeholder="Job, device or selection" label="Filter jobs" /></div>
      <Show answer={answer} what="jobs">
        {(all) => all.length === 0 ? <Empty title="No device has defined a job."><p>A job is a named selection with options: <code>{'jobs: [{name: sales, select: "group:pos+"}]'}</code> in the definitions.</p></Empty>
          : rows.length === 0 ? <Empty title="No job matches." /> : <Table label="Jobs" rows={rows} columns={columns} rowKey={(j) => `${j.job} ${j.version}`} onRow={(j) => go(namedUrl("job", nameOf(j)))} />}
      </Show>
    </>
  );
}

// ---- schedules and sensors ----

function Instigators({ kind, find }: { kind: "schedule" | "sensor"; find: string }) {
  const answer = useList<NamedFolded>(`/${kind}s?fold=true`, ["run", "device"], { all: true, everyMs: 30_000 });
  const may = useMay("operator");
  const rows = useMemo(() => (answer.value ?? []).filter((one) => contains(find, nameOf(one), one.device, one.definition?.job, one.definition?.select, one.definition?.cron)), [answer.value, find]);
  const isAllPaused = (s: NamedFolded) => (s.paused ?? 0) === s.devices;
  const columns: Column<NamedFolded>[] = [
    { name: kind === "schedule" ? "Schedule" : "Sensor", by: nameOf, kind: "wide", cell: (s) => <><Link class="thing" to={namedUrl(kind, nameOf(s))}>{nameOf(s)}</Link>{rows.filter((other) => nameOf(other) === nameOf(s)).length > 1 ? <span class="soft on-phone"> {s.devices === 1 ? s.device : plural(s.devices, "device")}</span> : null}</> },
    { name: "State", by: (s) => s.paused, cell: (s) => <State of={s} /> },
    kind === "schedule" ? { name: "When", by: (s) => s.definition?.cron ?? s.definition?.every_ms, isExtra: true, cell: (s) => <When of={s.definition} /> }
      : { name: "When", by: (s) => s.definition?.type, isExtra: true, cell: (s) => <Watches of={s.definition} /> },
    { name: "Starts", isExtra: true, by: (s) => s.definition?.job ?? s.definition?.select, cell: (s) => <Starts of={s.definition} /> },
    { name: "Devices", by: (s) => s.devices, isExtra: true, cell: (s) => <Devices of={s} /> },
    ...(kind === "schedule" ? [{ name: "Next tick", by: (s: NamedFolded) => s.next?.[0], cell: (s: NamedFolded) => s.next?.[0] ? <Ago at={s.next[0]} /> : <span class="soft">none</span> }] : []),
    { name: "Last tick", isExtra: true, by: (s) => s.ticked_at, cell: (s) => s.ticked_at ? <Ago at={s.ticked_at} /> : <span class="soft">none yet</span> },
    { name: "Ticks", kind: "number", isExtra: "roomy", by: (s) => s.ticks, cell: (s) => s.ticks ? <span class={s.failed ? "bad-text" : ""} title={`${count(s.started)} of ${count(s.ticks)} ticks started a run${s.failed ? `; the last one failed on ${plural(s.failed, "device")}` : ""}`}>{count(s.started)} of {count(s.ticks)}</span> : "–" },
    { name: "", cell: (s) => may ? <button type="button" class="small" onClick={() => askHold(kind, nameOf(s), isAllPaused(s), targetsOf(s))}><Icon name={isAllPaused(s) ? "play" : "pause"} size={12} />{isAllPaused(s) ? "Resume" : "Pause"}</button> : null },
  ];
  return (
    <Show answer={answer} what={`${kind}s`}>
      {(all) => all.length === 0 ? (kind === "schedule"
        ? <Empty title="No device has a schedule."><p>In the definitions: <code>{'schedules: [{name: nightly, job: sales, cron: "0 2 * * *"}]'}</code>, or from here for many devices: <code>selvedge-hub desired set</code></p></Empty>
        : <Empty title="No device has a sensor."><p>A sensor starts a job when a file appears, a message arrives or an asset was made: <code>sensors:</code> in the definitions.</p></Empty>)
        : rows.length === 0 ? <Empty title="Nothing matches." /> : <Table label={`${kind}s`} rows={rows} columns={columns} rowKey={(s) => `${nameOf(s)} ${s.version}`} onRow={(s) => go(namedUrl(kind, nameOf(s)))} />}
    </Show>
  );
}

/** A tick that started a run has done what it should. */
export const TickStatus = ({ status }: { status: string }) => <Status status={status} tone={status === "started" ? "good" : toneOf(status)} word={status === "started" ? "started a run" : undefined} />;

const tickOf = (t: Tick) => t.schedule ?? t.sensor ?? t.automation ?? "–";
const TICK_COLUMNS: Column<Tick>[] = [
  { name: "Tick of", by: tickOf, cell: (t) => t.schedule ? <Link class="thing" to={namedUrl("schedule", t.schedule)}>{t.schedule}</Link> : t.sensor ? <Link class="thing" to={namedUrl("sensor", t.sensor)}>{t.sensor}</Link> : tickOf(t) },
  { name: "Device", by: (t) => t.device, cell: (t) => <DeviceLink name={t.device} /> },
  { name: "Result", by: (t) => t.status, cell: (t) => t.run ? <Link class="plain" to={runUrl(t.device, t.run)}><TickStatus status={t.status} /></Link> : <TickStatus status={t.status} /> },
  { name: "Due", isExtra: true, by: (t) => t.nominal, cell: (t) => <Ago at={t.nominal} /> },
  { name: "Decided", by: (t) => t.at, cell: (t) => <Ago at={t.at} /> },
  { name: "Late by", kind: "number", isExtra: true, cell: (t) => t.nominal && t.at ? duration(Math.max(0, instant(t.at) - instant(t.nominal))) : "–" },
  { name: "Run", isExtra: true, cell: (t) => t.run ? <RunLink device={t.device} run={t.run} /> : "–" },
  { name: "Why", kind: "wide", cell: (t) => <span class="soft" title={t.reason}>{t.reason ?? ""}</span> },
];

/** Ticks of one, or of all; `query` as the API takes it. */
export function Ticks({ query, find, isOfOne }: { query: Record<string, string>; find: string; isOfOne?: boolean }) {
  const answer = useList<LogEvent>(withQuery("/ticks", query), ["run"], { pageSize: 300, everyMs: 30_000 });
  const rows = useMemo(() => (answer.value ?? []).map((row): Tick => ({ ...(row.event as unknown as Tick), device: row.device, at: row.at })).filter((tick) => contains(find, tickOf(tick), tick.device, tick.status, tick.reason)), [answer.value, find]);
  return <Show answer={answer} what="ticks">{(all) => rows.length ? <Table label="Ticks" rows={rows} columns={isOfOne ? TICK_COLUMNS.slice(1) : TICK_COLUMNS} rowKey={(t) => `${t.device} ${tickOf(t)} ${t.nominal ?? ""} ${t.at}`} onEnd={answer.more} /> : <Empty title={all.length ? `None of the ${answer.hasMore ? "newest " : ""}${plural(all.length, "tick")} matches.` : "No tick has been decided on yet."} />}</Show>;
}

export function SchedulesPage() {
  const [tab, setTab] = useParam("tab");
  const [find, setFind] = useParam("find");
  return (
    <>
      <Head title="Schedules and sensors" icon="schedule" />
      <Tabs now={tab || "schedules"} onPick={(next) => setTab(next === "schedules" ? "" : next)} tabs={[["schedules", "Schedules"], ["sensors", "Sensors"], ["ticks", "Ticks"]]} />
      <div class="tools"><Filter value={find} onInput={setFind} placeholder="Name, job or device" label="Filter" /></div>
      {tab === "ticks" ? <Ticks query={{}} find={find} /> : <Instigators key={tab} kind={tab === "sensors" ? "sensor" : "schedule"} find={find} />}
    </>
  );
}

// ---- pools ----
interface PoolRow { pool: string; places: number; lease_s?: number; paused?: boolean; paused_by?: string; paused_at?: string; device?: string; wanted?: number; granted?: number; since?: string }

export function PoolsPage() {
  const answer = useList<PoolRow>("/pools", ["device"], { all: true, everyMs: 10_000 });
  const pools = useMemo(() => {
    const by = new Map<string, { of: PoolRow; holders: { device: string; wanted: number; granted: number; since?: string }[] }>();
    for (const row of answer.value ?? []) {
      const pool = by.get(row.pool) ?? { of: row, holders: [] };
      if (row.device) pool.holders.push({ device: row.device, wanted: row.wanted ?? 0, granted: row.granted ?? 0, since: row.since });
      by.set(row.pool, pool);
    }
    return [...by];
  }, [answer.value]);
  return (
    <>
      <Head title="Pools" icon="file" sub="Places that steps of all devices share" />
      <Show answer={answer} what="pools">
        {() => pools.length === 0 ? <Empty title="The fleet shares no pool."><p>A pool bounds how many steps of all devices do something at once, such as loading into one warehouse:</p><pre>selvedge-hub pools set warehouse 5</pre></Empty> : (
          <div class="two">
            {pools.map(([name, { of, holders }]) => {
              const taken = holders.reduce((sum, holder) => sum + holder.granted, 0);
              return (
                <Card title={name} side={<span class="soft">{taken} of {of.places} taken{of.lease_s ? `, lease ${duration(of.lease_s * 1000)}` : ""}</span>} kind="list">
                  <div class="pad"><Share label="Places" parts={[["busy", taken, "taken"], ["idle", Math.max(0, of.places - taken), "free"]]} /></div>
                  {of.paused ? <div class="pad"><Status status="paused" word={of.paused_by ? `paused by ${of.paused_by}` : "paused"} /> <Ago at={of.paused_at} /> <span class="soft">Nothing more begins in it.</span></div> : null}
                  <ul class="rows">{holders.map((holder) => <li><DeviceLink name={holder.device} /><span class="grow soft">{holder.granted} granted{holder.wanted > holder.granted ? `, waits for ${holder.wanted - holder.granted}` : ""}</span><Ago at={holder.since} /></li>)}</ul>
                </Card>
              );
            })}
          </div>
        )}
      </Show>
    </>
  );
}
