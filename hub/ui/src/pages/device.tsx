// device.tsx - one device: how it is, what happened to it, what it has run, knows and was asked.
import { useList, useQuery } from "../api/query";
import type { Asset, Certificate, Command, DefinitionsChange, DeviceDetail, LogEvent, Run } from "../api/types";
import { differences } from "../base/differs";
import { bytes, count, instant, plural, relative } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, AssetLink, At, Card, Empty, Facts, Figure, Head, Show, Status, Tabs, Tags } from "../parts/bits";
import { Table, type Column } from "../parts/table";
import { ask, request } from "../shell/ask";
import { Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { AssetStatus } from "./assets";
import { CommandTable } from "./commands";
import { DeviceActions } from "./device_acts";
import { DeviceTime } from "./device_time";
import { deviceStatus } from "./devices";
import { EventTable, unpackEvent } from "./events";
import { RunTable, Timeline } from "./runs";

const DAY = 86_400_000;
const pathOf = (device: string, part: string) => `/devices/${encodeURIComponent(device)}/${part}`;

// ---- lists ----

function Assets({ device }: { device: string }) {
  const answer = useList<Asset>(withQuery("/assets", { device }), ["asset"], { all: true, only: device });
  const columns: Column<Asset>[] = [
    { name: "Asset", by: (a) => a.asset, kind: "wide", cell: (a) => <AssetLink name={a.asset} kinds={a.kinds ?? []} isExternal={a.external} /> },
    { name: "Status", by: (a) => String(a.failing), cell: (a) => <AssetStatus asset={{ ...a, devices: 1, failing: Number(a.failing) }} /> },
    { name: "Made", by: (a) => a.materialized_at, cell: (a) => <Ago at={a.materialized_at} /> },
    { name: "Rows", by: (a) => a.row_count, kind: "number", isExtra: true, cell: (a) => count(a.row_count) },
    { name: "Group", by: (a) => a.group, isExtra: true, cell: (a) => a.group ?? "–" },
  ];
  return <Show answer={answer} what="its assets">{(rows) => rows.length ? <Table label="Assets of this device" rows={rows} columns={columns} rowKey={(a) => a.asset} /> : <Empty title="It has not told of any asset yet." />}</Show>;
}

function Runs({ device }: { device: string }) {
  const answer = useList<Run>(withQuery("/runs", { device }), ["run"], { pageSize: 200, only: device });
  return <Show answer={answer} what="its runs">{(rows) => rows.length ? <><Timeline runs={rows.slice(0, 300)} by="job" /><RunTable rows={rows} onEnd={answer.more} /></> : <Empty title="It has not run anything yet." />}</Show>;
}

function Events({ device }: { device: string }) {
  const answer = useList<LogEvent>(withQuery("/events", { device }), ["device", "run"], { pageSize: 300, only: device });
  return <Show answer={answer} what="its events">{(rows) => rows.length ? <EventTable rows={rows.map(unpackEvent)} /> : <Empty title="No event of it has arrived yet." />}</Show>;
}

function Commands({ device }: { device: string }) {
  const answer = useList<Command>(withQuery("/commands", { device }), ["command"], { pageSize: 100, everyMs: 30_000 });
  return <Show answer={answer} what="its commands">{(rows) => rows.length ? <CommandTable rows={rows} onEnd={answer.more} /> : <Empty title="It was not asked for anything yet."><p>Choose “Ask it…” above.</p></Empty>}</Show>;
}

function Names({ sign, names, all }: { sign: string; names: string[]; all: number }) {
  if (all === 0) return null;
  return <li><b>{plural(all, "asset")} {sign}</b> <span class="key-list">{names.slice(0, 30).map((name) => <AssetLink key={name} name={name} />)}</span>{all > 30 ? <span class="soft"> and {count(all - Math.min(30, names.length))} more</span> : null}</li>;
}

function Definitions({ device }: { device: DeviceDetail }) {
  const answer = useList<DefinitionsChange>(pathOf(device.device, "definitions"), ["asset"], { pageSize: 50, only: device.device });
  return (
    <>
      {device.health?.definitions_refused ? <div class="failure"><Status status="refused" word="Its newest definitions were refused" /><p class="failure-words">{device.health.definitions_refused}</p></div> : null}
      {device.definitions_told && device.definitions_told !== device.definitions_hash ? <p class="notice">It has others by now (<code>{device.definitions_told.slice(0, 12)}</code>); they are on their way here.</p> : null}
      <Show answer={answer} what="how its definitions changed">
        {(rows) => rows.length ? (
          <ol class="changes">
            {rows.map((row, i) => (
              <li class="card" key={`${row.epoch} ${row.seq}`}>
                <div class="card-head"><h2><At at={row.at} /> <span class="soft">(<Ago at={row.at} />)</span></h2><span class="card-side">{row.in_force ? <Status status="in_force" /> : null}<code title={row.hash}>{row.hash.slice(0, 12)}</code><span class="soft">{plural(row.assets, "asset")}</span></span></div>
                <ul class="pad">
                  <Names sign="added" names={row.added} all={row.added_count} /><Names sign="changed" names={row.changed} all={row.changed_count} /><Names sign="removed" names={row.removed} all={row.removed_count} />
                  {row.added_count + row.changed_count + row.removed_count === 0 ? <li class="soft">{i + 1 === rows.length && !answer.hasMore ? "The first that are known, without an asset." : "No asset is another; schedules, jobs or settings are."}</li> : null}
                </ul>
              </li>
            ))}
            {answer.hasMore ? <li><button type="button" onClick={answer.more}>Show earlier ones</button></li> : null}
          </ol>
        ) : <Empty title="It has not told of its definitions yet." />}
      </Show>
    </>
  );
}

// ---- cards ----

const CAUSES: Record<string, string> = { enrolled: "when it joined", renewed: "as a renewal", recovered: "after the one before had expired" };

function CertificateCard({ device }: { device: DeviceDetail }) {
  const answer = useList<Certificate>(pathOf(device.device, "certificates"), ["device"], { pageSize: 20, only: device.device });
  const renewals = (answer.value ?? []).filter((c) => c.cause !== "enrolled").length;
  return (
    <Card title="Certificate" side={answer.value ? <span class="soft">{renewals ? `${plural(renewals, "renewal")}${answer.hasMore ? " and more" : ""}` : "not renewed yet"}</span> : null}>
      <Facts rows={[
        ["Valid until", device.certificate_expires_at ? <><At at={device.certificate_expires_at} /> <span class="soft">(<Ago at={device.certificate_expires_at} />)</span></> : "no certificate"],
        ["Fingerprint", device.certificate_fingerprint ? <code class="wrap">{device.certificate_fingerprint}</code> : ""], ["Its key", device.key_fingerprint ? <code class="wrap">{device.key_fingerprint}</code> : ""],
        ["Last refused", device.refusal ? <>{device.refusal} <Ago at={device.refusal_at} /> <Link to={withQuery("/devices", { tab: "refused", peer: device.device })}>All</Link></> : ""],
      ]} />
      <Show answer={answer} what="its certificates">
        {(rows) => rows.length ? (
          <ul class="rows long">
            {rows.map((c) => (
              <li key={c.serial}><Status status={c.state} word={c.state === "ending" ? "near its end" : undefined} /><span class="grow soft" title={`Serial ${c.serial}\nFingerprint ${c.fingerprint}`}><code>{c.serial.slice(0, 12)}</code> issued {CAUSES[c.cause] ?? c.cause} <Ago at={c.issued_at} />; {c.revoked_at ? <>revoked <Ago at={c.revoked_at} /></> : <>until <At at={c.expires_at} /></>}</span></li>
            ))}
          </ul>
        ) : <p class="quiet-words soft">None was issued by this hub.</p>}
      </Show>
      {answer.hasMore ? <p class="pad"><button type="button" onClick={answer.more}>Show earlier ones</button></p> : null}
    </Card>
  );
}

const said = (value: string | undefined): string => (value === "yes" ? "" : value ?? ""); // a name in a list: it is there, and that is all

function Differs({ device }: { device: DeviceDetail }) {
  const desired = device.desired;
  if (!desired?.content || desired.state === "in force") return null;
  if (desired.in_force && !desired.content_in_force && desired.in_force !== desired.wanted) return <p class="quiet-words soft">What it has in force, revision {desired.in_force}, is not known here (any more).</p>;
  const rows = differences(desired.content, desired.in_force === desired.wanted ? desired.content : desired.content_in_force);
  if (rows.length === 0) return null;
  return (
    <ul class="rows differs" aria-label="What differs">
      {rows.slice(0, 100).map((row) => <li key={row.path}><code class="grow">{row.path}</code><span>{row.wanted === undefined ? <><Status status="off" word="to go" /> <span class="soft">{said(row.has)}</span></> : row.has === undefined ? <><Status status="drift" word="missing" /> <span class="soft">{said(row.wanted)}</span></> : <><Status status="drift" word={row.has} /> <span class="soft">wanted {row.wanted}</span></>}</span></li>)}
    </ul>
  );
}

function DesiredCard({ device }: { device: DeviceDetail }) {
  const desired = device.desired;
  const { wanted, current } = device.bundle;
  const bundle = wanted === undefined ? "" : wanted === current || (wanted === "" && !current) ? <Status status="in_force" word={wanted ? `${wanted.slice(0, 12)} is in force` : "its own file, as wanted"} />
    : <><Status status="drift" word="not what is wanted" /> <span class="soft">wanted {wanted ? <code>{wanted.slice(0, 12)}</code> : "its own file"}, has {current ? <code>{current.slice(0, 12)}</code> : "its own file"}</span></>;
  const isBehind = desired && desired.state !== "in force" && desired.state !== "nothing wanted";
  return (
    <Card title="Desired state" side={<Link to="/devices?tab=desired">Of the fleet</Link>}>
      {desired || wanted !== undefined ? (
        <Facts rows={[
          ["State", desired ? <><Status status={desired.state} />{desired.since ? <span class="soft"> since <Ago at={desired.since} /></span> : null}</> : ""],
          ["Revision", desired ? <>{desired.wanted} is wanted, {desired.in_force || "none"} is in force{isBehind && desired.told_at ? <span class="soft">; it last said so <Ago at={desired.told_at} /></span> : null}</> : ""],
          ["It says", desired?.reason], ["Conflicts", desired?.conflicts ? <pre>{desired.conflicts}</pre> : ""],
          ["Bundle", bundle], ["Bundle said", device.bundle.status ? <><Status status={device.bundle.status} /> <span class="soft">{device.bundle.reason ?? ""} <Ago at={device.bundle.told_at} /></span></> : ""],
          ["Deployment", device.bundle.deployment ? <Link to={`/deployments/${device.bundle.deployment}`} class="mono">{device.bundle.deployment}</Link> : ""],
          ["Wanted", desired?.content ? <details><summary>Schedules, pauses and settings</summary><pre>{JSON.stringify(desired.content, null, 2)}</pre></details> : ""],
        ]} />
      ) : <p class="quiet-words soft">Nothing is wanted of it but what its own file says. On the hub: <code>selvedge-hub desired set</code>, <code>selvedge-hub deploy</code>.</p>}
      <Differs device={device} />
    </Card>
  );
}

function DeviceCard({ device }: { device: DeviceDetail }) {
  const h = device.health;
  const disk = h?.disk_free_bytes !== undefined ? `${bytes(h.disk_free_bytes)} free${h.disk_total_bytes ? ` of ${bytes(h.disk_total_bytes)}` : ""}${h.database_bytes ? `, ${bytes(h.database_bytes)} its database` : ""}` : "";
  return (
    <Card title="Device">
      <Facts rows={[
        ["Labels", Object.keys(device.labels ?? {}).length ? <Tags of={device.labels} /> : ""], ["Board", device.board], ["Agent", device.version], ["Serial number", device.serial_number],
        ["Enrolled", device.enrolled_at ? <At at={device.enrolled_at} /> : ""],
        ["Clock", device.clock_trusted === false ? "not set yet" : device.clock_offset_ms !== undefined ? `${count(device.clock_offset_ms)} ms from the hub's` : ""],
        ["Started", device.starts ? `${plural(device.starts, "time")}${device.epochs && device.epochs > 1 ? `, with ${device.epochs} databases` : ""}` : ""],
        ["Disk", disk], ["Flash", h?.flash_used_percent !== undefined ? `${h.flash_used_percent} % of its life is used` : ""],
        ["Buffer", h?.buffer_bytes !== undefined ? `${plural(h.buffer_events ?? 0, "event")}, ${bytes(h.buffer_bytes)}${h.buffer_quota_bytes ? ` of ${bytes(h.buffer_quota_bytes)} at most` : ""}` : ""],
        ["Measured", h?.at ? <Ago at={h.at} /> : ""],
        ["Places in pools", device.pools.length ? device.pools.map((p) => `${p.pool}: ${p.granted} of ${p.wanted}`).join(", ") : ""],
      ]} />
    </Card>
  );
}

interface Gap { epoch: string; from_seq: number; seq: number; events: number; at: string; reason?: string; dropped?: Record<string, number> }
interface Aside { epoch: string; at: string; why?: string; first?: number; last?: number; differs_at?: number; times?: number }

function AsideCard({ device, reload }: { device: DeviceDetail; reload: () => void }) {
  const admin = useMay("admin");
  const accept = (epoch: string) => ask({
    title: `Listen to ${device.device} again?`, confirm: "Listen to it", children: <><p>Two hosts have spoken with this identity, and the database {epoch} was known later. Do it when there is one of them only; else give the other a name of its own by enrolling it anew.</p></>,
    onConfirm: async () => { const done = await request("POST", `/devices/${encodeURIComponent(device.device)}/clones/accept`, { epoch }, "It is listened to again"); reload(); return done !== null; },
  });
  const gaps = useList<Gap>(device.lost_events ? pathOf(device.device, "gaps") : null, ["device"], { pageSize: 50, only: device.device });
  const batches = useList<Aside>(device.quarantined ? withQuery("/quarantine", { device: device.device }) : null, ["device"], { only: device.device });
  const clones = useList<Aside>(device.cut_off ? withQuery("/clones", { device: device.device }) : null, ["device"], { only: device.device });
  if (!device.lost_events && !device.quarantined && !device.cut_off) return null;
  return (
    <Card title="Lost, and kept aside">
      <ul class="rows long">
        {(gaps.value ?? []).map((g) => <li key={`g${g.epoch}${g.seq}`}><Status status="lost" word={plural(g.events, "event")} /><span class="grow soft">{g.from_seq} to {g.seq} of {g.epoch}{g.reason ? `: ${g.reason}` : ""} {g.dropped ? `(${Object.entries(g.dropped).map(([type, n]) => `${n} ${type}`).join(", ")})` : ""}</span><Ago at={g.at} /></li>)}
        {(clones.value ?? []).map((c) => <li key={`c${c.epoch}`}><Status status="refused" word="not listened to" /><span class="grow soft">database {c.epoch}: {c.why}</span><Ago at={c.at} />{admin ? <button type="button" class="small" onClick={() => accept(c.epoch)}>Listen to it again…</button> : null}</li>)}
        {(batches.value ?? []).map((q) => <li key={`q${q.epoch}${q.first}`}><Status status="warn" word="kept aside" /><span class="grow soft">{q.first} to {q.last} of {q.epoch} say otherwise than the log from {q.differs_at} on{(q.times ?? 1) > 1 ? `; came ${q.times} times` : ""}</span><Ago at={q.at} /></li>)}
      </ul>
      {gaps.hasMore ? <p class="pad"><button type="button" onClick={gaps.more}>Show more</button></p> : null}
    </Card>
  );
}

function Alerts({ device }: { device: DeviceDetail }) {
  if (device.alerts.length === 0) return null;
  return (
    <Card title="Alerts" side={<Link to={withQuery("/alerts", { device: device.device, show: "all" })}>With those that are over</Link>}>
      <ul class="rows long">{device.alerts.map((a) => <li key={a.kind}><Status status="firing" word={a.kind} /><span class="grow">{a.detail}</span><Ago at={a.opened_at} /></li>)}</ul>
    </Card>
  );
}

function Overview({ device, reload }: { device: DeviceDetail; reload: () => void }) {
  return (
    <>
      <DeviceTime name={device.device} enrolledAt={device.enrolled_at} />
      <Alerts device={device} />
      <div class="two">
        <div><DesiredCard device={device} /><CertificateCard device={device} /></div>
        <DeviceCard device={device} />
      </div>
      <AsideCard device={device} reload={reload} />
    </>
  );
}

export function DevicePage({ name }: { name: string }) {
  const answer = useQuery<DeviceDetail>(`/devices/${encodeURIComponent(name)}`, ["device", "run", "command", "alert"], 30_000, name);
  const [tab, setTab] = useParam("tab");
  return (
    <Show answer={answer} what="the device">
      {(device) => {
        const left = instant(device.certificate_expires_at) - Date.now();
        const status = deviceStatus(device);
        const isOut = status === "revoked" || status === "decommissioned";
        const todo = device.commands.filter((c) => c.verb !== "logs").length; // whoever looks at output gives one a minute
        return (
          <>
            <Head title={device.device} icon="device" sub={<><Status status={status} /> <span class="soft">{device.display_name ?? ""} {isOut ? device.status_reason ?? "" : device.offline_reason ?? device.status_reason ?? ""}</span></>}><DeviceActions device={device} reload={answer.reload} /></Head>
            <div class="figures">
              <Figure name="Last seen" value={<Ago at={device.last_seen_at} />} note={isOut ? <>{status} <Ago at={device.status_since} /></> : device.since ? <>{device.status} since <Ago at={device.since} /></> : null} />
              <Figure name="Assets" value={count(device.assets)} note={device.failing ? `${device.failing} failing` : "none failing"} tone={device.failing ? "bad" : "good"} />
              <Figure name="Buffer" value={count(device.waiting_events)} note={device.lost_events ? `${plural(device.lost_events, "event")} lost` : device.waiting_events ? "events wait for the hub" : "nothing waits"} tone={device.lost_events ? "bad" : undefined} />
              <Figure name="Open runs" value={count(device.runs_open)} note={todo ? `${plural(todo, "command")} to do` : null} />
              <Figure name="Certificate" value={Number.isNaN(left) ? "–" : left < 0 ? "ended" : relative(instant(device.certificate_expires_at), Date.now()).replace(/^in /, "")} note={left < 0 ? <Ago at={device.certificate_expires_at} /> : "until it ends"} tone={left < 7 * DAY ? "warn" : undefined} />
            </div>
            <Tabs now={tab || "overview"} onPick={(next) => setTab(next === "overview" ? "" : next)} tabs={[["overview", "Overview"], ["runs", "Runs"], ["assets", "Assets"], ["commands", "Commands"], ["definitions", "Definitions"], ["events", "Events"]]} />
            {tab === "assets" ? <Assets device={device.device} /> : tab === "events" ? <Events device={device.device} /> : tab === "runs" ? <Runs device={device.device} />
              : tab === "commands" ? <Commands device={device.device} /> : tab === "definitions" ? <Definitions device={device} /> : <Overview device={device} reload={answer.reload} />}
          </>
        );
      }}
    </Show>
  );
}
