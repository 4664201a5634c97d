// deployments.tsx - definitions given to devices in waves, and how far each is.
import { useList, useQuery } from "../api/query";
import type { Deployment } from "../api/types";
import { count, percent } from "../base/format";
import { Ago, At, Card, DeviceLink, Empty, Facts, Head, Show, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Table, type Column } from "../parts/table";
import { ask, request } from "../shell/ask";
import { go, Link } from "../shell/router";
import { useMay } from "../shell/session";
import type { Tone } from "../base/words";

interface WaveTally { wave?: number; devices?: number; asked?: number; under_way?: number; healthy?: number; failed?: number; rolled_back?: number; away?: number }
interface DeployDevice { device: string; wave: number; state: string; online?: boolean; taken_back?: boolean; reason?: string; asked_at?: string; at?: string }
interface DeploymentDetail extends Deployment { device_list?: DeployDevice[] }

const partsOf = (t: WaveTally): [Tone, number, string][] => [
  ["good", t.healthy ?? 0, "healthy"], ["busy", t.under_way ?? 0, "under way"], ["bad", (t.failed ?? 0), "failed"], ["warn", t.rolled_back ?? 0, "rolled back"], ["warn", t.away ?? 0, "away"],
  ["idle", Math.max(0, (t.devices ?? 0) - (t.asked ?? 0)), "not asked yet"],
];

function Progress({ of }: { of: WaveTally }) {
  return <span class="share-words"><Share parts={partsOf(of)} label="Devices" /><span class="soft">{count(of.healthy ?? 0)} of {count(of.devices ?? 0)} healthy</span></span>;
}

/** How each wave stands, counted from its devices. */
export function tallyWaves(devices: DeployDevice[]): WaveTally[] {
  const waves = new Map<number, Required<Pick<WaveTally, "devices" | "asked" | "under_way" | "healthy" | "failed" | "rolled_back" | "away">>>();
  for (const device of devices) {
    const wave = waves.get(device.wave) ?? { devices: 0, asked: 0, under_way: 0, healthy: 0, failed: 0, rolled_back: 0, away: 0 };
    waves.set(device.wave, wave);
    wave.devices++;
    if (device.state === "waiting") continue;
    wave.asked++;
    if (device.state === "healthy") wave.healthy++;
    else if (device.state === "rolled_back") wave.rolled_back++;
    else if (device.state === "failed" || device.state === "refused") wave.failed++;
    else if (device.online === false) wave.away++;
    else wave.under_way++;
  }
  return [...waves].sort((a, b) => a[0] - b[0]).map(([wave, tally]) => ({ wave, ...tally }));
}

const COLUMNS: Column<Deployment>[] = [
  { name: "Deployment", cell: (d) => <Link class="thing mono" to={`/deployments/${d.deployment}`}>{d.deployment}</Link> },
  { name: "Status", by: (d) => d.status, cell: (d) => <Status status={d.status} /> },
  { name: "Progress", kind: "wide", cell: (d) => <Progress of={d} /> },
  { name: "To", isExtra: true, cell: (d) => <code>{d.to}</code> },
  { name: "From", isExtra: true, cell: (d) => <span class="soft">{d.source ?? ""}</span> },
  { name: "Began", by: (d) => d.made_at, cell: (d) => <Ago at={d.made_at} /> },
];

export function DeploymentsPage() {
  const answer = useList<Deployment>("/deployments", ["deployment"], { pageSize: 100, everyMs: 30_000 });
  return (
    <>
      <Head title="Deployments" icon="deploy" sub={answer.value ? `${count(answer.value.length)} shown, newest first` : null} />
      <Show answer={answer} what="deployments">
        {(rows) => rows.length ? <Table label="Deployments" rows={rows} columns={COLUMNS} rowKey={(d) => d.deployment} onEnd={answer.more} onRow={(d) => go(`/deployments/${d.deployment}`)} />
          : <Empty title="No definitions were rolled out from this hub yet."><p>A folder of definitions goes to devices in waves, and stops by itself when they do no good:</p><pre>selvedge-hub deploy ./definitions --to 'label:site=berlin' --wave 1,10%,100%</pre></Empty>}
      </Show>
    </>
  );
}

export function DeploymentPage({ id }: { id: string }) {
  const answer = useQuery<DeploymentDetail>(`/deployments/${encodeURIComponent(id)}`, ["deployment"], 5000);
  const may = useMay("operator");
  const columns: Column<DeployDevice>[] = [
    { name: "Device", by: (d) => d.device, cell: (d) => <DeviceLink name={d.device} /> },
    { name: "Wave", by: (d) => d.wave, kind: "number", cell: (d) => d.wave },
    { name: "Status", by: (d) => d.state, cell: (d) => <Status status={d.state} /> },
    { name: "Asked", by: (d) => d.asked_at, cell: (d) => <Ago at={d.asked_at} /> },
    { name: "Why", kind: "wide", cell: (d) => <span class="soft">{d.reason ?? ""}</span> },
  ];
  const act = (what: string, isDanger = false) => ask({
    title: `${what[0]?.toUpperCase()}${what.slice(1)} this deployment?`, confirm: what[0]?.toUpperCase() + what.slice(1), isDanger,
    children: <p>{what === "abort" ? "Nobody else is asked; who has the bundle goes back, unless it was told to keep it." : what === "pause" ? "No further wave begins until it is resumed." : "The next wave begins when it is due."}</p>,
    onConfirm: async () => { const done = await request("POST", `/deployments/${encodeURIComponent(id)}/${what}`, {}, `Deployment: ${what}`); answer.reload(); return done !== null; },
  });
  return (
    <Show answer={answer} what="the deployment">
      {(row) => {
        const devices = row.device_list ?? [];
        const waves = tallyWaves(devices);
        const all: WaveTally = row;
        const isOpen = !row.ended_at && !["done", "aborted", "failed", "completed"].includes(row.status);
        return (
          <>
            <Head title={<>Deployment <span class="mono">{row.deployment}</span></>} icon="deploy" sub={<><Status status={row.status} /> <span class="soft">{row.reason ?? ""}</span></>}>
              {may && isOpen ? <>{row.status === "paused" ? <button type="button" class="primary" onClick={() => act("resume")}>Resume</button> : <button type="button" onClick={() => act("pause")}>Pause</button>}<button type="button" class="danger" onClick={() => act("abort", true)}>Abort</button></> : null}
            </Head>
            <Facts rows={[["To", <code>{row.to}</code>], ["Waves", row.waves], ["Bundle", row.bundle ? <code class="wrap">{row.bundle}</code> : ""], ["From", row.source], ["Stops when", row.abort_if], ["Then", row.on_abort === "keep" ? "who has it keeps it" : row.on_abort === "rollback" ? "who has it goes back" : ""], ["Began", <At at={row.made_at} />], ["Ended", row.ended_at ? <At at={row.ended_at} /> : ""]]} />
            <Card title="Waves">
              <ol class="waves">
                {(waves.length ? waves : [all]).map((wave, i) => (
                  <li><span class="wave-name">{waves.length ? `Wave ${wave.wave ?? i + 1}` : "All"}</span><Share parts={partsOf(wave)} label={`Wave ${i + 1}`} /><span class="soft">{partsOf(wave).filter((p) => p[1] > 0).map(([, n, word]) => `${n} ${word}`).join(", ") || "not begun"}{wave.devices ? `; ${percent(wave.healthy ?? 0, wave.devices)}` : ""}</span></li>
                ))}
              </ol>
            </Card>
            {devices.length ? <Table label="Devices of this deployment" rows={devices} columns={columns} rowKey={(d) => d.device} /> : null}
          </>
        );
      }}
    </Show>
  );
}
