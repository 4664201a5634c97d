// backfill.tsx - backfills: how far each is, one with its runs, and asking for one.
import { useMemo } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Backfill, BackfillRun } from "../api/types";
import { count, duration, instant, percent, plural, shortId } from "../base/format";
import { withQuery } from "../base/keys";
import type { Tone } from "../base/words";
import { Ago, At, Choice, DeviceLink, Empty, Facts, Figure, Filter, Head, RunLink, Show, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { TargetsField } from "../parts/targets";
import { ask, command } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";

export const backfillUrl = (b: { device: string; backfill: string }) => `/backfills/${b.device}/${b.backfill}`;
const isOpen = (b: Backfill) => b.status === "requested" || b.status === "canceling";
const wordOfStatus = (b: Backfill) => (b.status === "requested" ? (b.running > 0 ? "running" : "waiting") : b.status.replace("completed_", ""));

const partsOf = (b: Backfill): [Tone, number, string][] => [
  ["good", b.done, "done"], ["bad", b.failed, "failed"], ["busy", b.running, "running"], ["off", b.canceled, "canceled"], ["idle", b.waiting, "waiting"],
];

/** Asks for a backfill. `partitions`: lines of keys, or FIRST..LAST. */
export function askBackfill({ selection = "", targets = "*", partitions = "", only = "missing" }: { selection?: string; targets?: string; partitions?: string; only?: string }, onDone?: () => void): void {
  ask({
    title: "Backfill", confirm: "Start",
    children: (
      <>
        <label>Assets<input name="selection" class="mono" required spellcheck={false} placeholder="group:pos" value={selection} /></label>
        <label>Partitions, one a line or FIRST..LAST<textarea name="partitions" rows={4} class="mono" spellcheck={false} placeholder="2026-11-01..2026-11-07">{partitions}</textarea></label>
        <label>Of them<select name="only">{[["any", "all"], ["missing", "those that are missing"], ["failed", "those that failed"]].map(([value, words]) => <option value={value} selected={value === only}>{words}</option>)}</select></label>
        <TargetsField value={targets} />
        <label class="check"><input type="checkbox" name="newest_first" value="yes" />The newest first</label>
      </>
    ),
    onConfirm: async (form) => {
      const words = String(form.get("partitions")).split(/\s+/).filter(Boolean);
      const range = /^(.+)\.\.(.+)$/.exec(words.length === 1 ? (words[0] as string) : "");
      const which = range ? { from: range[1], to: range[2] } : words.length ? { partitions: words } : {};
      const newest = form.get("newest_first") ? { newest_first: true } : {};
      const isDone = await command("backfill", { selection: form.get("selection"), ...which, only: form.get("only"), ...newest }, String(form.get("targets")), "Backfill");
      onDone?.();
      return isDone;
    },
  });
}

function askEnd(b: Backfill): void {
  ask({
    title: "End this backfill?", confirm: "End it", isDanger: true, children: <p>What was made stays; runs under way on {b.device} are ended.</p>,
    onConfirm: () => command("cancel", { backfill: b.backfill }, b.device, "End the backfill"),
  });
}

const Which = ({ b }: { b: Backfill }) => <>{b.last && b.last !== b.first ? `${b.first} to ${b.last}` : b.first ?? "–"}</>;

export function BackfillsPage() {
  const [device, setDevice] = useParam("device");
  const [status, setStatus] = useParam("status");
  const answer = useList<Backfill>(withQuery("/backfills", { device, status }), ["run"], { pageSize: 200, everyMs: 30_000 });
  const may = useMay("operator");
  const columns: Column<Backfill>[] = [
    { name: "Backfill", cell: (b) => <Link class="thing mono" to={backfillUrl(b)} title={b.backfill}>{shortId(b.backfill)}</Link> },
    { name: "Status", by: (b) => b.status, cell: (b) => <Status status={b.status === "requested" && b.running > 0 ? "running" : b.status} word={wordOfStatus(b)} /> },
    { name: "Progress", by: (b) => b.done / Math.max(1, b.partitions), cell: (b) => <span class="share-words"><Share label="Partitions" parts={partsOf(b)} />{count(b.done)} of {count(b.partitions)}{b.failed ? <span class="bad-text">{count(b.failed)} failed</span> : null}</span> },
    { name: "Device", by: (b) => b.device, cell: (b) => <DeviceLink name={b.device} /> },
    { name: "Assets", kind: "wide", isExtra: true, cell: (b) => <code>{b.selection ?? ""}</code> },
    { name: "Partitions", isExtra: true, cell: (b) => <Which b={b} /> },
    { name: "Begun", isExtra: true, by: (b) => b.begun_at, cell: (b) => <Ago at={b.begun_at} /> },
    { name: "Why", isExtra: "roomy", cell: (b) => <span class="soft">{b.reason ?? ""}</span> },
    { name: "", cell: (b) => may && isOpen(b) ? <button type="button" class="small" onClick={() => askEnd(b)}>End</button> : null },
  ];
  return (
    <>
      <Head title="Backfills" icon="backfill">{may ? <button type="button" class="primary" onClick={() => askBackfill({}, answer.reload)}><Icon name="plus" size={14} />Backfill</button> : null}</Head>
      <div class="tools">
        <Filter value={device} onInput={setDevice} placeholder="A device's name" label="Backfills of this device" />
        <Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ["requested", "open"], ["completed_success", "success"], ["completed_failed", "failed"], ["canceling", "canceling"], ["canceled", "canceled"]]} />
      </div>
      <Show answer={answer} what="backfills">
        {(rows) => rows.length ? <Table label="Backfills" rows={rows} columns={columns} rowKey={(b) => `${b.device} ${b.backfill}`} onEnd={answer.more} onRow={(b) => go(backfillUrl(b))} />
          : device || status ? <Empty title="No backfill matches."><button type="button" onClick={() => go("/backfills")}>Show all backfills</button></Empty>
            : <Empty title="Nothing was backfilled yet."><p>A backfill makes many partitions that are missing, such as the days of an outage. Only assets with <code>partitions:</code> in their definition have any.</p></Empty>}
      </Show>
    </>
  );
}

const RUN_COLUMNS = (device: string): Column<BackfillRun>[] => [
  { name: "Partition", by: (r) => r.partition, cell: (r) => <>{r.partition_end ? `${r.partition} to ${r.partition_end}` : r.partition ?? "–"}</> },
  { name: "Status", by: (r) => r.status, cell: (r) => <Status status={r.status} /> },
  { name: "Run", cell: (r) => <RunLink device={device} run={r.run} /> },
  { name: "Partitions", kind: "number", isExtra: true, by: (r) => r.partitions, cell: (r) => count(r.partitions) },
  { name: "Began", by: (r) => r.started_at ?? r.enqueued_at, cell: (r) => <Ago at={r.started_at ?? r.enqueued_at} /> },
  { name: "Took", kind: "number", isExtra: true, by: (r) => instant(r.ended_at) - instant(r.started_at), cell: (r) => duration(instant(r.ended_at) - instant(r.started_at)) },
];

export function BackfillPage({ device, id }: { device: string; id: string }) {
  const answer = useQuery<Backfill>(`/backfills/${encodeURIComponent(device)}/${encodeURIComponent(id)}`, ["run"], 15_000);
  const [status, setStatus] = useParam("status");
  const may = useMay("operator");
  const runs = useMemo(() => (answer.value?.run_list ?? []).filter((run) => !status || run.status === status), [answer.value, status]);
  return (
    <Show answer={answer} what="the backfill">
      {(b) => (
        <>
          <Head title={<span class="mono">{shortId(b.backfill)}</span>} icon="backfill" sub={<><Status status={b.status === "requested" && b.running > 0 ? "running" : b.status} word={wordOfStatus(b)} /> <span class="soft">{b.reason ?? ""}</span></>}>
            {may && b.failed > 0 && !isOpen(b) ? <button type="button" onClick={() => void command("retry", { backfill: b.backfill }, b.device, "Try again what did not succeed")}><Icon name="again" size={14} />Try the failed again</button> : null}
            {may && isOpen(b) ? <button type="button" class="danger" onClick={() => askEnd(b)}>End it</button> : null}
          </Head>
          <div class="figures">
            <Figure name="Done" value={<>{count(b.done)} <span class="soft">of {count(b.partitions)}</span></>} note={percent(b.done, b.partitions)} tone={b.done === b.partitions ? "good" : undefined} />
            <Figure name="Failed" value={count(b.failed)} tone={b.failed ? "bad" : undefined} note={b.failed ? "partitions" : "none"} />
            <Figure name="Running" value={count(b.running)} tone={b.running ? "busy" : undefined} />
            <Figure name="Waiting" value={count(b.waiting)} note={b.canceled ? `${count(b.canceled)} canceled` : null} />
            <Figure name="Runs" value={count(b.runs)} note={b.per_run === 0 ? "all partitions in one" : b.per_run === undefined ? null : `${plural(b.per_run, "partition")} each`} />
          </div>
          <Share label="Partitions" parts={partsOf(b)} />
          <Facts rows={[
            ["Assets", <code>{b.selection ?? ""}</code>], ["Partitions", <Which b={b} />], ["Device", <DeviceLink name={b.device} />], ["Begun", <At at={b.begun_at} />],
            [isOpen(b) ? "Last heard" : "Ended", <Ago at={b.at} />], ["Command", b.command ? <Link class="thing mono" to={`/commands/${b.command}`}>{shortId(b.command)}</Link> : ""],
            ["After", b.parent ? <Link class="thing mono" to={`/backfills/${b.device}/${b.parent}`}>{shortId(b.parent)}</Link> : ""],
          ]} />
          <div class="tools"><Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ["queued", "queued"], ["started", "started"], ["success", "success"], ["failure", "failure"], ["canceled", "canceled"]]} /></div>
          {runs.length ? <Table label="Runs of this backfill" rows={runs} columns={RUN_COLUMNS(b.device)} rowKey={(r) => r.run} onRow={(r) => go(`/runs/${b.device}/${r.run}`)} />
            : <Empty title={b.run_list?.length ? "No run matches." : "No run was asked for yet."} />}
        </>
      )}
    </Show>
  );
}
