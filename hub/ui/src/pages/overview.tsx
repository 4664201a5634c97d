// overview.tsx - the fleet at a glance: what is wrong comes first, then what went on.
import { useList, useQuery } from "../api/query";
import type { Alert, Asset, FreshnessCounts, Run, RunError } from "../api/types";
import { count, instant, percent, plural } from "../base/format";
import { withQuery } from "../base/keys";
import type { Tone } from "../base/words";
import { Ago, AssetLink, Card, DeviceLink, Empty, Figure, Head, RunLink, Show, Status } from "../parts/bits";
import { Bars, Share, type Bar } from "../parts/chart";
import { AlertWords } from "./alerts";
import { lateOn } from "./assets";
import { Link } from "../shell/router";

export interface OverviewAnswer {
  fleet?: string; version?: string; devices: number; devices_online: number; devices_away: number; devices_out: number; devices_failing: number;
  assets: number; assets_failing: number; checks_failing: number; runs_open: number; runs_success: number; runs_failure: number; runs_canceled: number;
  runs_by_hour: RunHour[]; alerts_open: number; deployments_open: number; lost_events: number; waiting_events: number; refusals_day: number; freshness?: FreshnessCounts;
  failing?: { device: string; asset: string; failed_at: string; failed_run?: string; error?: RunError }[];
}
export interface RunHour { at: string; success?: number; failure?: number; canceled?: number }

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
      parts: [["good", hour?.success ?? 0, "succeeded"], ["bad", hour?.failure ?? 0, "failed"], ["off", hour?.canceled ?? 0, "canceled"]],
    });
  }
  return bars;
}

function Attention({ title, to, toWords, children }: { title: string; to: string; toWords: string; children: preact.ComponentChildren }) {
  return <Card title={title} side={<Link to={to}>{toWords}</Link>} kind="list">{children}</Card>;
}

export function OverviewPage() {
  const answer = useQuery<OverviewAnswer>("/overview", ["device", "run", "asset", "alert"], 15_000);
  const alerts = useList<Alert>("/alerts", ["alert"], { pageSize: 100 });
  const failures = useList<Run>(withQuery("/runs", { status: "failure" }), ["run"], { pageSize: 8 });
  const open = useList<Run>(withQuery("/runs", { status: "started" }), ["run"], { pageSize: 8 });
  const firing = (alerts.value ?? []).filter((alert) => alert.status === "firing");
  return (
    <Show answer={answer} what="the overview">
      {(overview) => {
        const f = overview;
        const late = (f.freshness?.late ?? 0) + (f.freshness?.stale ?? 0);
        const ended = f.runs_success + f.runs_failure;
        if (f.devices === 0) {
          return (
            <>
              <Head title="Overview" icon="overview" />
              <Empty title="This hub has no device yet.">
                <p>Make a token on the hub, then enrol a host with it; it shows here as soon as it is online.</p>
                <pre>selvedge-hub token create{"\n"}selvedge-agent enroll TOKEN --name shop-1</pre>
              </Empty>
            </>
          );
        }
        return (
          <>
            <Head title={overview.fleet ? `Fleet ${overview.fleet}` : "Overview"} icon="overview" sub={verdict(f, late, firing.length)} />
            <div class="figures">
              <Figure name="Devices online" value={<>{count(f.devices_online)}<small> of {count(f.devices - f.devices_out)}</small></>} tone={f.devices_away > 0 ? "warn" : "good"} to={f.devices_away > 0 ? "/devices?status=away" : "/devices"} note={f.devices_away > 0 ? `${count(f.devices_away)} away` : "none away"} />
              <Figure name="Failing assets" value={count(f.assets_failing)} tone={f.assets_failing > 0 ? "bad" : "good"} to={f.assets_failing > 0 ? "/assets?status=failing" : "/assets"} note={`of ${count(f.assets)}`} />
              <Figure name="Late assets" value={count(late)} tone={late > 0 ? "warn" : "good"} to={late > 0 ? "/assets?status=late" : "/assets"} note={f.checks_failing > 0 ? `${plural(f.checks_failing, "check")} failing` : "all checks passed"} />
              <Figure name="Runs in 24 h" value={count(ended + f.runs_canceled)} to="/runs" note={ended ? `${percent(f.runs_success, ended)} succeeded${f.runs_open ? `, ${count(f.runs_open)} under way` : ""}` : `${count(f.runs_open)} under way`} />
              <Figure name="Backlog" value={count(f.waiting_events)} tone={f.lost_events > 0 ? "bad" : undefined} to="/devices" note={f.lost_events > 0 ? `${plural(f.lost_events, "event")} lost` : f.waiting_events ? "events wait on devices" : "nothing waits on a device"} />
              <Figure name="Alerts" value={count(firing.length)} tone={firing.length > 0 ? "bad" : "good"} to="/alerts" note={firing.length > 0 ? "firing" : "all quiet"} />
            </div>
            <div class="two">
              <Card title="Runs of the last 24 hours" side={<Link to="/runs">All runs</Link>}>
                <Bars label="Runs per hour" bars={hourBars(f.runs_by_hour, Date.now())} />
              </Card>
              <Card title="Devices" side={<Link to="/devices">All devices</Link>}>
                <DeviceShare of={f} />
              </Card>
            </div>
            <div class="two">
              <Attention title="Alerts" to="/alerts" toWords="All alerts">
                {firing.length === 0 ? <p class="quiet-words"><Status status="success" word="Nothing is wrong that lasts." /></p>
                  : <ul class="rows">{firing.slice(0, 8).map((alert) => <li><Status status={alert.status} word={alert.kind} /><AlertWords alert={alert} /><Ago at={alert.since} /></li>)}</ul>}
              </Attention>
              <Attention title="Assets that fail" to="/assets?status=failing" toWords="All of them">
                {!f.failing?.length ? <p class="quiet-words"><Status status="success" word="Every asset's last attempt succeeded." /></p>
                  : <ul class="rows">{f.failing.slice(0, 8).map((row) => <li><Status status="failing" /><AssetLink name={row.asset} /><span class="grow">on <DeviceLink name={row.device} /> <span class="soft" title={row.error?.message}>{row.error?.message}</span></span><Ago at={row.failed_at} /></li>)}</ul>}
              </Attention>
              {late > 0 ? <Attention title="Assets that are late" to="/assets?status=late" toWords="All of them"><LateRows /></Attention> : null}
              <Attention title="Runs that failed" to="/runs?status=failure" toWords="All of them"><RunRows runs={failures.value} none="No run has failed." tone="good" /></Attention>
              <Attention title="Under way" to="/runs?status=started" toWords="All of them"><RunRows runs={open.value} none="Nothing runs at the moment." tone="off" /></Attention>
            </div>
          </>
        );
      }}
    </Show>
  );
}

function verdict(f: OverviewAnswer, late: number, firing: number): preact.JSX.Element {
  const words = [
    f.assets_failing > 0 ? `${plural(f.assets_failing, "asset")} failing` : "", late > 0 ? `${count(late)} late` : "",
    f.devices_away > 0 ? `${plural(f.devices_away, "device")} away` : "", firing > 0 ? plural(firing, "alert") : "",
  ].filter(Boolean);
  if (words.length === 0) return <Status status="success" word={`All well: ${plural(f.devices_online, "device")} online, nothing fails`} />;
  return <Status status={f.assets_failing > 0 || firing > 0 ? "failing" : "late"} word={words.join(", ")} />;
}

function DeviceShare({ of: f }: { of: OverviewAnswer }) {
  const rest = Math.max(0, f.devices - f.devices_online - f.devices_away - f.devices_out);
  const parts: [Tone, number, string, string][] = [
    ["good", f.devices_online, "online", "/devices?status=online"], ["warn", f.devices_away, "away", "/devices?status=away"], ["off", rest, "not seen yet", "/devices"], ["idle", f.devices_out, "out of the fleet", "/devices"],
  ];
  return (
    <div class="pad">
      <Share label="Devices" parts={parts.map(([tone, n, word]) => [tone, n, word])} />
      <ul class="legend">
        {parts.filter((part) => part[1] > 0).map(([tone, n, word, to]) => <li><Link to={to} class="plain"><Status status={word} tone={tone} word={`${count(n)} ${word}`} /></Link></li>)}
        {f.devices_failing > 0 ? <li><Link to="/devices?status=failing" class="plain"><Status status="failing" word={`${count(f.devices_failing)} with failing assets`} /></Link></li> : null}
        {f.waiting_events > 0 ? <li><Link to="/devices" class="plain"><Status status="waiting" word={`${plural(f.waiting_events, "event")} waiting`} /></Link></li> : null}
        {f.refusals_day > 0 ? <li><Link to="/devices?tab=refused" class="plain"><Status status="refused" tone="warn" word={`${plural(f.refusals_day, "refusal")} in 24 h`} /></Link></li> : null}
      </ul>
    </div>
  );
}

const LATE_SHOWN = 8;

/** Those of the first thousand assets; the link of the card leads to all. */
function LateRows() {
  const answer = useList<Asset>("/assets", ["asset"], { pageSize: 1000 });
  if (answer.value === undefined) return <p class="loading" role="status">Loading assets…</p>;
  const rows = answer.value.filter((asset) => lateOn(asset) > 0).slice(0, LATE_SHOWN);
  return <ul class="rows">{rows.map((asset) => <li><Status status="late" /><AssetLink name={asset.asset} /><span class="grow soft">on {count(lateOn(asset))} of {plural(asset.devices, "device")}</span><Ago at={asset.materialized_at} /></li>)}</ul>;
}

function RunRows({ runs, none, tone }: { runs: Run[] | undefined; none: string; tone: Tone }) {
  if (runs === undefined) return <p class="loading" role="status">Loading runs…</p>;
  if (runs.length === 0) return <p class="quiet-words"><Status status={tone} tone={tone} word={none} /></p>;
  return <ul class="rows">{runs.slice(0, 8).map((run) => <li><Status status={run.status} /><RunLink device={run.device} run={run.run} /><span class="grow line">{run.job ?? run.selection ?? ""} on <DeviceLink name={run.device} /> <span class="soft" title={run.error?.message}>{run.error?.message}</span></span><Ago at={run.started_at ?? run.enqueued_at} /></li>)}</ul>;
}
