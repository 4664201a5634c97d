// alerts.tsx - what is wrong, where, since when; and keeping quiet about it for a while.
import { useList } from "../api/query";
import type { Alert } from "../api/types";
import { count, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, DeviceLink, Empty, Head, Show, Status, Tabs } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, request } from "../shell/ask";
import { useParam } from "../shell/router";
import { useMay } from "../shell/session";

export function AlertWords({ alert }: { alert: Alert }) {
  return (
    <span class="grow">
      {alert.device ? <DeviceLink name={alert.device} /> : <b>{alert.label}={alert.value}, {plural(alert.devices ?? 0, "device")}</b>}
      {alert.detail ? <span class="soft"> {alert.detail}</span> : null}
    </span>
  );
}

function silence(alert: Alert, reload: () => void): void {
  const targets = alert.device ?? `label:${alert.label ?? "site"}=${alert.value ?? ""}`;
  ask({
    title: "Silence", confirm: "Silence",
    children: (
      <>
        <p>Nobody is told of these devices until then; their open alerts end.</p>
        <label>Devices<input name="targets" required value={targets} class="mono" spellcheck={false} /></label>
        <label>For<input name="for" required value="8h" class="mono" /></label>
        <label>Reason<input name="reason" placeholder="Such as: new floor is being laid" /></label>
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", "/silences", { targets: form.get("targets"), for: form.get("for"), kind: alert.kind, reason: form.get("reason") }, "Silenced");
      reload();
      return done !== null;
    },
  });
}

export function AlertsPage() {
  const [tab, setTab] = useParam("show");
  const answer = useList<Alert>(withQuery("/alerts", { all: tab === "all" ? "true" : "" }), ["alert"], { pageSize: 200, everyMs: 30_000 });
  const may = useMay("operator");
  const columns: Column<Alert>[] = [
    { name: "Status", by: (a) => a.status, cell: (a) => <Status status={a.resolved_at ? "resolved" : a.status} /> },
    { name: "Kind", by: (a) => a.kind, cell: (a) => a.kind },
    { name: "Where and why", kind: "wide", cell: (a) => <AlertWords alert={a} /> },
    { name: "Since", by: (a) => a.since, cell: (a) => <Ago at={a.since} /> },
    ...(tab === "all" ? [{ name: "Over", by: (a: Alert) => a.resolved_at, isExtra: true, cell: (a: Alert) => <Ago at={a.resolved_at} /> }] : []),
    { name: "", cell: (a) => may && !a.resolved_at ? <button type="button" class="small" onClick={() => silence(a, answer.reload)}><Icon name="pause" size={12} />Silence</button> : null },
  ];
  return (
    <>
      <Head title="Alerts" icon="alert" sub={answer.value ? `${count(answer.value.filter((a) => a.status === "firing").length)} firing` : null} />
      <Tabs now={tab || "open"} onPick={(name) => setTab(name === "open" ? "" : name)} tabs={[["open", "Open"], ["all", "With those that are over"]]} />
      <Show answer={answer} what="alerts">
        {(rows) => rows.length === 0 ? (
          <Empty title="No alert is open."><p>The hub looks every few seconds for devices that are away, assets that fail or are late, full disks, wrong clocks and certificates that end. Where it tells of them: <code>alert_command</code> and <code>alert_webhook</code> in <code>hub.yaml</code>; try it with <code>selvedge-hub alerts test</code>.</p></Empty>
        ) : <Table label="Alerts" rows={rows} columns={columns} rowKey={(a) => String(a.alert)} onEnd={answer.more} />}
      </Show>
    </>
  );
}
