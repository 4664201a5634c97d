// asset.tsx - one asset over all devices: how it is, how it was, what it is made from, and making it.
import { useMemo } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { AssetDefinition, AssetDetail, AssetOnDevice, AssetWhy, Check, Materialization, Neighbour, Run } from "../api/types";
import { brief, bytes, count, duration, instant, plural } from "../base/format";
import { keyPath, namedUrl, withQuery } from "../base/keys";
import { kindIcon } from "../base/words";
import { Ago, AssetLink, Card, Choice, DeviceLink, Empty, Facts, Head, KeyText, RunLink, Show, Status, Tabs, Tags } from "../parts/bits";
import { Line, type Point } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { askMaterialize } from "../shell/ask";
import { Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { AssetStatus, lateOn } from "./assets";
import { Partitions } from "./asset_partitions";
import { policyWords, Staleness, StaleNotice, Until } from "./asset_why";
import { devicesPath, named, useDevicesOf } from "./asset_devices";
import { When } from "./automation";
import { DifferNotice } from "./differ_notice";
import { MetadataTable } from "./events";
import { RunTable } from "./runs";

function deviceStatus(row: AssetOnDevice): [string, string] {
  if (!row.defined) return ["none", "no longer defined"];
  if (row.failing) return ["failing", "failing"];
  const fresh = Object.keys(row.freshness ?? {})[0];
  if (fresh && fresh !== "fresh") return [fresh, fresh];
  if (row.external) return ["external", "external"];
  return row.materialized_at ? ["fresh", "made"] : ["never made", "never made"];
}

function PerDevice({ asset, why }: { asset: AssetDetail; why: AssetWhy[] }) {
  const may = useMay("operator");
  const whyOf = useMemo(() => new Map(why.map((one) => [one.device, one])), [why]);
  const hasPolicy = why.some((one) => one.freshness);
  const columns: Column<AssetOnDevice>[] = [
    { name: "Device", by: (r) => r.device, cell: (r) => <DeviceLink name={r.device} /> },
    { name: "Status", by: (r) => deviceStatus(r)[1], cell: (r) => { const [status, word] = deviceStatus(r); return <Status status={status} word={word} />; } },
    { name: "Made", by: (r) => r.materialized_at, cell: (r) => <Ago at={r.materialized_at} /> },
    { name: "Up to date", isExtra: true, by: (r) => whyOf.get(r.device)?.staleness, cell: (r) => { const one = whyOf.get(r.device); return <Staleness of={r.failing && one?.staleness === "FRESH" ? undefined : one} />; } },
    ...(hasPolicy ? [{ name: "Freshness", isExtra: "roomy" as const, by: (r: AssetOnDevice) => whyOf.get(r.device)?.freshness?.until, cell: (r: AssetOnDevice) => <Until of={whyOf.get(r.device)} /> }] : []),
    { name: "Run", isExtra: true, cell: (r) => { const run = r.failing ? r.failed_run ?? r.run : r.run; return run ? <RunLink device={r.device} run={run} /> : "–"; } },
    { name: "Rows", by: (r) => r.row_count, kind: "number", isExtra: true, cell: (r) => count(r.row_count) },
    { name: "Read", by: (r) => r.byte_count, kind: "number", isExtra: true, cell: (r) => bytes(r.byte_count) },
    { name: "Took", by: (r) => r.duration_ms, kind: "number", isExtra: true, cell: (r) => duration(r.duration_ms) },
    { name: "Why", kind: "wide", isExtra: true, cell: (r) => <span class="bad-text" title={r.error?.message}>{r.failing ? r.error?.message ?? "" : ""}</span> },
    { name: "", cell: (r) => may && r.defined && !r.external ? <button type="button" class="small" aria-label={`Materialize on ${r.device}`} title={`Materialize on ${r.device}`} onClick={() => askMaterialize(asset.asset, r.device)}><Icon name="play" size={12} /></button> : null },
  ];
  const answer = useList<AssetOnDevice>(devicesPath(asset.asset), ["asset"], { pageSize: 200, everyMs: 60_000, only: asset.asset });
  return (
    <Show answer={answer} what="devices">
      {(rows) => rows.length === 0 ? <Empty title="No device has this asset now." /> : <Table label="Devices with this asset" rows={rows} columns={columns} rowKey={(r) => r.device} onEnd={answer.more} />}
    </Show>
  );
}

const PLOTS: [string, (m: Materialization) => number | undefined, (n: number) => string][] = [
  ["Rows in the table", (m) => m.row_count, count],
  ["Rows written", (m) => m.rows_written, count],
  ["Bytes read", (m) => m.byte_count, bytes],
  ["Duration", (m) => m.duration_ms, duration],
];
// What is plotted above already, and what is no figure worth a line.
const PLOTTED = new Set(["dagster/row_count", "rows_written", "bytes_read", "duration_s", "rows_read"]);
const EXTRA_PLOTS_MAX = 8;

function Plots({ rows }: { rows: Materialization[] }) {
  const plots = useMemo(() => {
    const found: { label: string; points: Point[]; format: (n: number) => string }[] = [];
    const add = (label: string, of: (m: Materialization) => number | undefined, format: (n: number) => string) => {
      const points: Point[] = [];
      for (const m of rows) {
        const value = of(m);
        if (typeof value === "number") points.push({ at: instant(m.at), value });
      }
      points.sort((a, b) => a.at - b.at);
      if (points.length > 1) found.push({ label, points, format });
    };
    for (const [label, of, format] of PLOTS) add(label, of, format);
    const names = new Set<string>();
    for (const m of rows) for (const [name, value] of Object.entries(m.metadata ?? {})) if (typeof value?.raw_value === "number" && !PLOTTED.has(name)) names.add(name);
    for (const name of [...names].slice(0, EXTRA_PLOTS_MAX)) {
      add(name.replace(/^dagster\//, "").replace(/_bytes$/, "").replace(/_/g, " "), (m) => m.metadata?.[name]?.raw_value as number | undefined, name.endsWith("_bytes") ? (n) => bytes(n) : (n) => (Number.isInteger(n) ? count(n) : brief(n)));
    }
    return found;
  }, [rows]);
  if (plots.length === 0) return <p class="soft pad">It takes two materializations to draw a line.</p>;
  return <div class="plots">{plots.map((plot) => <Line key={plot.label} {...plot} />)}</div>;
}

function History({ asset }: { asset: AssetDetail }) {
  const [device, setDevice] = useParam("device");
  const devices = useDevicesOf(asset).map((row) => row.device);
  const chosen = device || devices[0] || "";
  const answer = useList<Materialization>(chosen ? withQuery(`/assets/${keyPath(asset.asset)}/history`, { device: chosen }) : null, ["asset"], { pageSize: 200, only: asset.asset });
  const columns: Column<Materialization>[] = [
    { name: "Made", cell: (m) => <Ago at={m.at} /> },
    { name: "Run", cell: (m) => m.run ? <RunLink device={m.device} run={m.run} /> : "–" },
    { name: "Partition", isExtra: true, cell: (m) => m.partition_end ? `${m.partition} to ${m.partition_end}` : m.partition ?? "–" },
    { name: "Rows", kind: "number", cell: (m) => count(m.row_count) },
    { name: "Written", kind: "number", cell: (m) => count(m.rows_written) },
    { name: "Read", kind: "number", isExtra: true, cell: (m) => bytes(m.byte_count) },
    { name: "Took", kind: "number", isExtra: true, cell: (m) => duration(m.duration_ms) },
  ];
  return (
    <>
      <div class="tools"><Choice label="Device" value={chosen} onPick={setDevice} options={devices.map((name) => [name, name])} /></div>
      <Show answer={answer} what="materializations">
        {(rows) => rows.length === 0 ? <Empty title={`${chosen || "No device"} has not made it yet.`} />
          : <><Plots rows={rows} /><Table label="Materializations" rows={rows} columns={columns} rowKey={(m) => `${m.device} ${m.seq ?? m.at} ${m.run ?? ""}`} onEnd={answer.more} /></>}
      </Show>
    </>
  );
}

const CHECK_RESULT = (c: Check) => c.passed ? <Status status="passed" /> : <Status status={c.severity === "warn" ? "warn" : "failed"} word={c.severity === "warn" ? "failed, a warning" : "failed"} />;
const found = (c: Check) => Object.entries(c.metadata ?? {}).map(([name, value]) => `${name}: ${String(value?.raw_value)}`).join(", ");

/** How one check ended over time, on one device: a mark each, the newest on the right, and its figures as lines. */
function CheckHistory({ asset, rows }: { asset: string; rows: Check[] }) {
  const [device, setDevice] = useParam("device");
  const [name, setName] = useParam("check");
  const devices = [...new Set(rows.map((c) => c.device))];
  const names = [...new Set(rows.map((c) => c.name))];
  const chosen = device || devices[0] || "";
  const check = name || names[0] || "";
  const answer = useList<Check>(withQuery(`/assets/${keyPath(asset)}/checks`, { device: chosen, check }), ["asset"], { pageSize: 200, only: asset });
  const lines = useMemo(() => {
    const of = new Map<string, Point[]>();
    for (const c of [...(answer.value ?? [])].reverse()) {
      for (const [key, value] of Object.entries(c.metadata ?? {})) {
        if (typeof value?.raw_value === "number") of.set(key, [...(of.get(key) ?? []), { at: instant(c.at), value: value.raw_value }]);
      }
    }
    return [...of].filter(([, points]) => points.length > 1).slice(0, 4);
  }, [answer.value]);
  const columns: Column<Check>[] = [
    { name: "Looked at", cell: (c) => <Ago at={c.at} /> },
    { name: "Result", cell: CHECK_RESULT },
    { name: "Run", isExtra: true, cell: (c) => c.run ? <RunLink device={c.device} run={c.run} /> : "–" },
    { name: "Found", kind: "wide", cell: (c) => <span class="soft">{found(c)}</span> },
  ];
  return (
    <Card title="Over time" side={<span class="button-row"><Choice label="Check" value={check} onPick={setName} options={names.map((one) => [one, one])} /><Choice label="On" value={chosen} onPick={setDevice} options={devices.map((one) => [one, one])} /></span>}>
      <Show answer={answer} what="its history">
        {(all) => all.length === 0 ? <p class="quiet-words soft">It was not evaluated there yet.</p> : (
          <>
            <p class="quiet-words">{count(all.filter((c) => c.passed).length)} of {count(all.length)} passed{answer.hasMore ? " of the newest" : ""}</p>
            {lines.length ? <div class="plots pad">{lines.map(([label, points]) => <Line key={label} label={label} points={points} format={(n) => (Number.isInteger(n) ? count(n) : n.toFixed(2))} />)}</div> : null}
            <Table label="Evaluations" rows={all} columns={columns} rowKey={(c) => `${c.at} ${c.run ?? ""}`} onEnd={answer.more} />
          </>
        )}
      </Show>
    </Card>
  );
}

function Checks({ asset }: { asset: string }) {
  const answer = useList<Check>(withQuery("/checks", { asset }), ["asset"], { pageSize: 200, everyMs: 60_000, only: asset });
  const columns: Column<Check>[] = [
    { name: "Check", by: (c) => c.name, kind: "wide", cell: (c) => c.name },
    { name: "Device", by: (c) => c.device, cell: (c) => <DeviceLink name={c.device} /> },
    { name: "Result", by: (c) => (c.passed ? 1 : 0), cell: CHECK_RESULT },
    { name: "Looked at", by: (c) => c.at, cell: (c) => <Ago at={c.at} /> },
    { name: "Run", isExtra: true, cell: (c) => c.run ? <RunLink device={c.device} run={c.run} /> : "–" },
    { name: "Found", isExtra: true, cell: (c) => <span class="soft">{found(c)}</span> },
  ];
  return (
    <Show answer={answer} what="checks">
      {(rows) => rows.length === 0 ? <Empty title="Nobody asks a question about this asset."><p>Add a check to its definition: <code>{'checks: [{name: has_rows, sql: "select count(*) > 0 from orders"}]'}</code></p></Empty>
        : <><Table label="Checks" rows={rows} columns={columns} rowKey={(c) => `${c.name} ${c.device}`} onEnd={answer.more} /><div class="foot"><CheckHistory asset={asset} rows={rows} /></div></>}
    </Show>
  );
}

function Neighbours({ asset }: { asset: AssetDetail }) {
  const list = (title: string, of: Neighbour[] | undefined, none: string) => (
    <Card title={title} kind="list">
      {of?.length ? <ul class="rows">{of.map((n) => <li><AssetLink name={n.asset} />{n.crosses ? <span class="tag">from device to device</span> : null}</li>)}</ul> : <p class="quiet-words soft">{none}</p>}
    </Card>
  );
  return (
    <div class="two">
      {list("Made from", asset.upstream, "Nothing: this is where data comes in.")}
      {list("Used by", asset.downstream, "Nothing is made from it.")}
    </div>
  );
}

function Runs({ asset }: { asset: string }) {
  const answer = useList<Run>(withQuery("/runs", { asset }), ["run"], { pageSize: 100 });
  return <Show answer={answer} what="runs">{(rows) => rows.length ? <RunTable rows={rows} onEnd={answer.more} label="Runs that touched this asset" /> : <Empty title="No run has touched it yet." />}</Show>;
}

export function AssetPage({ name }: { name: string }) {
  const answer = useQuery<AssetDetail>(`/assets/${keyPath(name)}`, ["asset"], 60_000, name);
  const reasons = useList<AssetWhy>(`/assets/${keyPath(name)}/why`, ["asset"], { pageSize: 1000, everyMs: 60_000, only: name });
  const failingOn = useList<AssetOnDevice>(devicesPath(name, true), ["asset"], { pageSize: 10, everyMs: 60_000, only: name });
  const failingChecks = useList<Check>(withQuery("/checks", { asset: name, failing: "true" }), ["asset"], { pageSize: 1, everyMs: 60_000, only: name });
  const why = reasons.value ?? [];
  const [tab, setTab] = useParam("tab");
  const may = useMay("operator");
  return (
    <Show answer={answer} what="the asset">
      {(asset) => {
        const one = asset.on_devices?.[0];
        const failing = failingOn.value ?? [];
        const late = (asset.on_devices ?? []).filter((row) => !row.failing && lateOn(row) > 0);
        const definition = asset.definitions?.[0]?.definition;
        const next = why.map((w) => w.freshness?.until).filter(Boolean).sort()[0];
        return (
          <>
            <Head title={<KeyText name={asset.asset} />} icon={kindIcon(asset.kinds, asset.external)} sub={<><AssetStatus asset={asset} /> <span class="soft">{asset.description}</span></>}>
              <Link class="button" to={withQuery("/graph", { selection: `+${asset.asset}+` })}><Icon name="graph" size={14} />In the graph</Link>
              {may && !asset.external ? <button type="button" onClick={() => askMaterialize(`${asset.asset}+`, "*")}>With downstream</button> : null}
              {may && !asset.external ? <button type="button" class="primary" onClick={() => askMaterialize(asset.asset, "*")}><Icon name="play" size={14} />Materialize</button> : null}
            </Head>
            <Facts rows={[
              ["Group", asset.group ? <Link to={withQuery("/assets", { group: asset.group })}>{asset.group}</Link> : ""],
              ["Kinds", (asset.kinds ?? []).length ? (asset.kinds ?? []).map((kind) => <Link class="tag" to={withQuery("/assets", { kind })}>{kind}</Link>) : ""],
              ["Owners", (one?.owners ?? asset.owners ?? []).map((owner, i) => <>{i ? ", " : ""}<Link to={withQuery("/assets", { owner })}>{owner}</Link></>)],
              ["Tags", Object.entries(one?.tags ?? asset.tags ?? {}).map(([key, value]) => value ? `${key}=${value}` : key).map((find) => <Link class="tag" to={withQuery("/assets", { find })}>{find}</Link>)],
              ["Made", asset.materialized_at ? <Ago at={asset.materialized_at} /> : ""],
              ["Rows", asset.row_count !== undefined ? count(asset.row_count) : ""],
              ["On", plural(asset.devices, "device")],
              ["Code version", one?.code_version],
              ["Freshness", definition?.freshness ? <>{policyWords(definition.freshness)}{next ? <span class="soft">; next change <Ago at={next} /></span> : null}</> : ""],
            ]} />
            {failing.length ? (
              <div class="failure">
                <Status status="failing" word={`Fails on ${named(failing, asset.failing)}`} />
                <p class="failure-words">{failing[0]?.error?.message}</p>
                {failing[0]?.error?.hint ? <p class="soft">{failing[0].error.hint}</p> : null}
                {failing[0]?.failed_run ? <p><Link to={`/runs/${failing[0].device}/${failing[0].failed_run}`}>See the run that failed</Link></p> : null}
              </div>
            ) : null}
            <StaleNotice asset={asset} why={why} />
            {lateOn(asset) > 0 ? <p class="notice"><Status status="late" word={`Not as fresh as its policy asks on ${named(late, lateOn(asset))}`} /></p> : null}
            <Tabs now={tab || "devices"} onPick={(next) => setTab(next === "devices" ? "" : next)} tabs={[
              ["devices", "Devices"], ...(definition?.partitions ? [["partitions", "Partitions"] as [string, string]] : []), ["history", "Materializations"], ["checks", `Checks${failingChecks.value?.length ? " (failing)" : ""}`],
              ["lineage", "Lineage"], ["runs", "Runs"], ["definition", "Definition"],
            ]} />
            {tab === "history" ? <History asset={asset} /> : tab === "checks" ? <Checks asset={asset.asset} /> : tab === "partitions" ? <Partitions asset={asset} /> : tab === "lineage" ? <Neighbours asset={asset} />
              : tab === "runs" ? <Runs asset={asset.asset} /> : tab === "definition" ? <Definition asset={asset} /> : <PerDevice asset={asset} why={why} />}
          </>
        );
      }}
    </Show>
  );
}

const PARTITION_WORDS: Record<string, string> = { static: "named", dynamic: "dynamic", time: "windows of time" };

/** What cuts it up, in words. */
function PartitionRules({ of }: { of: NonNullable<AssetDefinition["partitions"]> }) {
  if (of.kind === "static") return <>{plural(of.count ?? 0, "key")}</>;
  if (of.kind === "dynamic") return <>of the set <code>{of.set}</code></>;
  return <>{PARTITION_WORDS[of.kind] ?? of.kind}: <When of={{ name: "", cron: of.cron, timezone: of.timezone }} />{of.start ? <span class="soft"> from {of.start.slice(0, 10)}</span> : null}</>;
}

const Names = ({ kind, of }: { kind: "job" | "schedule" | "sensor"; of: string[] | undefined }) =>
  <>{(of ?? []).map((one, i) => <>{i ? ", " : ""}<Link class="thing" to={namedUrl(kind, one)}>{one}</Link></>)}</>;

function factsOf(d: AssetDefinition): [string, preact.ComponentChildren][] {
  const list = (of: string[] | undefined) => (of?.length ? of.map((one) => <code class="wrap">{one}</code>) : "");
  return [
    ["Description", d.description], ["Group", d.group], ["Kinds", (d.kinds ?? []).join(", ")], ["Owners", (d.owners ?? []).join(", ")], ["Tags", Object.keys(d.tags ?? {}).length ? <Tags of={d.tags} /> : ""],
    ["Code version", d.code_version], ["Partitions", d.partitions ? <PartitionRules of={d.partitions} /> : ""], ["Freshness", policyWords(d.freshness)],
    ["Made by itself", d.automation?.replace("_", " ")], ["Step", d.step ? <code>{d.step}</code> : ""], ["Pool", d.pool ? <Link to="/pools">{d.pool}</Link> : ""],
    ["Jobs", d.jobs?.length ? <Names kind="job" of={d.jobs} /> : ""], ["Schedules", d.schedules?.length ? <Names kind="schedule" of={d.schedules} /> : ""], ["Sensors", d.sensors?.length ? <Names kind="sensor" of={d.sensors} /> : ""],
    ["Reads", list(d.reads)], ["Writes", list(d.writes)],
    ["Checks", d.checks?.length ? d.checks.map((c) => <span class="tag" title={c.description}>{c.name}{c.severity === "warn" ? ", a warning" : ""}{c.blocking ? ", blocks what is downstream" : ""}</span>) : ""],
    ...Object.entries(d.metadata ?? {}).map(([name, value]): [string, preact.ComponentChildren] => [name, value]),
  ];
}

function Definition({ asset }: { asset: AssetDetail }) {
  const one = asset.on_devices?.[0];
  const versions = asset.definitions ?? [];
  return (
    <>
      <DifferNotice of={versions.map((v) => v.definition)} />
      {versions.length === 0 ? <Empty title="No device defines it now." /> : versions.map((v) => (
        <Card kind="definition" title={versions.length > 1 ? <>On {plural(v.devices, "device")}{v.devices === 1 ? ` (${v.device})` : `, such as ${v.device}`}</> : "As devices define it"}>
          <Facts rows={factsOf(v.definition)} />
        </Card>
      ))}
      <p class="soft">How it is made (a query, a command) stays on the devices: <code>selvedge-agent explain {asset.asset}</code></p>
      {one?.data_version ? <p class="soft">Data version, as last made on {one.device}: <code class="wrap">{one.data_version}</code></p> : null}
      {one?.metadata ? <Card title={<>Metadata of the last materialization, from {one.device}</>}><MetadataTable of={one.metadata} /></Card> : null}
    </>
  );
}
