// commands.tsx - what devices were asked to do and what became of it, and asking them.
import { useList, useQuery } from "../api/query";
import type { Command, Device } from "../api/types";
import { KINDS, OTHERS, argsWords, verbWords } from "../base/commands";
import { count, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, At, Card, Choice, DeviceLink, Empty, Facts, Filter, Head, RunLink, Show, Status } from "../parts/bits";
import { Share } from "../parts/chart";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, command, request } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import type { Tone } from "../base/words";
import { shortId } from "../base/format";
import { askCommand } from "./ask_command";

interface CommandDevice { device: string; status: string; online?: boolean; reason?: string; code?: string; run?: string; sent?: number; sent_at?: string; answered_at?: string; result?: unknown }
interface CommandDetail extends Command { device_list?: CommandDevice[] }

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
  { name: "Command", isExtra: true, cell: (c) => <Link class="thing mono" to={`/commands/${c.command}`} title={c.command}>{shortId(c.command)}</Link> },
  { name: "State", by: (c) => c.state, cell: (c) => <Link class="plain" to={`/commands/${c.command}`}><Status status={c.state} /></Link> },
  { name: "What", kind: "wide", by: (c) => c.verb, cell: (c) => { const args = argsWords(c.verb, c.args); return <><b>{verbWords(c.verb)}</b> <span class="soft" title={args}>{args}</span></>; } },
  { name: "To", cell: (c) => <code>{c.to}</code> },
  { name: "Devices", isExtra: true, cell: (c) => <Progress row={c} /> },
  { name: "Given", by: (c) => c.given_at, cell: (c) => <Ago at={c.given_at} /> },
  { name: "Expires", by: (c) => c.expires_at, isExtra: "roomy", cell: (c) => <Ago at={c.expires_at} /> },
];

export const CommandTable = ({ rows, onEnd }: { rows: Command[]; onEnd?: () => void }) =>
  <Table label="Commands" rows={rows} columns={COLUMNS} rowKey={(c) => c.command} onEnd={onEnd} onRow={(c) => go(`/commands/${c.command}`)} />;

export function CommandsPage() {
  const [state, setState] = useParam("state");
  const [verb, setVerb] = useParam("verb");
  const [device, setDevice] = useParam("device");
  const answer = useList<Command>(withQuery("/commands", { state, verb, device }), ["command"], { pageSize: 200, everyMs: 30_000 });
  const devices = useList<Device>("/devices", [], { pageSize: 1000 });
  const may = useMay("operator");
  const isFiltered = Boolean(state || verb || device);
  const rows = (answer.value ?? []).filter((c) => verb || c.verb !== "logs"); // whoever looks at output gives one a minute
  return (
    <>
      <Head title="Commands" icon="command" sub={answer.value ? (answer.hasMore ? `${count(rows.length)} newest` : plural(rows.length, "command")) : null}>{may ? <button type="button" class="primary" onClick={() => askCommand({ targets: device }, answer.reload)}><Icon name="plus" size={14} />Ask devices</button> : null}</Head>
      <div class="tools">
        <Filter value={device} onInput={setDevice} placeholder="A device's name" label="Commands for this device" names={devices.value?.map((d) => d.device)} />
        <Choice label="State" value={state} onPick={setState} options={[["", "any"], ["open", "open"], ["done", "done"], ["stopped", "stopped"], ["withdrawn", "withdrawn"], ["expired", "expired"]]} />
        <Choice label="What" value={verb} onPick={setVerb} options={[["", "anything but sending output"], ...KINDS.map((kind): [string, string] => [kind.verb, kind.words]), ...OTHERS]} />
      </div>
      <Show answer={answer} what="commands">
        {() => rows.length ? <CommandTable rows={rows} onEnd={answer.more} />
          : isFiltered ? <Empty title="No command matches."><button type="button" onClick={() => go("/commands")}>Show all commands</button></Empty>
          : <Empty title="No device was asked for anything yet."><p>Ask here, or on the hub: <code>selvedge-hub command materialize 'group:pos' --to 'shop-*'</code></p></Empty>}
      </Show>
    </>
  );
}

const isUndone = (d: CommandDevice): boolean => ["failed", "refused", "overdue", "expired", "withdrawn"].includes(d.status);
const AGAIN_MAX = 200; // names in one expression

/** The fields of the form that a command's arguments came from. */
function fieldsOf(row: Command): Record<string, string> {
  const args = row.args ?? {};
  return Object.fromEntries(Object.entries({ ...args, ...(args.selection ? { what: args.selection } : {}) }).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : String(value)]));
}

function Devices({ devices }: { devices: CommandDevice[] }) {
  const [status, setStatus] = useParam("status");
  const columns: Column<CommandDevice>[] = [
    { name: "Device", by: (d) => d.device, cell: (d) => <DeviceLink name={d.device} /> },
    { name: "Status", by: (d) => d.status, cell: (d) => <><Status status={d.status} />{d.online === false ? <span class="soft"> away</span> : null}</> },
    { name: "Run", cell: (d) => d.run ? <RunLink device={d.device} run={d.run} /> : "–" },
    { name: "When", by: (d) => d.answered_at ?? d.sent_at, cell: (d) => <Ago at={d.answered_at ?? d.sent_at} /> },
    { name: "Why, or its answer", kind: "wide", cell: (d) => { const words = [d.code, d.reason].filter(Boolean).join(": ") || (d.result ? JSON.stringify(d.result) : ""); return <span class="soft" title={words}>{words}</span>; } },
  ];
  const found = [...new Set(devices.map((d) => d.status))];
  const rows = devices.filter((d) => !status || d.status === status);
  return (
    <Card title="Devices" kind="list" side={found.length > 1 ? <Choice label="Status" value={status} onPick={setStatus} options={[["", "any"], ...found.map((name): [string, string] => [name, name])]} /> : null}>
      {rows.length ? <Table label="Devices of this command" rows={rows} columns={columns} rowKey={(d) => d.device} /> : <p class="quiet-words soft">{devices.length ? "None of that status." : "No device is meant yet."}</p>}
    </Card>
  );
}

export function CommandPage({ id }: { id: string }) {
  const answer = useQuery<CommandDetail>(`/commands/${encodeURIComponent(id)}`, ["command", "run"], 10_000);
  const may = useMay("operator");
  return (
    <Show answer={answer} what="the command">
      {(row) => {
        const devices = row.device_list ?? [];
        const undone = devices.filter(isUndone);
        const canRepeat = may && KINDS.some((kind) => kind.verb === row.verb);
        const withdraw = () => ask({
          title: "Send it to nobody any more?", confirm: "Withdraw", isDanger: true, children: <p>Devices that have it already carry it out.</p>,
          onConfirm: async () => { const done = await request("POST", `/commands/${encodeURIComponent(id)}/cancel`, {}, "Withdrawn"); answer.reload(); return done !== null; },
        });
        const going = devices.filter((d) => d.status === "started" && d.run);
        const cancel = () => ask({
          title: `Cancel what it started on ${plural(going.length, "device")}?`, confirm: "Cancel the runs", isDanger: true, children: <p>Their steps are ended; what they have written stays as it is. Devices that have not begun yet do so all the same: withdraw it for those.</p>,
          onConfirm: async () => { const done = await command("cancel", { command: row.command }, going.length <= AGAIN_MAX ? going.map((d) => d.device).join(",") : row.to, "Cancel"); answer.reload(); return done; },
        });
        const again = (targets: string) => askCommand({ verb: row.verb, targets, fields: fieldsOf(row) }, answer.reload);
        return (
          <>
            <Head title={<>{verbWords(row.verb)} <span class="mono soft" title={row.command}>{shortId(row.command)}</span></>} icon="command" sub={<><Status status={row.state} /> <Progress row={row} /></>}>
              {canRepeat && undone.length > 0 && undone.length <= AGAIN_MAX ? <button type="button" onClick={() => again(undone.map((d) => d.device).join(","))}><Icon name="again" size={14} />Ask those again that did not</button> : null}
              {canRepeat ? <button type="button" onClick={() => again(row.to)}>Ask again</button> : null}
              {may && going.length > 0 ? <button type="button" class="danger" onClick={cancel}>Cancel what it started</button> : null}
              {may && row.state === "open" ? <button type="button" class="danger" onClick={withdraw}>Withdraw</button> : null}
            </Head>
            <Facts rows={[["Of what", argsWords(row.verb, row.args)], ["To", <code>{row.to}</code>], ["At a time", row.devices_at_once ? plural(row.devices_at_once, "device") : ""], ["Given", <At at={row.given_at} />], ["By", row.given_by], ["Expires", <At at={row.expires_at} />], ["Withdrawn", row.withdrawn_at ? <At at={row.withdrawn_at} /> : ""], ["Because", row.withdrawn_why], ["Signed by", row.key ? <code>{row.key}</code> : ""]]} />
            <Devices devices={devices} />
          </>
        );
      }}
    </Show>
  );
}
