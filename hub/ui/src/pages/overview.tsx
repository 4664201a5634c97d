// overview.tsx - the fleet at a glance: what is wrong comes first, then what went on.
import { useMemo } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Alert, Asset, Run } from "../api/types";
import { count, instant, percent, plural } from "../base/format";
import { withQuery } from "../base/keys";
import type { Tone } from "../base/words";
import { Ago, AssetLink, Card, DeviceLink, Empty, Figure, Head, RunLink, Show, Status } from "../parts/bits";
import { Bars, Share, type Bar } from "../parts/chart";
import { AlertWords } from "./alerts";
import { AssetStatus } from "./assets";
import { Link } from "../shell/router";

export interface OverviewAnswer {
  fleet?: string;
  devices?: { total?: number; online?: number; away?: number; never_seen?: number; failing?: number };
  assets?: { total?: number; failing?: number; late?: number; stale?: number };
  runs?: { success?: number; failure?: number; canceled?: number; open?: number; hours?: RunHour[] };
  totals?: Record<string, number>;
  freshness?: Record<string, number>;
  checks_failing?: number; waiting_events?: number; lost_events?: number; alerts?: number | Alert[];
  runs_by_hour?: RunHour[];
  [more: string]: unknown;
}
export interface RunHour { at: string; success?: number; failure?: number; canceled?: number; open?: number }

const HOUR = 3_600_000;

/** A bar per hour of the last day, in the order of time, also for hours without a run. */
export function hourBars(hours: RunHour[], now: number): Bar[] {
  const by = new Map(hours.map((hour) => [Math.floor(instant(hour.at) / HOUR), hour]));
  const last = Math.floor(now / HOUR);
  const bars: Bar[] = [];
  for (let i = last - 23; i <= last; i++) {
    const hour = by.get(i);
    bars.push({
      at: i * HOUR, until: (i + 1) * HOUR,
      parts: [["good", hour?.success ?? 0, "succeeded"], ["bad", hour?.failure ?? 0, "failed"], ["off", hour?.canceled ?? 0, "canceled"], ["busy", hour?.open ?? 0, "under way"]],
    });
  }
  return bars;
}

/** What there is of the members, wherever they stand. */
export function figuresOf(o: OverviewAnswer) {
  const totals = o.totals ?? {};
  const runs = o.runs ?? {};
  return {
    devices: o.devices?.total ?? totals.devices ?? 0,
    online: o.devices?.online ?? totals.online ?? 0,
    away: o.devices?.away ?? totals.away ?? 0,
    devicesFailing: o.devices?.failing ?? 0,
    assets: o.assets?.total ?? totals.assets ?? 0,
    failing: o.assets?.failing ?? totals.failing ?? 0,
    late: o.assets?.late ?? o.freshness?.late ?? 0,
    checks: o.checks_failing ?? totals.checks_failing ?? 0,
    waiting: o.waiting_events ?? totals.waiting_events ?? 0,
    lost: o.lost_events ?? totals.lost_events ?? 0,
    success: runs.success ?? 0, failure: runs.failure ?? 0, canceled: runs.canceled ?? 0, open: runs.open ?? 0,
    hours: o.runs_by_hour ?? runs.hours ?? [],
  };
}

function Attention({ title, to, toWords, children }: { title: string; to: string; toWords: string; children: preact.ComponentChildren }) {
  return <Card title={title} side={<Link to={to}>{toWords}</Link>} kind="list">{children}</Card>;
}

export function OverviewPage() {
  const answer = useQuery<OverviewAnswer>("/overview", ["device", "run", "asset", "alert"], 15_000);
  const alerts = useList<Alert>("/alerts", ["alert"], { pageSize: 100 });
  const failures = useList<Run>(withQuery("/runs", { status: "failure" }), ["run"], { pageSize: 8 });
  const open = useList<Run>(withQuery("/runs", { status: "started" }), ["run"], { pageSize: 8 });
  const failing = useList<Asset>(withQuery("/assets", { status: "failing" }), ["asset"], { pageSize: 50 });
  const bad = useMemo(() => (failing.value ?? []).filter((asset) => asset.failing > 0 || (asset.late ?? 0) > 0).slice(0, 8), [failing.value]);
  const firing = (alerts.value ?? []).filter((alert) => alert.status === "firing");
  return (
    <Show answer={answer} what="the overview">
      {(overview) => {
        const f = figuresOf(overview);
        const ended = f.success + f.failure;
        if (f.devices === 0) {
          return (
            <>
              <Head title="Overview" icon="overview" />
              <Empty title="This hub has no device yet.">
                <p>Make a token on the hub, then enrol a host with it; it shows here as soon as it is on line.</p>
                <pre>selvedge-hub token create{"\n"}selvedge-agent enroll TOKEN --name shop-1</pre>
              </Empty>
            </>
          );
        }
        return (
          <>
            <Head title={overview.fleet ? `Fleet ${overview.fleet}` : "Overview"} icon="overview" sub={verdict(f, firing.length)} />
            <div class="figures">
              <Figure name="Devices on line" value={<>{count(f.online)}<small> of {count(f.devices)}</small></>} tone={f.away > 0 ? "warn" : "good"} to="/devices" note={f.away > 0 ? `${count(f.away)} away` : "none away"} />
              <Figure name="Failing assets" value={count(f.failing)} tone={f.failing > 0 ? "bad" : "good"} to="/assets?status=failing" note={`of ${count(f.assets)}`} />
              <Figure name="Late assets" value={count(f.late)} tone={f.late > 0 ? "warn" : "good"} to="/assets?status=late" note={f.checks > 0 ? `${plural(f.checks, "check")} failing` : "all checks passed"} />
              <Figure name="Runs in 24 h" value={count(ended + f.canceled + f.open)} to="/runs" note={ended ? `${percent(f.success, ended)} succeeded` : "none ended"} />
              <Figure name="Backlog" value={count(f.waiting)} tone={f.lost > 0 ? "bad" : undefined} to="/devices" note={f.lost > 0 ? `${count(f.lost)} events were lost` : "events wait on devices"} />
              <Figure name="Alerts" value={count(firing.length)} tone={firing.length > 0 ? "bad" : "good"} to="/alerts" note={firing.length > 0 ? "firing" : "all quiet"} />
            </div>
            <div class="two">
              <Card title="Runs of the last 24 hours" side={<Link to="/runs">All runs</Link>}>
                <Bars label="Runs per hour" bars={hourBars(f.hours, Date.now())} />
              </Card>
              <Card title="Devices" side={<Link to="/devices">All devices</Link>}>
                <DeviceShare online={f.online} away={f.away} rest={f.devices - f.online - f.away} />
              </Card>
            </div>
            <div class="two">
              <Attention title="Alerts" to="/alerts" toWords="All alerts">
                {firing.length === 0 ? <p class="quiet-words"><Status status="success" word="Nothing is wrong that lasts." /></p>
                  : <ul class="rows">{firing.slice(0, 8).map((alert) => <li><Status status={alert.status} word={alert.kind} /><AlertWords alert={alert} /><Ago at={alert.since} /></li>)}</ul>}
              </Attention>
              <Attention title="Assets that fail or are late" to="/assets?status=failing" toWords="All assets">
                {bad.length === 0 ? <p class="quiet-words"><Status status="success" word="Every asset's last attempt succeeded." /></p>
                  : <ul class="rows">{bad.map((asset) => <li><AssetStatus asset={asset} /><AssetLink name={asset.asset} kinds={asset.kinds} /><Ago at={asset.materialized_at} /></li>)}</ul>}
              </Attention>
              <Attention title="Runs that failed" to="/runs?status=failure" toWords="All of them"><RunRows runs={failures.value} none="No run has failed." tone="good" /></Attention>
              <Attention title="Under way" to="/runs?status=started" toWords="All of them"><RunRows runs={open.value} none="Nothing runs at the moment." tone="off" /></Attention>
            </div>
          </>
        );
      }}
    </Show>
  );
}

function verdict(f: ReturnType<typeof figuresOf>, firing: number): preact.JSX.Element {
  const words = [
    f.failing > 0 ? `${plural(f.failing, "asset")} failing` : "", f.late > 0 ? `${count(f.late)} late` : "",
    f.away > 0 ? `${plural(f.away, "device")} away` : "", firing > 0 ? plural(firing, "alert") : "",
  ].filter(Boolean);
  if (words.length === 0) return <Status status="success" word={`All well: ${plural(f.online, "device")} on line, nothing fails`} />;
  return <Status status={f.failing > 0 || firing > 0 ? "failing" : "late"} word={words.join(", ")} />;
}

function DeviceShare({ online, away, rest }: { online: number; away: number; rest: number }) {
  const parts: [Tone, number, string][] = [["good", online, "on line"], ["warn", away, "away"], ["off", rest, "not seen yet"]];
  return (
    <div class="pad">
      <Share label="Devices" parts={parts} />
      <ul class="legend">{parts.filter((part) => part[1] > 0).map(([tone, n, word]) => <li><Status status={word} tone={tone} word={`${count(n)} ${word}`} /></li>)}</ul>
    </div>
  );
}

function RunRows({ runs, none, tone }: { runs: Run[] | undefined; none: string; tone: Tone }) {
  if (runs === undefined) return <p class="loading" role="status">Loading runs…</p>;
  if (runs.length === 0) return <p class="quiet-words"><Status status={tone} tone={tone} word={none} /></p>;
  return <ul class="rows">{runs.slice(0, 8).map((run) => <li><Status status={run.status} /><RunLink device={run.device} run={run.run} /><span class="grow">{run.job ?? run.selection ?? ""} on <DeviceLink name={run.device} /></span><Ago at={run.started_at ?? run.enqueued_at} /></li>)}</ul>;
}
