// commands.tsx - what devices were asked to do and what became of it, and asking them.
import { useList, useQuery } from "../api/query";
import type { Command } from "../api/types";
import { count, plural } from "../base/format";
import { Ago, At, Card, DeviceLink, Empty, Facts, Head, RunLink, Show, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, command, request } from "../shell/ask";
import { go } from "../shell/router";
import { useMay } from "../shell/session";
import type { Tone } from "../base/words";
import { shortId } from "../base/format";

interface CommandDevice { device: string; status: string; online?: boolean; reason?: string; code?: string; run?: string; sent?: number; sent_at?: string; answered_at?: string; result?: unknown }
interface CommandDetail extends Command { device_list?: CommandDevice[] }

export const argsText = (args: Record<string, unknown> | undefined): string =>
  Object.entries(args ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");

// How many devices fared how, in the order in which it goes.
const FATES: [string, Tone][] = [["succeeded", "good"], ["failed", "bad"], ["refused", "bad"], ["overdue", "warn"], ["expired", "warn"], ["started", "busy"], ["received", "busy"], ["sent", "idle"], ["waiting", "idle"], ["withdrawn", "off"]];

function tally(row: Command): [Tone, number, string][] {
  return FATES.map(([name, tone]): [Tone, number, string] => [tone, typeof row[name] === "number" ? (row[name] as number) : 0, name]).filter(([, n]) => n > 0);
}

function Progress({ row }: { row: Command }) {
  const parts = tally(row);
  return parts.length ? <span class="share-words"><Share parts={parts} label="Devices" /><span class="soft">{parts.map(([, n, word]) => `${n} ${word}`).join(", ")}</span></span> : <span class="soft">{plural(row.devices, "device")}</span>;
}

const COLUMNS: Column<Command>[] = [
  { name: "Command", cell: (c) => <a class="thing mono" href={`/commands/${c.command}`} onClick={(event) => { event.preventDefault(); go(`/commands/${c.command}`); }}>{shortId(c.command)}</a> },
  { name: "State", by: (c) => c.state, cell: (c) => <Status status={c.state} /> },
  { name: "What", kind: "wide", by: (c) => c.verb, cell: (c) => <><b>{c.verb}</b> <span class="soft">{argsText(c.args)}</span></> },
  { name: "To", cell: (c) => <code>{c.to}</code> },
  { name: "Devices", isExtra: true, cell: (c) => <Progress row={c} /> },
  { name: "Given", by: (c) => c.given_at, cell: (c) => <Ago at={c.given_at} /> },
  { name: "Expires", by: (c) => c.expires_at, isExtra: "roomy", cell: (c) => <Ago at={c.expires_at} /> },
];

const CommandTable = ({ rows, onEnd }: { rows: Command[]; onEnd?: () => void }) =>
  <Table label="Commands" rows={rows} columns={COLUMNS} rowKey={(c) => c.command} onEnd={onEnd} onRow={(c) => go(`/commands/${c.command}`)} />;

const VERBS: [string, string][] = [["materialize", "materialize a selection"], ["run_job", "run a job"], ["pause", "pause"], ["resume", "resume"], ["ping", "ping"], ["describe", "describe"], ["set", "set log level or interval"]];

function argsOf(verb: string, what: string): Record<string, unknown> {
  const words = what.split(/[\s,]+/).filter(Boolean);
  if (verb === "materialize") return { selection: what };
  if (verb === "run_job") return { job: what };
  if (verb === "pause" || verb === "resume") return { what: words[0] ?? "schedules", ...(words.length > 1 ? { names: words.slice(1) } : {}) };
  if (verb === "describe") return words.length ? { parts: words } : {};
  if (verb === "set") return Object.fromEntries(words.map((word) => { const cut = word.indexOf("="); return [word.slice(0, cut), word.slice(cut + 1)]; }));
  return {};
}

function askCommand(reload: () => void): void {
  ask({
    title: "Ask devices", confirm: "Send",
    children: (
      <>
        <label>What<select name="verb">{VERBS.map(([verb, words]) => <option value={verb}>{words}</option>)}</select></label>
        <label>Of what<input name="what" class="mono" spellcheck={false} placeholder="a selection, a job, schedules, log_level=debug" /></label>
        <label>To<input name="targets" class="mono" required spellcheck={false} value="*" /></label>
        <p class="soft">Devices by name, <code>shop-*</code>, <code>label:site=berlin and not is:away</code>, or <code>*</code>. Each carries it out at most once.</p>
      </>
    ),
    onConfirm: async (form) => {
      const verb = String(form.get("verb"));
      const done = await command(verb, argsOf(verb, String(form.get("what")).trim()), String(form.get("targets")), `Command ${verb}`);
      reload();
      return done;
    },
  });
}

export function CommandsPage() {
  const answer = useList<Command>("/commands", ["command"], { pageSize: 200, everyMs: 30_000 });
  const may = useMay("operator");
  return (
    <>
      <Head title="Commands" icon="command" sub={answer.value ? `${count(answer.value.length)}${answer.hasMore ? " newest" : ""}` : null}>{may ? <button type="button" class="primary" onClick={() => askCommand(answer.reload)}><Icon name="plus" size={14} />Ask devices</button> : null}</Head>
      <Show answer={answer} what="commands">
        {(rows) => rows.length ? <CommandTable rows={rows} onEnd={answer.more} />
          : <Empty title="No device was asked for anything yet."><p>Ask here, or on the hub: <code>selvedge-hub command materialize 'group:pos' --to 'shop-*'</code></p></Empty>}
      </Show>
    </>
  );
}

export function CommandPage({ id }: { id: string }) {
  const answer = useQuery<CommandDetail>(`/commands/${encodeURIComponent(id)}`, ["command", "run"], 10_000);
  const may = useMay("operator");
  const columns: Column<CommandDevice>[] = [
    { name: "Device", by: (d) => d.device, cell: (d) => <DeviceLink name={d.device} /> },
    { name: "Status", by: (d) => d.status, cell: (d) => <><Status status={d.status} />{d.online === false ? <span class="soft"> away</span> : null}</> },
    { name: "Run", cell: (d) => d.run ? <RunLink device={d.device} run={d.run} /> : "–" },
    { name: "When", by: (d) => d.answered_at ?? d.sent_at, cell: (d) => <Ago at={d.answered_at ?? d.sent_at} /> },
    { name: "Why", kind: "wide", cell: (d) => <span class="soft">{[d.code, d.reason].filter(Boolean).join(": ") || (d.result ? JSON.stringify(d.result) : "")}</span> },
  ];
  return (
    <Show answer={answer} what="the command">
      {(row) => {
        const devices = row.device_list ?? [];
        const withdraw = () => ask({
          title: "Send it to nobody any more?", confirm: "Withdraw", isDanger: true, children: <p>Devices that have it already carry it out.</p>,
          onConfirm: async () => { const done = await request("POST", `/commands/${encodeURIComponent(id)}/cancel`, {}, "Withdrawn"); answer.reload(); return done !== null; },
        });
        return (
          <>
            <Head title={<>{row.verb} <span class="mono soft" title={row.command}>{shortId(row.command)}</span></>} icon="command" sub={<><Status status={row.state} /> <Progress row={row} /></>}>
              {may && row.state === "open" ? <button type="button" class="danger" onClick={withdraw}>Withdraw</button> : null}
            </Head>
            <Facts rows={[["Arguments", argsText(row.args)], ["To", <code>{row.to}</code>], ["Given", <At at={row.given_at} />], ["Expires", <At at={row.expires_at} />], ["Withdrawn", row.withdrawn_at ? <At at={row.withdrawn_at} /> : ""], ["Because", row.withdrawn_why], ["Signed by", row.key ? <code>{row.key}</code> : ""]]} />
            <Card title="Devices" kind="list">{devices.length ? <Table label="Devices of this command" rows={devices} columns={columns} rowKey={(d) => d.device} /> : <p class="quiet-words soft">No device is meant yet.</p>}</Card>
          </>
        );
      }}
    </Show>
  );
}
