// joining.tsx - who asks to join the fleet without a token, the tokens by which others do, and hardware that is known. For admins.
import { useState } from "preact/hooks";
import { useList } from "../api/query";
import { plural } from "../base/format";
import { readLabels } from "../base/labels";
import { Ago, Card, Empty, Show, Status, Tags } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, request } from "../shell/ask";
import { showToken } from "./device_acts";

interface Enrolment { device: string; fingerprint: string; status: string; first_at: string; last_at: string; serial_number?: string; version?: string; board?: string }
interface JoinToken {
  id: string; state: string; label?: string; names?: string; labels: Record<string, string>; uses: number; max_uses: number; created_at: string; expires_at: string;
  last_error?: string; wrong_secrets: number; closed_until?: string;
}

const LOOK_MS = 5000; // nothing tells that somebody asks

function decide(row: Enrolment, isAccepted: boolean, reload: () => void): void {
  ask({
    title: isAccepted ? `Let ${row.device} join?` : `Turn ${row.device} away?`, confirm: isAccepted ? "It is the same: accept" : "Turn it away", isDanger: !isAccepted,
    children: (
      <>
        <p>{isAccepted ? "Anybody can claim a name. Look at what the device shows, and compare:" : "It is told so when it asks next."}</p>
        <pre class="fingerprint" aria-label="Fingerprint">{row.fingerprint}</pre>
      </>
    ),
    onConfirm: async () => {
      const done = await request("POST", `/enrolments/${encodeURIComponent(row.device)}/${isAccepted ? "accept" : "reject"}`, { fingerprint: row.fingerprint }, isAccepted ? `${row.device} is accepted; it hears of it when it asks next` : `${row.device} is turned away`);
      reload();
      return done !== null;
    },
  });
}

function Waiting() {
  const answer = useList<Enrolment>("/enrolments", ["device"], { pageSize: 200, everyMs: LOOK_MS });
  const columns: Column<Enrolment>[] = [
    { name: "Asks to be", by: (e) => e.device, kind: "wide", cell: (e) => <b>{e.device}</b> },
    { name: "Fingerprint", cell: (e) => <code>{e.fingerprint}</code> },
    { name: "Status", by: (e) => e.status, cell: (e) => <Status status={e.status} /> },
    { name: "Since", by: (e) => e.first_at, cell: (e) => <Ago at={e.first_at} /> },
    { name: "Hardware", isExtra: true, cell: (e) => <span class="soft">{[e.board, e.serial_number].filter(Boolean).join(", ") || "–"}</span> },
    { name: "", cell: (e) => e.status === "waiting" ? <span class="button-row"><button type="button" class="small primary" onClick={() => decide(e, true, answer.reload)}>Accept…</button><button type="button" class="small" onClick={() => decide(e, false, answer.reload)}>Turn away…</button></span> : null },
  ];
  return (
    <Card title="Waiting for a person's word" kind="list">
      <Show answer={answer} what="who waits">
        {(rows) => rows.length ? <Table label="Hosts that ask to join" rows={rows} columns={columns} rowKey={(e) => `${e.device} ${e.fingerprint}`} /> : <div class="quiet-words soft"><p>Nobody waits. A host asks to join without a token, and waits for you, by this; the fingerprint is that of the hub's CA, as <code>selvedge-hub init</code> said it:</p><pre>selvedge-agent enroll --hub {location.hostname}:8884 --ca-fingerprint SHA256 --name shop-1</pre></div>}
      </Show>
    </Card>
  );
}

function TokenForm() {
  const [labels, setLabels] = useState("");
  return (
    <>
      <label>For what<input name="label" placeholder="Such as: tills of Berlin" /></label>
      <label>So many devices may use it<input name="uses" type="number" min="1" max="100000" required value="1" /></label>
      <label>Good for<input name="expires" required value="24h" class="mono" /></label>
      <label>They may be called<input name="names" class="mono" spellcheck={false} placeholder="till-*; anything without" /></label>
      <label>They get the labels<input name="labels" class="mono" spellcheck={false} placeholder="site=berlin line=2" value={labels} onInput={(event) => setLabels((event.currentTarget as HTMLInputElement).value)} /></label>
      {readLabels(labels) ? null : <p class="bad-text" role="status">Each is a name, =, and a value, such as site=berlin.</p>}
    </>
  );
}

function JoinTokens() {
  const answer = useList<JoinToken>("/enrolment-tokens", ["device"], { pageSize: 200, everyMs: 30_000 });
  const add = () => ask({
    title: "A token to join with", confirm: "Make it", children: <TokenForm />,
    onConfirm: async (form) => {
      const text = (name: string) => String(form.get(name) ?? "").trim();
      const labels = readLabels(text("labels"));
      if (!labels) return false;
      const done = await request("POST", "/enrolment-tokens", { label: text("label"), max_uses: Number(text("uses")), expires_in: text("expires"), names: text("names"), labels }, "Token made");
      answer.reload();
      if (typeof done?.token === "string") showToken("The new token", done.token, text("names").includes("*") || !text("names") ? "NAME" : text("names"));
      return done !== null;
    },
  });
  const revoke = (t: JoinToken) => ask({
    title: "Revoke this token?", confirm: "Revoke", isDanger: true, children: <p>Nobody joins with it any more; who did stays.</p>,
    onConfirm: async () => { const done = await request("DELETE", `/enrolment-tokens/${encodeURIComponent(t.id)}`, undefined, "Token revoked"); answer.reload(); return done !== null; },
  });
  const columns: Column<JoinToken>[] = [
    { name: "Token", kind: "wide", by: (t) => t.label, cell: (t) => <><b>{t.label ?? ""}</b> <span class="mono soft">{t.id}</span></> },
    { name: "State", by: (t) => t.state, cell: (t) => <Status status={t.state} /> },
    { name: "Used", by: (t) => t.uses, cell: (t) => `${t.uses} of ${t.max_uses}` },
    { name: "Ends", by: (t) => t.expires_at, cell: (t) => <Ago at={t.expires_at} /> },
    { name: "Names", isExtra: true, cell: (t) => <code>{t.names ?? "any"}</code> },
    { name: "Labels", isExtra: true, cell: (t) => <Tags of={t.labels} /> },
    { name: "Last refused", isExtra: true, cell: (t) => <span class="soft" title={t.last_error}>{t.wrong_secrets ? `${plural(t.wrong_secrets, "wrong secret")}; ` : ""}{t.last_error ?? ""}</span> },
    { name: "", cell: (t) => t.state === "open" ? <button type="button" class="small" onClick={() => revoke(t)}>Revoke…</button> : null },
  ];
  return (
    <Card title="Tokens to join with" kind="list" side={<button type="button" class="primary" onClick={add}><Icon name="plus" size={14} />New token</button>}>
      <Show answer={answer} what="tokens">{(rows) => rows.length ? <Table label="Tokens to join with" rows={rows} columns={columns} rowKey={(t) => t.id} onEnd={answer.more} /> : <Empty title="No token was made yet."><p>Make one, and type it on the device: <code>selvedge-agent enroll TOKEN --name shop-1</code></p></Empty>}</Show>
    </Card>
  );
}

interface Hardware { serial_number: string; device: string; labels: Record<string, string>; added_at: string; used_at?: string }

function HardwareList() {
  const answer = useList<Hardware>("/preauthorisations", ["device"], { pageSize: 200, everyMs: 30_000 });
  const add = () => ask({
    title: "Hardware that may join", confirm: "Let them join",
    children: (
      <>
        <p>One line for each, as a spreadsheet saves it (CSV): its serial number, the name it gets, and labels. A serial number is no secret: the first host that comes with it gets the name, so tell of them shortly before they come.</p>
        <label>Lines<textarea name="sheet" rows={8} required class="mono" spellcheck={false} placeholder={"serial,name,site\n4CE0460D0G,till-1,berlin"} /></label>
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", "/preauthorisations", { sheet: String(form.get("sheet") ?? "") }, "They may join");
      answer.reload();
      return done !== null;
    },
  });
  const drop = (h: Hardware) => ask({
    title: `Forget ${h.serial_number}?`, confirm: "Forget it", isDanger: true, children: <p>{h.used_at ? `${h.device} has joined by it, and stays.` : `Hardware with this number does not become ${h.device} any more.`}</p>,
    onConfirm: async () => { const done = await request("DELETE", `/preauthorisations/${encodeURIComponent(h.serial_number)}`, undefined, "Forgotten"); answer.reload(); return done !== null; },
  });
  const columns: Column<Hardware>[] = [
    { name: "Serial number", kind: "wide", by: (h) => h.serial_number, cell: (h) => <code>{h.serial_number}</code> },
    { name: "Becomes", by: (h) => h.device, cell: (h) => <b>{h.device}</b> },
    { name: "State", by: (h) => h.used_at, cell: (h) => h.used_at ? <Status status="used" word="joined" /> : <Status status="waiting" word="not come yet" /> },
    { name: "Told", isExtra: true, by: (h) => h.added_at, cell: (h) => <Ago at={h.added_at} /> },
    { name: "Labels", isExtra: true, cell: (h) => <Tags of={h.labels} /> },
    { name: "", cell: (h) => <button type="button" class="small" onClick={() => drop(h)}>Forget…</button> },
  ];
  return (
    <Card title="Hardware that may join" kind="list" side={<button type="button" onClick={add}><Icon name="plus" size={14} />Add hardware</button>}>
      <Show answer={answer} what="hardware">{(rows) => rows.length ? <Table label="Hardware that may join" rows={rows} columns={columns} rowKey={(h) => h.serial_number} onEnd={answer.more} /> : <p class="quiet-words soft">None. Hosts whose serial numbers are known here join without a token, under the name that stands beside the number.</p>}</Show>
    </Card>
  );
}

export const Joining = () => <><Waiting /><JoinTokens /><HardwareList /></>;
