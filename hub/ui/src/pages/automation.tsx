// automation.tsx - jobs, schedules and sensors with their ticks, backfills, pools.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { LogEvent, Tick } from "../api/types";
import { count, duration, instant, plural, shortId } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, Card, DeviceLink, Empty, Filter, Head, RunLink, Show, Status, Tabs } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, command } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { toneOf } from "../base/words";

const contains = (find: string, ...texts: (string | undefined)[]) => texts.join(" ").toLowerCase().includes(find.toLowerCase());

// ---- jobs ----
interface Job { job: string; device: string; assets?: number; selection?: string }

export function JobsPage() {
  const [find, setFind] = useParam("find");
  const answer = useList<Job>("/jobs", ["run", "device"], { all: true, everyMs: 60_000 });
  const may = useMay("operator");
  const rows = useMemo(() => (answer.value ?? []).filter((job) => contains(find, job.job, job.device, job.selection)), [answer.value, find]);
  const start = (job: Job) => ask({
    title: `Run ${job.job}`, confirm: "Run",
    children: <><label>On devices<input name="targets" class="mono" required value={job.device} spellcheck={false} /></label><label>Partition<input name="partition" class="mono" placeholder="none" spellcheck={false} /></label></>,
    onConfirm: (form) => command("run_job", { job: job.job, ...(form.get("partition") ? { partition: form.get("partition") } : {}) }, String(form.get("targets")), `Run ${job.job}`),
  });
  const columns: Column<Job>[] = [
    { name: "Job", by: (j) => j.job, kind: "wide", cell: (j) => <Link class="thing" to={withQuery("/runs", { device: j.device, job: j.job })}>{j.job}</Link> },
    { name: "Device", by: (j) => j.device, cell: (j) => <DeviceLink name={j.device} /> },
    { name: "Assets", by: (j) => j.assets, kind: "number", cell: (j) => count(j.assets) },
    { name: "", cell: (j) => may ? <button type="button" class="small" onClick={() => start(j)}><Icon name="play" size={12} />Run</button> : null },
  ];
  return (
    <>
      <Head title="Jobs" icon="jobs" sub={answer.value ? plural(rows.length, "job") : null} />
      <div class="tools"><Filter value={find} onInput={setFind} placeholder="Job, device or selection" label="Filter jobs" /></div>
      <Show answer={answer} what="jobs">
        {(all) => all.length === 0 ? <Empty title="No device has defined a job."><p>A job is a named selection with options: <code>{'jobs: [{name: sales, select: "group:pos+"}]'}</code> in the definitions.</p></Empty>
          : rows.length === 0 ? <Empty title="No job matches." /> : <Table label="Jobs" rows={rows} columns={columns} rowKey={(j) => `${j.job} ${j.device}`} />}
      </Show>
    </>
  );
}

// ---- schedules and sensors ----
interface Instigator {
  schedule?: string; sensor?: string; device: string; assets?: number;
  /** "running", "paused", or "as defined": nobody has paused or resumed it. */
  state: string; state_reason?: string; state_since?: string; last_tick?: { status?: string; nominal?: string; at?: string; run?: string; reason?: string }; ticks?: number; started?: number;
}

const instigatorName = (one: Instigator) => one.schedule ?? one.sensor ?? "";
const isPaused = (one: Instigator) => one.state === "paused";

function hold(one: Instigator, kind: string): void {
  const verb = isPaused(one) ? "resume" : "pause";
  const name = instigatorName(one);
  ask({
    title: `${verb === "pause" ? "Pause" : "Resume"} ${name}`, confirm: verb === "pause" ? "Pause" : "Resume",
    children: <><p>{verb === "pause" ? "It stays paused over restarts until somebody resumes it. Its ticks meanwhile are not made good." : "It goes on with its next tick."}</p><label>On devices<input name="targets" class="mono" required value={one.device} spellcheck={false} /></label></>,
    onConfirm: (form) => command(verb, { what: kind, names: [name] }, String(form.get("targets")), `${verb === "pause" ? "Pause" : "Resume"} ${name}`),
  });
}

function Instigators({ kind, find }: { kind: "schedules" | "sensors"; find: string }) {
  const answer = useList<Instigator>(`/${kind}`, ["run", "device"], { all: true, everyMs: 30_000 });
  const may = useMay("operator");
  const rows = useMemo(() => (answer.value ?? []).filter((one) => contains(find, instigatorName(one), one.device)), [answer.value, find]);
  const columns: Column<Instigator>[] = [
    { name: kind === "schedules" ? "Schedule" : "Sensor", by: instigatorName, kind: "wide", cell: (s) => <span class="thing">{instigatorName(s)}</span> },
    { name: "State", by: (s) => s.state, cell: (s) => <span title={s.state_reason}>{isPaused(s) ? <Status status="paused" /> : <Status status="online" word={s.state === "running" ? "running" : "as defined"} />}</span> },
    { name: "Device", by: (s) => s.device, cell: (s) => <DeviceLink name={s.device} /> },
    { name: "Last tick", isExtra: true, by: (s) => s.last_tick?.at, cell: (s) => s.last_tick ? <><TickStatus status={s.last_tick.status ?? ""} /> <Ago at={s.last_tick.at ?? s.last_tick.nominal} /></> : <span class="soft">none yet</span> },
    { name: "Run", isExtra: true, cell: (s) => s.last_tick?.run ? <RunLink device={s.device} run={s.last_tick.run} /> : "–" },
    { name: "Ticks", kind: "number", isExtra: true, by: (s) => s.ticks, cell: (s) => s.ticks === undefined ? "–" : <span title="that started a run, of all">{count(s.started)} of {count(s.ticks)}</span> },
    { name: "Why", isExtra: "roomy", kind: "wide", cell: (s) => <span class="soft">{s.last_tick?.reason ?? s.state_reason ?? ""}</span> },
    { name: "", cell: (s) => may ? <button type="button" class="small" onClick={() => hold(s, kind)}><Icon name={isPaused(s) ? "play" : "pause"} size={12} />{isPaused(s) ? "Resume" : "Pause"}</button> : null },
  ];
  return (
    <Show answer={answer} what={kind}>
      {(all) => all.length === 0 ? (kind === "schedules"
        ? <Empty title="No device has a schedule."><p>In the definitions: <code>{'schedules: [{name: nightly, job: sales, cron: "0 2 * * *"}]'}</code>, or from here for many devices: <code>selvedge-hub desired set</code></p></Empty>
        : <Empty title="No device has a sensor."><p>A sensor starts a job when a file appears, a message arrives or an asset was made: <code>sensors:</code> in the definitions.</p></Empty>)
        : rows.length === 0 ? <Empty title="Nothing matches." /> : <Table label={kind} rows={rows} columns={columns} rowKey={(s) => `${instigatorName(s)} ${s.device}`} />}
    </Show>
  );
}

/** A tick that started a run has done what it should. */
const TickStatus = ({ status }: { status: string }) => <Status status={status} tone={status === "started" ? "good" : toneOf(status)} word={status === "started" ? "started a run" : undefined} />;

function Ticks({ find }: { find: string }) {
  const answer = useList<LogEvent>("/ticks", ["run"], { pageSize: 300, everyMs: 30_000 });
  const rows = useMemo(() => (answer.value ?? []).map((row): Tick => ({ ...(row.event as unknown as Tick), device: row.device, at: row.at })).filter((tick) => contains(find, tick.schedule, tick.sensor, tick.device, tick.status, tick.reason)), [answer.value, find]);
  const columns: Column<Tick>[] = [
    { name: "Tick of", by: (t) => t.schedule ?? t.sensor, cell: (t) => t.schedule ?? t.sensor ?? "–" },
    { name: "Device", by: (t) => t.device, cell: (t) => <DeviceLink name={t.device} /> },
    { name: "Result", by: (t) => t.status, cell: (t) => <TickStatus status={t.status} /> },
    { name: "Nominal", isExtra: true, by: (t) => t.nominal, cell: (t) => <Ago at={t.nominal} /> },
    { name: "Decided", by: (t) => t.at, cell: (t) => <Ago at={t.at} /> },
    { name: "Late by", kind: "number", isExtra: true, cell: (t) => t.nominal && t.at ? duration(Math.max(0, instant(t.at) - instant(t.nominal))) : "–" },
    { name: "Run", cell: (t) => t.run ? <RunLink device={t.device} run={t.run} /> : "–" },
    { name: "Why", kind: "wide", isExtra: true, cell: (t) => <span class="soft">{t.reason ?? ""}</span> },
  ];
  return <Show answer={answer} what="ticks">{() => rows.length ? <Table label="Ticks" rows={rows} columns={columns} rowKey={(t) => `${t.device} ${t.schedule ?? t.sensor} ${t.nominal ?? ""} ${t.at}`} onEnd={answer.more} /> : <Empty title="No tick has been decided on yet." />}</Show>;
}

export function SchedulesPage() {
  const [tab, setTab] = useParam("tab");
  const [find, setFind] = useParam("find");
  return (
    <>
      <Head title="Schedules and sensors" icon="schedule" />
      <Tabs now={tab || "schedules"} onPick={(next) => setTab(next === "schedules" ? "" : next)} tabs={[["schedules", "Schedules"], ["sensors", "Sensors"], ["ticks", "Ticks"]]} />
      <div class="tools"><Filter value={find} onInput={setFind} placeholder="Name, job or device" label="Filter" /></div>
      {tab === "ticks" ? <Ticks find={find} /> : <Instigators key={tab} kind={tab === "sensors" ? "sensors" : "schedules"} find={find} />}
    </>
  );
}

// ---- backfills ----
interface Backfill { backfill: string; device: string; status: string; selection?: string; reason?: string; command?: string; at?: string }

export function BackfillsPage() {
  const answer = useList<Backfill>("/backfills", ["run"], { pageSize: 200, everyMs: 30_000 });
  const may = useMay("operator");
  const start = () => ask({
    title: "Backfill", confirm: "Start",
    children: (
      <>
        <label>Assets<input name="selection" class="mono" required spellcheck={false} placeholder="group:pos" /></label>
        <label>Partitions, one a line or FIRST..LAST<textarea name="partitions" rows={4} class="mono" spellcheck={false} placeholder="2026-11-01..2026-11-07" /></label>
        <label>On devices<input name="targets" class="mono" required value="*" spellcheck={false} /></label>
        <p class="soft">Without partitions: all that are missing.</p>
      </>
    ),
    onConfirm: async (form) => {
      const words = String(form.get("partitions")).split(/\s+/).filter(Boolean);
      const range = /^(.+)\.\.(.+)$/.exec(words.length === 1 ? (words[0] as string) : "");
      const which = range ? { from: range[1], to: range[2] } : words.length ? { partitions: words } : { only: "missing" };
      const done = await command("backfill", { selection: form.get("selection"), ...which }, String(form.get("targets")), "Backfill");
      answer.reload();
      return done;
    },
  });
  const cancel = (b: Backfill) => ask({
    title: "End this backfill?", confirm: "End it", isDanger: true, children: <p>What was made stays; runs under way on {b.device} are ended.</p>,
    onConfirm: () => command("cancel", { backfill: b.backfill }, b.device, "End the backfill"),
  });
  const columns: Column<Backfill>[] = [
    { name: "Backfill", cell: (b) => <span class="mono" title={b.backfill}>{b.backfill.slice(0, 8)}</span> },
    { name: "Status", by: (b) => b.status, cell: (b) => <Status status={b.status} /> },
    { name: "Device", by: (b) => b.device, cell: (b) => <DeviceLink name={b.device} /> },
    { name: "Assets", kind: "wide", cell: (b) => <code>{b.selection ?? ""}</code> },
    { name: "Command", isExtra: true, cell: (b) => b.command ? <Link class="thing mono" to={`/commands/${b.command}`}>{shortId(b.command)}</Link> : "–" },
    { name: "Last heard", by: (b) => b.at, cell: (b) => <Ago at={b.at} /> },
    { name: "Why", isExtra: true, cell: (b) => <span class="soft">{b.reason ?? ""}</span> },
    { name: "", cell: (b) => may && b.status === "requested" ? <button type="button" class="small" onClick={() => cancel(b)}>End</button> : null },
  ];
  return (
    <>
      <Head title="Backfills" icon="backfill">{may ? <button type="button" class="primary" onClick={start}><Icon name="plus" size={14} />Backfill</button> : null}</Head>
      <Show answer={answer} what="backfills">
        {(rows) => rows.length ? <Table label="Backfills" rows={rows} columns={columns} rowKey={(b) => `${b.device} ${b.backfill}`} onEnd={answer.more} onRow={(b) => go(withQuery("/runs", { device: b.device }))} />
          : <Empty title="Nothing was backfilled yet."><p>A backfill makes many partitions that are missing, such as the days of an outage. Only assets with <code>partitions:</code> in their definition have any.</p></Empty>}
      </Show>
    </>
  );
}

// ---- pools ----
interface PoolRow { pool: string; places: number; lease_s?: number; device?: string; wanted?: number; granted?: number; since?: string }

export function PoolsPage() {
  const answer = useList<PoolRow>("/pools", ["device"], { all: true, everyMs: 10_000 });
  const pools = useMemo(() => {
    const by = new Map<string, { places: number; lease: number | undefined; holders: { device: string; wanted: number; granted: number; since?: string }[] }>();
    for (const row of answer.value ?? []) {
      const pool = by.get(row.pool) ?? { places: row.places, lease: row.lease_s, holders: [] };
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
            {pools.map(([name, pool]) => {
              const taken = pool.holders.reduce((sum, holder) => sum + holder.granted, 0);
              return (
                <Card title={name} side={<span class="soft">{taken} of {pool.places} taken{pool.lease ? `, lease ${duration(pool.lease * 1000)}` : ""}</span>} kind="list">
                  <div class="pad"><Share label="Places" parts={[["busy", taken, "taken"], ["idle", Math.max(0, pool.places - taken), "free"]]} /></div>
                  <ul class="rows">{pool.holders.map((holder) => <li><DeviceLink name={holder.device} /><span class="grow soft">{holder.granted} granted{holder.wanted > holder.granted ? `, waits for ${holder.wanted - holder.granted}` : ""}</span><Ago at={holder.since} /></li>)}</ul>
                </Card>
              );
            })}
          </div>
        )}
      </Show>
    </>
  );
}
