// device.tsx - one device: how it is, what it has run, what it knows and what it was asked.
import { useList, useQuery } from "../api/query";
import type { Asset, Device, LogEvent, Run } from "../api/types";
import { count, duration, instant } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, AssetLink, At, Card, Empty, Facts, Figure, Head, Show, Status, Tabs, Tags } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { command } from "../shell/ask";
import { useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { AssetStatus } from "./assets";
import { deviceStatus } from "./devices";
import { EventTable, unpackEvent } from "./events";
import { RunTable, Timeline } from "./runs";

const DAY = 86_400_000;

function Actions({ device }: { device: Device }) {
  const operator = useMay("operator");
  if (!operator || deviceStatus(device) === "revoked") return null;
  return (
    <>
      <button type="button" onClick={() => void command("ping", {}, device.device, `Ping ${device.device}`)}>Ping</button>
      <button type="button" onClick={() => void command("pause", { what: "schedules" }, device.device, "Pause all schedules")}><Icon name="pause" size={14} />Pause schedules</button>
      <button type="button" onClick={() => void command("resume", { what: "schedules" }, device.device, "Resume all schedules")}><Icon name="play" size={14} />Resume</button>
    </>
  );
}

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

function About({ device }: { device: Device }) {
  return (
    <div class="two">
      <Card title="Device">
        <Facts rows={[
          ["Board", device.board], ["Agent", device.version], ["Serial number", device.serial_number], ["Labels", Object.keys(device.labels ?? {}).length ? <Tags of={device.labels} /> : ""],
          ["Enrolled", device.enrolled_at ? <At at={device.enrolled_at} /> : ""], ["Clock", device.clock_offset_ms !== undefined ? `${count(device.clock_offset_ms)} ms from the hub's` : ""],
        ]} />
      </Card>
      <Card title="Certificate">
        <Facts rows={[
          ["Ends", device.certificate_expires_at ? <><At at={device.certificate_expires_at} /> <span class="soft">(<Ago at={device.certificate_expires_at} />)</span></> : ""],
          ["Fingerprint", device.certificate_fingerprint ? <code class="wrap">{device.certificate_fingerprint}</code> : ""], ["Refused", device.refusal],
        ]} />
      </Card>
      <Card title="Definitions">
        <Facts rows={[["Version", device.definitions_hash ? <code class="wrap">{device.definitions_hash}</code> : "none yet"], ["Since", device.definitions_at ? <At at={device.definitions_at} /> : ""]]} />
      </Card>
    </div>
  );
}

export function DevicePage({ name }: { name: string }) {
  const answer = useQuery<Device>(`/devices/${encodeURIComponent(name)}`, ["device", "run"], 30_000, name);
  const [tab, setTab] = useParam("tab");
  return (
    <Show answer={answer} what="the device">
      {(device) => {
        const left = instant(device.certificate_expires_at) - Date.now();
        return (
          <>
            <Head title={device.device} icon="device" sub={<><Status status={deviceStatus(device)} /> <span class="soft">{device.display_name ?? ""} {device.offline_reason ?? device.status_reason ?? ""}</span></>}><Actions device={device} /></Head>
            <div class="figures">
              <Figure name="Last seen" value={<Ago at={device.last_seen_at} />} note={device.since ? <>{device.status} since <Ago at={device.since} /></> : null} />
              <Figure name="Assets" value={count(device.assets)} note={device.failing ? `${device.failing} failing` : "none failing"} tone={device.failing ? "bad" : "good"} />
              <Figure name="Buffer" value={count(device.waiting_events)} note={device.lost_events ? `${count(device.lost_events)} events were lost` : "events wait"} tone={device.lost_events ? "bad" : undefined} />
              <Figure name="Open runs" value={count(device.runs_open)} />
              <Figure name="Certificate" value={Number.isNaN(left) ? "–" : left < 0 ? "ended" : duration(left)} note="until it ends" tone={left < 7 * DAY ? "warn" : undefined} />
            </div>
            <Tabs now={tab || "runs"} onPick={(next) => setTab(next === "runs" ? "" : next)} tabs={[["runs", "Runs"], ["assets", "Assets"], ["events", "Events"], ["about", "About"]]} />
            {tab === "assets" ? <Assets device={name} /> : tab === "events" ? <Events device={name} /> : tab === "about" ? <About device={device} /> : <Runs device={name} />}
          </>
        );
      }}
    </Show>
  );
}
