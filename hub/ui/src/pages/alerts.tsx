// alerts.tsx - what is wrong, where, since when; and keeping quiet about it for a while.
import { useList } from "../api/query";
import type { Alert, Device, Silence } from "../api/types";
import { count, plural } from "../base/format";
import { deviceUrl, withQuery } from "../base/keys";
import { Ago, At, DeviceLink, Empty, Filter, Head, Show, Status, Tabs } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { TargetsField } from "../parts/targets";
import { ask, request } from "../shell/ask";
import { go, useParam } from "../shell/router";
import { useMay } from "../shell/session";

export function AlertWords({ alert }: { alert: Alert }) {
  return (
    <span class="grow">
      {alert.device ? <DeviceLink name={alert.device} /> : <b>{alert.label}={alert.value}, {plural(alert.devices ?? 0, "device")}</b>}
      {alert.detail ? <span class="soft" title={alert.detail}> {alert.detail}</span> : null}
    </span>
  );
}

const targetsOf = (alert: Alert): string => alert.device ?? `label:${alert.label ?? "site"}=${alert.value ?? ""}`;

function silence({ targets, kind }: { targets: string; kind?: string }, reload: () => void): void {
  ask({
    title: "Silence", confirm: "Silence",
    children: (
      <>
        <p>Nobody is told of {kind ? <>“{kind}” at</> : "anything at"} these devices until then; their open alerts end.</p>
        <TargetsField value={targets} label="Devices" />
        <label>For how long, such as 30m, 8h or 2d<input name="for" required value="8h" class="mono" /></label>
        <label>Reason<input name="reason" placeholder="Such as: new floor is being laid" /></label>
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", "/silences", { targets: form.get("targets"), for: form.get("for"), ...(kind ? { kind } : {}), reason: form.get("reason") }, "Silenced");
      reload();
      return done !== null;
    },
  });
}

function Silences() {
  const answer = useList<Silence>("/silences", ["alert"], { pageSize: 200, everyMs: 30_000 });
  const may = useMay("operator");
  const end = (s: Silence) => ask({
    title: "End this silence?", confirm: "End it", children: <p>What is wrong there is told of again.</p>,
    onConfirm: async () => { const done = await request("DELETE", `/silences/${s.silence}`, undefined, "The silence is over"); answer.reload(); return done !== null; },
  });
  const columns: Column<Silence>[] = [
    { name: "Devices", kind: "wide", by: (s) => s.targets, cell: (s) => <code>{s.targets}</code> },
    { name: "Kind", by: (s) => s.kind, cell: (s) => s.kind ?? "every kind" },
    { name: "Until", by: (s) => s.until, cell: (s) => <><At at={s.until} /> <span class="soft">(<Ago at={s.until} />)</span></> },
    { name: "Why", isExtra: true, cell: (s) => <span class="soft">{s.reason ?? ""}</span> },
    { name: "", cell: (s) => may ? <button type="button" class="small" onClick={() => end(s)}>End…</button> : null },
  ];
  return <Show answer={answer} what="silences">{(rows) => rows.length ? <Table label="Silences" rows={rows} columns={columns} rowKey={(s) => String(s.silence)} /> : <Empty title="Nothing is kept quiet."><p>Choose Silence at an alert, or add one for devices on which people work.</p></Empty>}</Show>;
}

export function AlertsPage() {
  const [tab, setTab] = useParam("show");
  const [device, setDevice] = useParam("device");
  const answer = useList<Alert>(tab === "silences" ? null : withQuery("/alerts", { all: tab === "all" ? "true" : "", device }), ["alert"], { pageSize: 200, everyMs: 30_000 });
  const devices = useList<Device>("/devices", [], { pageSize: 1000 });
  const may = useMay("operator");
  const columns: Column<Alert>[] = [
    { name: "Status", isExtra: true, by: (a) => a.status, cell: (a) => <Status status={a.resolved_at ? "resolved" : a.status} /> },
    { name: "Kind", by: (a) => a.kind, cell: (a) => a.kind },
    { name: "Where and why", kind: "wide", cell: (a) => <AlertWords alert={a} /> },
    { name: "Since", by: (a) => a.since, cell: (a) => <Ago at={a.since} /> },
    ...(tab === "all" ? [{ name: "Over", by: (a: Alert) => a.resolved_at, isExtra: true, cell: (a: Alert) => <Ago at={a.resolved_at} /> }] : []),
    { name: "", cell: (a) => may && !a.resolved_at ? <button type="button" class="small" onClick={() => silence({ targets: targetsOf(a), kind: a.kind }, answer.reload)}><Icon name="pause" size={12} />Silence</button> : null },
  ];
  return (
    <>
      <Head title="Alerts" icon="alert" sub={answer.value ? `${count(answer.value.filter((a) => a.status === "firing").length)} firing` : null}>
        {may ? <button type="button" onClick={() => silence({ targets: device }, answer.reload)}><Icon name="pause" size={14} />Silence…</button> : null}
      </Head>
      <Tabs now={tab || "open"} onPick={(name) => setTab(name === "open" ? "" : name)} tabs={[["open", "Open"], ["all", "With those that are over"], ["silences", "Silences"]]} />
      {tab === "silences" ? <Silences /> : (
        <>
          <div class="tools"><Filter value={device} onInput={setDevice} placeholder="A device's name" label="Alerts of this device" names={devices.value?.map((d) => d.device)} /></div>
          <Show answer={answer} what="alerts">
            {(rows) => rows.length === 0 ? (
              device ? <Empty title={`No alert of ${device} is ${tab === "all" ? "known" : "open"}.`}><button type="button" onClick={() => setDevice("")}>Of all devices</button></Empty>
              : <Empty title="No alert is open."><p>The hub looks every few seconds for devices that are away, assets that fail or are late, full disks, wrong clocks and certificates that end. Where it tells of them: <code>alert_command</code> and <code>alert_webhook</code> in <code>hub.yaml</code>; try it with <code>selvedge-hub alerts test</code>.</p></Empty>
            ) : <Table label="Alerts" rows={rows} columns={columns} rowKey={(a) => String(a.alert)} onEnd={answer.more} onRow={(a) => go(a.device ? deviceUrl(a.device) : withQuery("/devices", { find: `${a.label ?? ""}=${a.value ?? ""}` }))} />}
          </Show>
        </>
      )}
    </>
  );
}
