// devices.tsx - all devices: who is there, who is away, what waits and what was lost; who has not what is wanted of him, who joins.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { Desired, Device } from "../api/types";
import { count, instant, plural, relative } from "../base/format";
import { toneOf } from "../base/words";
import { Ago, Choice, DeviceLink, Empty, Filter, Head, Show, Status, Tabs, Tags } from "../parts/bits";
import { Share } from "../parts/chart";
import { Table, type Column } from "../parts/table";
import { go, useParam } from "../shell/router";
import { deviceUrl, withQuery } from "../base/keys";
import { useMay } from "../shell/session";
import { Joining } from "./joining";
import { Refused } from "./refused";

export function deviceStatus(device: Device): string {
  return device.enrolment && device.enrolment !== "enrolled" ? device.enrolment : device.status;
}

const NEAR_MS = 14 * 86_400_000;
const isEnding = (d: Device): boolean => deviceStatus(d) !== "revoked" && deviceStatus(d) !== "decommissioned" && instant(d.certificate_expires_at) - Date.now() < NEAR_MS;

const COLUMNS: Column<Device>[] = [
  { name: "Device", by: (d) => d.device, kind: "wide", cell: (d) => <><DeviceLink name={d.device} />{d.display_name ? <span class="soft"> {d.display_name}</span> : null}</> },
  { name: "Status", by: deviceStatus, cell: (d) => <Status status={deviceStatus(d)} /> },
  { name: "Last seen", by: (d) => d.last_seen_at, cell: (d) => <Ago at={d.last_seen_at} /> },
  { name: "Assets", by: (d) => d.assets, kind: "number", isExtra: true, cell: (d) => count(d.assets) },
  { name: "Failing", by: (d) => d.failing, kind: "number", cell: (d) => d.failing ? <Status status="failing" word={String(d.failing)} /> : <span class="soft">0</span> },
  { name: "Buffer", by: (d) => d.waiting_events, kind: "number", isExtra: true, cell: (d) => <span title="Events on the device that the hub has not acknowledged">{count(d.waiting_events)}</span> },
  { name: "Lost", by: (d) => d.lost_events, kind: "number", isExtra: true, cell: (d) => d.lost_events ? <Status status="lost" word={count(d.lost_events)} /> : <span class="soft">0</span> },
  { name: "Certificate", by: (d) => d.certificate_expires_at, isExtra: "roomy", cell: (d) => isEnding(d) ? <Status status="ending" word={relative(instant(d.certificate_expires_at), Date.now())} /> : <Ago at={d.certificate_expires_at} /> },
  { name: "Version", by: (d) => d.version, isExtra: true, cell: (d) => d.version ?? "–" },
  { name: "Labels", isExtra: true, cell: (d) => <Tags of={d.labels} /> },
];

function AllDevices() {
  const answer = useList<Device>("/devices", ["device"], { all: true, everyMs: 30_000 });
  const [find, setFind] = useParam("find");
  const [status, setStatus] = useParam("status");
  const rows = useMemo(() => {
    const words = find.toLowerCase().split(/\s+/).filter(Boolean);
    return (answer.value ?? []).filter((d) => {
      if (status === "failing" ? !d.failing : status === "ending" ? !isEnding(d) : status && deviceStatus(d) !== status) return false;
      const text = [d.device, d.display_name, d.version, d.board, ...Object.entries(d.labels ?? {}).map(([k, v]) => `${k}=${v}`)].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [answer.value, find, status]);
  const counts = useMemo(() => {
    const by = new Map<string, number>();
    for (const d of answer.value ?? []) by.set(deviceStatus(d), (by.get(deviceStatus(d)) ?? 0) + 1);
    return [...by].sort((a, b) => b[1] - a[1]);
  }, [answer.value]);
  return (
    <>
      <div class="tools">
        <Filter value={find} onInput={setFind} placeholder="Name or label, such as site=berlin" label="Filter devices" />
        <Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ["online", "online"], ["away", "away"], ["failing", "with failing assets"], ["ending", "with a certificate near its end"], ["revoked", "revoked"], ["decommissioned", "decommissioned"]]} />
        {answer.value ? <span class="soft">{plural(answer.value.length, "device")}{counts.length ? `: ${counts.map(([name, n]) => `${count(n)} ${name}`).join(", ")}` : ""}</span> : null}
        {counts.length > 0 ? <Share label="Devices by status" parts={counts.map(([name, n]) => [toneOf(name), n, name])} /> : null}
      </div>
      <Show answer={answer} what="devices">
        {(all) => all.length === 0 ? (
          <Empty title="No device has joined this hub yet.">
            <p>Make a token under “Joining”, or on the hub, then enrol a host with it:</p>
            <pre>selvedge-hub token create{"\n"}selvedge-agent enroll TOKEN --name shop-1</pre>
          </Empty>
        ) : rows.length === 0 ? <Empty title="No device matches."><button type="button" onClick={() => go("/devices")}>Show all devices</button></Empty>
          : <Table label="Devices" rows={rows} columns={COLUMNS} rowKey={(d) => d.device} onRow={(d) => go(deviceUrl(d.device))} />}
      </Show>
    </>
  );
}

const DESIRED_COLUMNS: Column<Desired>[] = [
  { name: "Device", by: (d) => d.device, cell: (d) => <DeviceLink name={d.device} /> },
  { name: "State", by: (d) => d.state, cell: (d) => <Status status={d.state} /> },
  { name: "Wanted", by: (d) => d.wanted, kind: "number", cell: (d) => d.wanted },
  { name: "In force", by: (d) => d.in_force, kind: "number", cell: (d) => d.in_force || "none" },
  { name: "Behind since", by: (d) => d.since, cell: (d) => <Ago at={d.since} /> },
  { name: "It last said", by: (d) => d.told_at, isExtra: true, cell: (d) => <Ago at={d.told_at} /> },
  { name: "Why", kind: "wide", cell: (d) => <span class="soft" title={d.reason ?? d.conflicts}>{d.reason ?? d.conflicts ?? ""}</span> },
];

/** Which devices have not what is wanted of them. */
function DesiredOfAll() {
  const [show, setShow] = useParam("show");
  const answer = useList<Desired>(withQuery("/desired", show === "all" ? {} : { pending: "true" }), ["device"], { pageSize: 500, everyMs: 15_000 });
  return (
    <>
      <div class="tools"><Choice label="Devices" value={show} onPick={setShow} options={[["", "behind what is wanted"], ["all", "all with something wanted"]]} /></div>
      <Show answer={answer} what="what is wanted">
        {(rows) => rows.length ? <Table label="Desired state by device" rows={rows} columns={DESIRED_COLUMNS} rowKey={(d) => d.device} onEnd={answer.more} onRow={(d) => go(deviceUrl(d.device))} />
          : show === "all" ? <Empty title="Nothing is wanted of any device."><p>Schedules, pauses and settings for many devices, which hold without the hub: <code>selvedge-hub desired set FILE --to 'label:site=berlin'</code></p></Empty>
          : <Empty title="Every device has what is wanted of it."><button type="button" onClick={() => setShow("all")}>Show what is wanted</button></Empty>}
      </Show>
    </>
  );
}

export function DevicesPage() {
  const [tab] = useParam("tab");
  const admin = useMay("admin");
  const tabs: [string, string][] = [["all", "All devices"], ["desired", "Desired state"], ["refused", "Refused"], ...(admin ? ([["joining", "Joining"]] as [string, string][]) : [])];
  return (
    <>
      <Head title="Devices" icon="device" />
      <Tabs now={tab || "all"} onPick={(next) => go(next === "all" ? "/devices" : `/devices?tab=${next}`)} tabs={tabs} />
      {tab === "desired" ? <DesiredOfAll /> : tab === "refused" ? <Refused /> : tab === "joining" && admin ? <Joining /> : <AllDevices />}
    </>
  );
}
