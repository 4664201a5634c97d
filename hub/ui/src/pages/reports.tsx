// reports.tsx - what the fleet did in a time, and what needs attention: the report of `selvedge-hub report`.
import { useQuery } from "../api/query";
import { bytes, count, duration, instant, local, percent, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { toneOf } from "../base/words";
import { AssetLink, Card, Choice, DeviceLink, Empty, Figure, Head, Show, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Table, type Column } from "../parts/table";
import { useParam } from "../shell/router";

interface ReportAsset { asset: string; devices?: number; materializations: number; rows_written?: number; bytes_read?: number; duration_avg_ms?: number; duration_max_ms?: number }
interface ReportBad { asset: string; device: string; error?: string | { message?: string }; since?: string; failed_at?: string; name?: string; check?: string; reason?: string }
interface Report {
  fleet?: string; since: string; until: string; runs: { success: number; failure: number; canceled: number; open: number; success_rate?: number };
  freshness?: Record<string, number>; totals: Record<string, number>; assets?: ReportAsset[]; failing?: ReportBad[]; checks_failing?: ReportBad[]; stale?: ReportBad[];
}

const SPANS: [string, string][] = [["1h", "the last hour"], ["24h", "the last 24 hours"], ["7d", "the last week"], ["30d", "the last 30 days"]];

export function ReportsPage() {
  const [since, setSince] = useParam("since");
  const answer = useQuery<Report>(withQuery("/reports", { since: since || "24h" }), [], 60_000);
  const columns: Column<ReportAsset>[] = [
    { name: "Asset", by: (a) => a.asset, kind: "wide", cell: (a) => <AssetLink name={a.asset} /> },
    { name: "Devices", by: (a) => a.devices, kind: "number", isExtra: true, cell: (a) => count(a.devices) },
    { name: "Made", by: (a) => a.materializations, kind: "number", cell: (a) => `${count(a.materializations)} ×` },
    { name: "Rows", by: (a) => a.rows_written, kind: "number", cell: (a) => count(a.rows_written) },
    { name: "Read", by: (a) => a.bytes_read, kind: "number", isExtra: true, cell: (a) => bytes(a.bytes_read) },
    { name: "On average", by: (a) => a.duration_avg_ms, kind: "number", isExtra: true, cell: (a) => duration(a.duration_avg_ms) },
    { name: "Longest", by: (a) => a.duration_max_ms, kind: "number", isExtra: true, cell: (a) => duration(a.duration_max_ms) },
  ];
  return (
    <>
      <Head title="Report" icon="report" sub={answer.value ? `${local(instant(answer.value.since))} to ${local(instant(answer.value.until))}` : null}>
        <Choice label="Time" value={since || "24h"} options={SPANS} onPick={setSince} />
        <button type="button" onClick={() => window.print()}>Print</button>
      </Head>
      <Show answer={answer} what="the report">
        {(report) => {
          const ended = report.runs.success + report.runs.failure;
          const t = report.totals;
          return (
            <>
              <div class="figures">
                <Figure name="Runs" value={count(ended + report.runs.canceled + report.runs.open)} note={ended ? `${percent(report.runs.success, ended)} succeeded` : "none ended"} tone={report.runs.failure ? "bad" : "good"} />
                <Figure name="Materializations" value={count(t.materializations)} />
                <Figure name="Rows written" value={count(t.rows_written)} />
                <Figure name="Read" value={bytes(t.bytes_read)} />
                <Figure name="Devices" value={<>{count(t.online)}<small> of {count(t.devices)} on line</small></>} tone={t.away ? "warn" : "good"} />
                <Figure name="Lost events" value={count(t.lost_events)} tone={t.lost_events ? "bad" : "good"} />
              </div>
              <div class="two">
                <Card title="Runs"><div class="pad"><Share label="Runs" parts={[["good", report.runs.success, "succeeded"], ["bad", report.runs.failure, "failed"], ["off", report.runs.canceled, "canceled"], ["busy", report.runs.open, "under way"]]} />
                  <ul class="legend">{(["success", "failure", "canceled", "open"] as const).filter((name) => report.runs[name] > 0).map((name) => <li><Status status={name === "open" ? "started" : name} word={`${count(report.runs[name])} ${{ success: "succeeded", failure: "failed", canceled: "canceled", open: "under way" }[name]}`} /></li>)}</ul></div></Card>
                <Card title="Freshness">{Object.values(report.freshness ?? {}).some((n) => n > 0)
                  ? <div class="pad"><Share label="Freshness" parts={Object.entries(report.freshness ?? {}).map(([name, n]) => [toneOf(name), n, name])} /><ul class="legend">{Object.entries(report.freshness ?? {}).filter(([, n]) => n > 0).map(([name, n]) => <li><Status status={name} word={`${count(n)} ${name}`} /></li>)}</ul></div>
                  : <p class="quiet-words soft">No asset has a freshness policy.</p>}</Card>
              </div>
              <Card title="Needs attention" kind="list">
                {[...(report.failing ?? []), ...(report.checks_failing ?? []), ...(report.stale ?? [])].length === 0 ? <p class="quiet-words"><Status status="success" word="Nothing." /></p> : (
                  <ul class="rows">
                    {(report.failing ?? []).map((row) => <li><Status status="failing" /><AssetLink name={row.asset} /><span>on <DeviceLink name={row.device} /></span><span class="soft grow">{typeof row.error === "string" ? row.error : row.error?.message}</span></li>)}
                    {(report.checks_failing ?? []).map((row) => <li><Status status="failed" word="check failed" /><AssetLink name={row.asset} /><span>{row.name ?? row.check} on <DeviceLink name={row.device} /></span></li>)}
                    {(report.stale ?? []).map((row) => <li><Status status="stale" /><AssetLink name={row.asset} /><span>on <DeviceLink name={row.device} /></span><span class="soft grow">{row.reason}</span></li>)}
                  </ul>
                )}
              </Card>
              <h2 class="above">What was made</h2>
              {report.assets?.length ? <Table label="Assets made" rows={report.assets} columns={columns} rowKey={(a) => a.asset} /> : <Empty title={`Nothing was made in this time by ${plural(t.devices ?? 0, "device")}.`} />}
            </>
          );
        }}
      </Show>
    </>
  );
}
