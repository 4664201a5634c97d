// reports.tsx - the last day on one page that prints well: what ran, what needs somebody, what there is. The same question
// over other times, by site, by mail and on a schedule is answered by `selvedge-hub report`.
import { useList, useQuery } from "../api/query";
import type { Alert, Asset, Check, Device } from "../api/types";
import { count, local, percent, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { toneOf } from "../base/words";
import { Ago, AssetLink, Card, DeviceLink, Empty, Figure, Head, Show, Status } from "../parts/bits";
import { Bars, Share } from "../parts/chart";
import { Table, type Column } from "../parts/table";
import { AlertWords } from "./alerts";
import { AssetStatus } from "./assets";
import { hourBars, type OverviewAnswer } from "./overview";

const COLUMNS: Column<Asset>[] = [
  { name: "Asset", by: (a) => a.asset, kind: "wide", cell: (a) => <AssetLink name={a.asset} /> },
  { name: "Status", cell: (a) => <AssetStatus asset={a} /> },
  { name: "Devices", by: (a) => a.devices, kind: "number", isExtra: true, cell: (a) => count(a.devices) },
  { name: "Made, ever", by: (a) => a.materializations, kind: "number", isExtra: true, cell: (a) => count(a.materializations) },
  { name: "Rows", by: (a) => a.row_count, kind: "number", isExtra: true, cell: (a) => count(a.row_count) },
  { name: "Last made", by: (a) => a.materialized_at, cell: (a) => <Ago at={a.materialized_at} /> },
];

function Attention({ overview }: { overview: OverviewAnswer }) {
  const alerts = useList<Alert>("/alerts", ["alert"], { pageSize: 50 });
  const checks = useList<Check>(withQuery("/checks", { failing: "true" }), ["asset"], { pageSize: 50 });
  const away = useList<Device>(withQuery("/devices", { status: "away" }), ["device"], { pageSize: 50 });
  const failing = overview.failing ?? [];
  if (!alerts.value || !checks.value || !away.value) return <p class="loading pad" role="status">Looking for what needs attention…</p>;
  const open = alerts.value.filter((alert) => !alert.resolved_at);
  if (failing.length + checks.value.length + away.value.length + open.length === 0) return <p class="quiet-words"><Status status="success" word="Nothing: no asset fails, no check, no device is away." /></p>;
  return (
    <ul class="rows">
      {failing.map((row) => <li><Status status="failing" /><AssetLink name={row.asset} /><span class="grow">on <DeviceLink name={row.device} /> <span class="soft">{row.error?.message}</span></span><Ago at={row.failed_at} /></li>)}
      {checks.value.map((row) => <li><Status status={row.severity === "warn" ? "warn" : "failed"} word="check failed" /><AssetLink name={row.asset ?? ""} /><span class="grow">{row.name} on <DeviceLink name={row.device} /></span><Ago at={row.at} /></li>)}
      {away.value.map((row) => <li><Status status="away" /><DeviceLink name={row.device} /><span class="grow soft">{row.offline_reason ?? ""}{row.waiting_events ? `, ${count(row.waiting_events)} events wait on it` : ""}</span><Ago at={row.last_seen_at} /></li>)}
      {open.map((row) => <li><Status status={row.status} word={`alert: ${row.kind}`} /><AlertWords alert={row} /><Ago at={row.since} /></li>)}
    </ul>
  );
}

function Made() {
  const answer = useList<Asset>("/assets", ["asset"], { all: true });
  return <Show answer={answer} what="the assets">{(rows) => rows.length ? <Table label="Assets" rows={rows} columns={COLUMNS} rowKey={(a) => a.asset} /> : <Empty title="There is no asset yet." />}</Show>;
}

export function ReportsPage() {
  const answer = useQuery<OverviewAnswer>("/overview", ["run", "device", "alert"], 60_000);
  const now = Date.now();
  return (
    <>
      <Head title="Report of the last 24 hours" icon="report" sub={`Until ${local(now)}`}><button type="button" onClick={() => window.print()}>Print</button></Head>
      <Show answer={answer} what="the report">
        {(o) => {
          const ended = o.runs_success + o.runs_failure;
          const freshness = Object.entries(o.freshness ?? {}).filter(([, n]) => n > 0);
          return (
            <>
              <div class="figures">
                <Figure name="Runs" value={count(ended + o.runs_canceled)} note={ended ? `${percent(o.runs_success, ended)} succeeded` : "none ended"} tone={o.runs_failure ? "bad" : "good"} />
                <Figure name="Failed runs" value={count(o.runs_failure)} tone={o.runs_failure ? "bad" : "good"} />
                <Figure name="Assets" value={count(o.assets)} note={o.assets_failing ? `${count(o.assets_failing)} failing` : "none failing"} tone={o.assets_failing ? "bad" : "good"} />
                <Figure name="Devices" value={<>{count(o.devices_online)}<small> of {count(o.devices)} on line</small></>} tone={o.devices_away ? "warn" : "good"} />
                <Figure name="Backlog" value={count(o.waiting_events)} note="events wait on devices" />
                <Figure name="Lost events" value={count(o.lost_events)} tone={o.lost_events ? "bad" : "good"} note="ever" />
              </div>
              <Card title="Needs attention" kind="list"><Attention overview={o} /></Card>
              <div class="two">
                <Card title="Runs by hour"><Bars label="Runs per hour" bars={hourBars(o.runs_by_hour, now)} /></Card>
                <Card title="Freshness">{freshness.length
                  ? <div class="pad"><Share label="Freshness" parts={freshness.map(([name, n]) => [toneOf(name), n, name])} /><ul class="legend">{freshness.map(([name, n]) => <li><Status status={name} word={`${count(n)} ${name}`} /></li>)}</ul></div>
                  : <p class="quiet-words soft">No asset has a freshness policy; with one the hub tells when it is late.</p>}</Card>
              </div>
              <h2 class="above">Assets</h2>
              <Made />
              <p class="soft foot">Other times, by site, as HTML, or sent by mail on Mondays: <code>selvedge-hub report --help</code>. {plural(o.deployments_open, "deployment")} under way.</p>
            </>
          );
        }}
      </Show>
    </>
  );
}
