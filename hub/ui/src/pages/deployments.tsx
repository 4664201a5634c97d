// deployments.tsx - definitions given to devices in waves, how far each is, and beginning one with a bundle of the shelf.
import { useState } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Bundle, Deployment } from "../api/types";
import { count, percent, plural } from "../base/format";
import { Ago, At, Card, Choice, DeviceLink, Empty, Facts, Head, Show, Status, Tabs } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { TargetsField } from "../parts/targets";
import { ask, request } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import type { Tone } from "../base/words";
import { BundleLink, Bundles } from "./bundles";

interface WaveTally { wave?: number; devices?: number; asked?: number; under_way?: number; healthy?: number; failed?: number; rolled_back?: number; away?: number }
interface DeployDevice { device: string; wave: number; state: string; online?: boolean; taken_back?: boolean; current?: string; reason?: string; asked_at?: string; at?: string }
interface DeploymentDetail extends Deployment { device_list: DeployDevice[]; wave_list: WaveTally[] }

const partsOf = (t: WaveTally): [Tone, number, string][] => [
  ["good", t.healthy ?? 0, "healthy"], ["busy", t.under_way ?? 0, "under way"], ["bad", (t.failed ?? 0), "failed"], ["warn", t.rolled_back ?? 0, "rolled back"], ["warn", t.away ?? 0, "away"],
  ["idle", Math.max(0, (t.devices ?? 0) - (t.asked ?? 0)), "not asked yet"],
];

function Progress({ of }: { of: WaveTally }) {
  return <span class="share-words"><Share parts={partsOf(of)} label="Devices" /><span class="soft">{count(of.healthy ?? 0)} of {count(of.devices ?? 0)} healthy</span></span>;
}

const COLUMNS: Column<Deployment>[] = [
  { name: "Deployment", cell: (d) => <Link class="thing mono" to={`/deployments/${d.deployment}`}>{d.deployment}</Link> },
  { name: "Status", by: (d) => d.status, cell: (d) => <Status status={d.status} /> },
  { name: "Progress", kind: "wide", cell: (d) => <Progress of={d} /> },
  { name: "To", isExtra: true, cell: (d) => <code>{d.to}</code> },
  { name: "Bundle", isExtra: true, cell: (d) => d.bundle ? <BundleLink hash={d.bundle} /> : "–" },
  { name: "From", isExtra: "roomy", cell: (d) => <span class="soft">{d.source ?? ""}</span> },
  { name: "Began", by: (d) => d.made_at, cell: (d) => <Ago at={d.made_at} /> },
];

// ---- beginning one ----

function DeployForm({ bundle, targets }: { bundle: string; targets: string }) {
  const answer = useList<Bundle>("/bundles", ["deployment"], { pageSize: 200 });
  const [picked, setPicked] = useState(bundle);
  const rows = answer.value ?? [];
  const now = rows.find((b) => b.bundle === picked) ?? rows[0];
  return (
    <>
      <label>Bundle<select name="bundle" required value={now?.bundle ?? ""} onChange={(event) => setPicked((event.currentTarget as HTMLSelectElement).value)}>
        {rows.map((b) => <option value={b.bundle}>{b.bundle.slice(0, 12)} from {b.source}, {plural(b.files, "file")}</option>)}
      </select></label>
      {answer.value && rows.length === 0 ? <p class="bad-text">No bundle is on the shelf. A folder is packed on the hub: <code>selvedge-hub deploy DIR --to …</code></p> : now ? <p class="soft">Packed <Ago at={now.made_at} />; {now.devices ? `${plural(now.devices, "device")} has or had it` : "no device has it"}.</p> : null}
      <TargetsField value={targets} label="To devices" />
      <label>So many have it once each wave has begun<input name="waves" class="mono" required value="1,10%,100%" spellcheck={false} /></label>
      <label>Stop when<input name="abort_if" class="mono" required value="failed > 2%" spellcheck={false} /></label>
      <label>Then who has it<select name="on_abort"><option value="rollback">goes back</option><option value="keep">keeps it</option></select></label>
      <label>Between a wave that is judged and the next, such as 90s or 10m<input name="soak" class="mono" required value="10m" /></label>
      <label>A device that has not judged it is passed over after<input name="patience" class="mono" required value="30m" /></label>
    </>
  );
}

export function askDeploy(bundle: string, targets = ""): void {
  ask({
    title: "Roll a bundle out", confirm: "Begin", children: <DeployForm bundle={bundle} targets={targets} />,
    onConfirm: async (form) => {
      const text = (name: string) => String(form.get(name) ?? "").trim();
      const body = Object.fromEntries(["bundle", "targets", "waves", "abort_if", "on_abort", "soak", "patience"].map((name) => [name, text(name)]));
      const done = await request("POST", "/deployments", body, "The deployment begins");
      if (typeof done?.deployment === "string") go(`/deployments/${done.deployment}`);
      return done !== null;
    },
  });
}

function AllDeployments() {
  const answer = useList<Deployment>("/deployments", ["deployment"], { pageSize: 100, everyMs: 30_000 });
  return (
    <Show answer={answer} what="deployments">
      {(rows) => rows.length ? <Table label="Deployments" rows={rows} columns={COLUMNS} rowKey={(d) => d.deployment} onEnd={answer.more} onRow={(d) => go(`/deployments/${d.deployment}`)} />
        : <Empty title="No definitions were rolled out from this hub yet."><p>A folder of definitions is packed on the hub and goes to devices in waves, and stops by itself when they do no good:</p><pre>selvedge-hub deploy ./definitions --to 'label:site=berlin' --wave 1,10%,100%</pre><p>What was packed once can be rolled out from here.</p></Empty>}
    </Show>
  );
}

export function DeploymentsPage() {
  const [tab] = useParam("tab");
  const may = useMay("operator");
  return (
    <>
      <Head title="Deployments" icon="deploy">{may ? <button type="button" class="primary" onClick={() => askDeploy("")}><Icon name="plus" size={14} />Roll out…</button> : null}</Head>
      <Tabs now={tab || "all"} onPick={(next) => go(next === "all" ? "/deployments" : `/deployments?tab=${next}`)} tabs={[["all", "Deployments"], ["bundles", "Bundles"]]} />
      {tab === "bundles" ? <Bundles onDeploy={may ? askDeploy : undefined} /> : <AllDeployments />}
    </>
  );
}

// ---- one ----

/** Where a wave is: not begun, going on, judged. */
function waveState(wave: WaveTally, now: number): { word: string; tone: Tone } {
  const judged = (wave.healthy ?? 0) + (wave.failed ?? 0) + (wave.rolled_back ?? 0) + (wave.away ?? 0);
  if ((wave.wave ?? 0) > now) return { word: "not begun", tone: "idle" };
  if ((wave.devices ?? 0) === 0) return { word: "given to a later deployment", tone: "off" };
  if (judged < (wave.devices ?? 0)) return { word: "under way", tone: "busy" };
  return (wave.failed ?? 0) + (wave.rolled_back ?? 0) > 0 ? { word: "judged, with failures", tone: "bad" } : { word: "judged", tone: "good" };
}

function Waves({ row }: { row: DeploymentDetail }) {
  return (
    <Card title="Waves" side={<span class="soft">{row.healthy ?? 0} of {plural(row.devices ?? 0, "device")} healthy, {percent(row.healthy ?? 0, row.devices ?? 0)}</span>}>
      <ol class="waves">
        {row.wave_list.map((wave) => {
          const state = waveState(wave, row.wave ?? 0);
          return (
            <li key={wave.wave}>
              <span class="wave-name">Wave {wave.wave}</span>
              <Share parts={partsOf(wave)} label={`Wave ${wave.wave}`} />
              <span class="soft"><Status status={state.word} word={state.word} tone={state.tone} /> {partsOf(wave).filter((p) => p[1] > 0).map(([, n, word]) => `${n} ${word}`).join(", ")}</span>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}

function Devices({ row }: { row: DeploymentDetail }) {
  const [status, setStatus] = useParam("state");
  const columns: Column<DeployDevice>[] = [
    { name: "Device", by: (d) => d.device, cell: (d) => <DeviceLink name={d.device} /> },
    { name: "Wave", by: (d) => d.wave, kind: "number", cell: (d) => d.wave },
    { name: "Status", by: (d) => d.state, cell: (d) => <><Status status={d.state} />{d.online === false ? <span class="soft"> away</span> : null}{d.taken_back ? <span class="soft"> told to go back</span> : null}</> },
    { name: "Runs with", isExtra: true, cell: (d) => d.current ? <BundleLink hash={d.current} isThis={d.current === row.bundle} /> : <span class="soft">its own file</span> },
    { name: "Asked", by: (d) => d.asked_at, isExtra: true, cell: (d) => <Ago at={d.asked_at} /> },
    { name: "Answered", by: (d) => d.at, cell: (d) => <Ago at={d.at} /> },
    { name: "Why", kind: "wide", cell: (d) => <span class="soft" title={d.reason}>{d.reason ?? ""}</span> },
  ];
  const states = [...new Set(row.device_list.map((d) => d.state))].sort();
  const rows = row.device_list.filter((d) => !status || d.state === status);
  return (
    <Card title="Devices" kind="list" side={states.length > 1 ? <Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ...states.map((name): [string, string] => [name, name.replace(/_/g, " ")])]} /> : null}>
      {rows.length ? <Table label="Devices of this deployment" rows={rows} columns={columns} rowKey={(d) => d.device} /> : <p class="quiet-words soft">None of that status.</p>}
    </Card>
  );
}

const ACTS: Record<string, string> = {
  abort: "Nobody else is asked; who has the bundle goes back, unless it was told to keep it.",
  pause: "No further wave begins until it is resumed; devices that were asked go on.", resume: "The next wave begins when it is due.",
};

export function DeploymentPage({ id }: { id: string }) {
  const answer = useQuery<DeploymentDetail>(`/deployments/${encodeURIComponent(id)}`, ["deployment"], 5000);
  const may = useMay("operator");
  const act = (what: string, isDanger = false) => {
    const word = (what[0] ?? "").toUpperCase() + what.slice(1);
    ask({
      title: `${word} this deployment?`, confirm: word, isDanger, children: <p>{ACTS[what]}</p>,
      onConfirm: async () => { const done = await request("POST", `/deployments/${encodeURIComponent(id)}/${what}`, {}, `Deployment: ${what}`); answer.reload(); return done !== null; },
    });
  };
  return (
    <Show answer={answer} what="the deployment">
      {(row) => {
        const isOpen = !row.ended_at && ["running", "paused"].includes(row.status);
        return (
          <>
            <Head title={<>Deployment <span class="mono">{row.deployment}</span></>} icon="deploy" sub={<><Status status={row.status} /> <span class="soft">{row.reason ?? (isOpen && row.wave ? `wave ${row.wave} of ${row.wave_list.length}` : "")}</span></>}>
              {may && isOpen ? <>{row.status === "paused" ? <button type="button" class="primary" onClick={() => act("resume")}>Resume</button> : <button type="button" onClick={() => act("pause")}>Pause</button>}<button type="button" class="danger" onClick={() => act("abort", true)}>Abort</button></> : null}
              {may && !isOpen && row.bundle ? <button type="button" onClick={() => askDeploy(row.bundle ?? "", row.to)}><Icon name="again" size={14} />Roll out again…</button> : null}
            </Head>
            <Facts rows={[["To", <code>{row.to}</code>], ["Waves", row.waves?.replace(/,\s*/g, ", ")], ["Bundle", row.bundle ? <BundleLink hash={row.bundle} /> : ""], ["From", row.source], ["Stops when", row.abort_if], ["Then", row.on_abort === "keep" ? "who has it keeps it" : row.on_abort === "rollback" ? "who has it goes back" : ""], ["Began", <At at={row.made_at} />], ["Ended", row.ended_at ? <At at={row.ended_at} /> : ""]]} />
            <Waves row={row} />
            <Devices row={row} />
          </>
        );
      }}
    </Show>
  );
}

