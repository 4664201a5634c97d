// job.tsx - one job, schedule or sensor over the devices that define it: what it is, what it does next, what it did.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { Asset, Named, NamedDefinition, NamedFolded, Run } from "../api/types";
import { count, lengthOf, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, AssetLink, At, Card, DeviceLink, Empty, Facts, Filter, Head, RunLink, Show, Status, Tabs } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { AssetStatus } from "./assets";
import { DifferNotice } from "./differ_notice";
import { askHold, askRunJob, nameOf, Starts, State, TickStatus, Ticks, Watches, When, type Kind } from "./automation";
import { RunTable, Timeline } from "./runs";

const OVERLAP_WORDS: Record<string, string> = { skip: "is left out", queue: "waits", replace: "takes its place" };
const MISSED_WORDS: Record<string, string> = { latest: "the latest is made good", skip: "they are left out", all: "all are made good" };
const BY_WORDS: Record<string, string> = { hub: "the hub's desired state", device: "somebody at the device", person: "somebody", definition: "its definition" };

function factsOf(kind: Kind, d: NamedDefinition): [string, preact.ComponentChildren][] {
  if (kind === "job") {
    return [
      ["Selection", d.select ? <Link to={withQuery("/assets", { selection: d.select })}><code>{d.select}</code></Link> : ""], ["Assets", count(d.assets)],
      ["While a run of it is open, another", OVERLAP_WORDS[d.on_overlap ?? ""] ?? ""], ["Steps at a time", d.max_parallel ? count(d.max_parallel) : ""],
      ["Priority", d.priority ? String(d.priority) : ""], ["Tried again", d.retries ? plural(d.retries, "time") : ""], ["Ends after", d.timeout_ms ? lengthOf(d.timeout_ms) : ""],
    ];
  }
  const shared: [string, preact.ComponentChildren][] = [["Starts", <Starts of={d} />], ["Assets", count(d.assets)]];
  if (kind === "sensor") return [["When", <Watches of={d} />], ...shared, ["Not more often than every", d.min_interval_ms ? lengthOf(d.min_interval_ms) : ""]];
  return [
    ["When", <When of={d} />], ["Cron", d.cron ? <code>{d.cron}</code> : ""], ["Time zone", d.timezone], ...shared, ["Ticks that were missed", MISSED_WORDS[d.missed ?? ""] ?? ""],
    ["Each device later by up to", d.splay_ms ? lengthOf(d.splay_ms) : ""], ["Issued by", d.by_hub ? "the hub" : "the device's definitions"],
  ];
}

function Definitions({ kind, folded }: { kind: Kind; folded: NamedFolded[] }) {
  return (
    <>
      <DifferNotice of={folded.map((one) => one.definition)} />
      {folded.map((one) => (
        <Card kind="definition" title={folded.length > 1 ? <>On {plural(one.devices, "device")}{one.devices === 1 ? ` (${one.device})` : `, such as ${one.device}`}</> : "Definition"} side={kind === "job" ? null : <State of={one} />}>
          {one.definition ? <Facts rows={factsOf(kind, one.definition)} /> : <p class="quiet-words soft">An older agent tells the name alone. It tells the rest when it is upgraded.</p>}
          {one.next?.length ? <p class="quiet-words"><span class="soft">Next ticks: </span>{one.next.map((at, i) => <>{i ? " · " : ""}<At at={at} /></>)} <span class="soft">(the first <Ago at={one.next[0]} />)</span></p> : null}
        </Card>
      ))}
    </>
  );
}

/** Who paused it, and by which command. */
function PausedBy({ of }: { of: Named }) {
  const word = `paused by ${of.state_account ?? BY_WORDS[of.state_by ?? ""] ?? of.state_by}`;
  const status = <Status status="paused" word={word} />;
  return <>{of.state_command ? <Link class="plain" to={`/commands/${of.state_command}`}>{status}</Link> : status} <Ago at={of.state_since} /></>;
}

function PerDevice({ kind, name, find }: { kind: Kind; name: string; find: string }) {
  const answer = useList<Named>(withQuery(`/${kind}s`, { [kind]: name }), ["run", "device"], { all: true, everyMs: 30_000 });
  const may = useMay("operator");
  const rows = useMemo(() => (answer.value ?? []).filter((one) => one.device.includes(find.toLowerCase())), [answer.value, find]);
  const columns: Column<Named>[] = kind === "job" ? [
    { name: "Device", by: (n) => n.device, cell: (n) => <DeviceLink name={n.device} /> },
    { name: "Last run", by: (n) => n.last_run?.at, cell: (n) => n.last_run ? <><Link class="plain" to={`/runs/${n.device}/${n.last_run.run}`}><Status status={n.last_run.status} /></Link> <Ago at={n.last_run.at} /></> : <span class="soft">none yet</span> },
    { name: "Assets", kind: "number", isExtra: true, by: (n) => n.assets, cell: (n) => count(n.assets) },
    { name: "", cell: (n) => may ? <button type="button" class="small" aria-label={`Run on ${n.device}`} onClick={() => askRunJob(name, n.device)}><Icon name="play" size={12} />Run</button> : null },
  ] : [
    { name: "Device", by: (n) => n.device, cell: (n) => <DeviceLink name={n.device} /> },
    { name: "State", by: (n) => n.state, cell: (n) => n.state === "paused" ? <PausedBy of={n} /> : <Status status="online" word="running" /> },
    { name: "Last tick", by: (n) => n.last_tick?.at, cell: (n) => n.last_tick ? <><TickStatus status={n.last_tick.status ?? ""} /> <Ago at={n.last_tick.at} /></> : <span class="soft">none yet</span> },
    { name: "Run", isExtra: true, cell: (n) => n.last_tick?.run ? <RunLink device={n.device} run={n.last_tick.run} /> : "–" },
    { name: "Ticks", kind: "number", isExtra: true, by: (n) => n.ticks, cell: (n) => n.ticks === undefined ? "–" : <span title="that started a run, of all">{count(n.started)} of {count(n.ticks)}</span> },
    { name: "Why", kind: "wide", isExtra: "roomy", cell: (n) => { const words = (n.state === "paused" ? n.state_reason : undefined) ?? n.last_tick?.reason ?? n.state_reason ?? ""; return <span class="soft" title={words}>{words}</span>; } },
    { name: "", cell: (n) => may ? <button type="button" class="small" aria-label={`${n.state === "paused" ? "Resume" : "Pause"} on ${n.device}`} onClick={() => askHold(kind, name, n.state === "paused", n.device)}><Icon name={n.state === "paused" ? "play" : "pause"} size={12} />{n.state === "paused" ? "Resume" : "Pause"}</button> : null },
  ];
  return <Show answer={answer} what="devices">{() => rows.length ? <Table label="Devices" rows={rows} columns={columns} rowKey={(n) => n.device} /> : <Empty title="No device matches." />}</Show>;
}

function Runs({ job }: { job: string }) {
  const answer = useList<Run>(withQuery("/runs", { job }), ["run"], { pageSize: 100 });
  return <Show answer={answer} what="its runs">{(rows) => rows.length ? <><Timeline runs={rows.slice(0, 300)} by="device" /><RunTable rows={rows} onEnd={answer.more} label="Runs of this job" /></> : <Empty title="It has not run yet."><p>A schedule or a sensor starts it, or you do: choose Run.</p></Empty>}</Show>;
}

/** What a selection comes to on one device. */
function Selected({ folded }: { folded: NamedFolded }) {
  const selection = folded.definition?.select;
  const answer = useList<Asset>(selection ? withQuery("/assets", { selection, device: folded.device }) : null, ["asset"], { all: true });
  const columns: Column<Asset>[] = [
    { name: "Asset", by: (a) => a.asset, kind: "wide", cell: (a) => <AssetLink name={a.asset} kinds={a.kinds ?? []} isExternal={a.external} /> },
    { name: `On ${folded.device}`, cell: (a) => <AssetStatus asset={{ ...a, devices: 1, failing: Number(a.failing) }} /> },
    { name: "Made", by: (a) => a.materialized_at, cell: (a) => <Ago at={a.materialized_at} /> },
  ];
  if (!selection) return <Empty title="The device does not tell its selection."><p>An older agent tells the name of a job alone.</p></Empty>;
  return <Show answer={answer} what="what it selects">{(rows) => rows.length ? <><div class="tools"><span class="soft">What <code>{selection}</code> selects on {folded.device}</span><Link class="button" to={withQuery("/graph", { selection })}><Icon name="graph" size={14} />In the graph</Link></div><Table label="What it makes" rows={rows} columns={columns} rowKey={(a) => a.asset} /></> : <Empty title="It selects nothing now." />}</Show>;
}

export function NamedPage({ kind, name }: { kind: Kind; name: string }) {
  const answer = useList<NamedFolded>(withQuery(`/${kind}s`, { fold: "true", [kind]: name }), ["run", "device"], { all: true, everyMs: 30_000 });
  const [tab, setTab] = useParam("tab");
  const [find, setFind] = useParam("find");
  const may = useMay("operator");
  const first = tab || (kind === "job" ? "runs" : "ticks");
  const tabs: [string, string][] = kind === "job" ? [["runs", "Runs"], ["assets", "What it makes"], ["devices", "Devices"]] : [["ticks", "Ticks"], ["devices", "Devices"]];
  return (
    <Show answer={answer} what={`the ${kind}`}>
      {(folded) => {
        const one = folded[0];
        if (!one) return <><Head title={name} icon={kind === "job" ? "jobs" : "schedule"} /><Empty title={`No device defines a ${kind} ${name} now.`}><p><Link to={kind === "job" ? "/jobs" : kind === "sensor" ? "/schedules?tab=sensors" : "/schedules"}>See all {kind}s</Link></p></Empty></>;
        const devices = folded.reduce((sum, f) => sum + f.devices, 0);
        const isPaused = folded.every((f) => (f.paused ?? 0) === f.devices);
        const targets = devices === 1 ? one.device : "*";
        return (
          <>
            <Head title={nameOf(one)} icon={kind === "job" ? "jobs" : "schedule"} sub={<span class="soft">{kind} on {plural(devices, "device")}</span>}>
              {may && kind === "job" ? <button type="button" class="primary" onClick={() => askRunJob(name, targets)}><Icon name="play" size={14} />Run</button> : null}
              {may && kind !== "job" ? <button type="button" onClick={() => askHold(kind, name, isPaused, targets)}><Icon name={isPaused ? "play" : "pause"} size={14} />{isPaused ? "Resume" : "Pause"}</button> : null}
            </Head>
            <Definitions kind={kind} folded={folded} />
            <Tabs now={first} onPick={(next) => setTab(next === tabs[0]?.[0] ? "" : next)} tabs={tabs} />
            {first === "runs" || first === "assets" ? null : <div class="tools"><Filter value={find} onInput={setFind} placeholder={first === "ticks" ? "Device, result or reason" : "A device's name"} label="Filter" /></div>}
            {first === "devices" ? <PerDevice kind={kind} name={name} find={find} /> : first === "runs" ? <Runs job={name} /> : first === "assets" ? <Selected folded={one} /> : <Ticks query={{ [kind]: name }} find={find} isOfOne />}
          </>
        );
      }}
    </Show>
  );
}
