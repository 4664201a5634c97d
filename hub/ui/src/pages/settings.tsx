// settings.tsx - who may do what (users, tokens), who did what (audit), and this page itself.
import { useList } from "../api/query";
import { toldWords } from "../base/commands";
import { withQuery } from "../base/keys";
import { Ago, At, Card, Choice, Empty, Filter, Head, Show, Status, Tabs } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { ask, request } from "../shell/ask";
import { go, useParam } from "../shell/router";
import { useMay, useSession } from "../shell/session";
import { setTheme, useTheme, type Theme } from "../shell/theme";

interface User { user: string; role: string; created_at?: string; last_login_at?: string; locked_until?: string; sessions?: number; tokens?: number }
interface Token { token: string; label?: string; scopes?: string[]; state?: string; user?: string; created_at?: string; expires_at?: string; used_at?: string; revoked_at?: string }
interface Audit { id: number; at: string; user?: string; peer?: string; action: string; subject?: string; result: string; detail?: string }

const ROLES: [string, string][] = [["viewer", "viewer: sees everything"], ["operator", "operator: runs, pauses, sends commands"], ["admin", "admin: also users, tokens, certificates"]];

const SCOPES: [string, string][] = [["read", "read: sees everything"], ["operate", "operate: also runs, pauses, sends commands"], ["admin", "admin: everything"], ["metrics", "metrics: only /metrics"]];

const ACTIONS = ["login", "logout", "setup", "command", "command.cancel", "device.accept", "device.label", "device.rename", "device.revoke", "device.decommission", "device.replace", "enrolment.accept", "enrolment.reject",
  "enrolment_token.add", "enrolment_token.revoke", "deployment.add", "deployment.pause", "deployment.resume", "deployment.abort", "silence.add", "silence.end", "user.add", "user.role", "user.remove", "user.password", "token.add", "token.revoke"];

function askPassword(user: string, isOwn: boolean): void {
  ask({
    title: isOwn ? "Your password" : `The password of ${user}`, confirm: "Set it",
    children: (
      <>
        {isOwn ? <label>The old one<input name="old" type="password" required autocomplete="current-password" /></label> : null}
        <label>The new one<input name="password" type="password" required minLength={10} autocomplete="new-password" /></label>
        <p class="soft">Other sessions of {isOwn ? "yours" : user} end.</p>
      </>
    ),
    onConfirm: async (form) => (await request("PUT", `/users/${encodeURIComponent(user)}/password`, { password: form.get("password"), ...(isOwn ? { old_password: form.get("old") } : {}) }, "Password set")) !== null,
  });
}

function Users() {
  const { session } = useSession();
  const answer = useList<User>("/users", [], { all: true });
  const add = () => ask({
    title: "New user", confirm: "Add",
    children: (
      <>
        <label>Name<input name="user" required autocomplete="off" spellcheck={false} /></label>
        <label>Role<select name="role">{ROLES.map(([role, words]) => <option value={role}>{words}</option>)}</select></label>
        <label>Password<input name="password" type="password" required minLength={10} autocomplete="new-password" /></label>
        <p class="soft">At least ten characters; a few words in a row are good. Who has it can set another under Settings.</p>
      </>
    ),
    onConfirm: async (form) => { const done = await request("POST", "/users", { user: form.get("user"), role: form.get("role"), password: form.get("password") }, `User ${String(form.get("user"))} added`); answer.reload(); return done !== null; },
  });
  const edit = (user: User) => ask({
    title: `The role of ${user.user}`, confirm: "Change",
    children: <label>Role<select name="role">{ROLES.map(([role, words]) => <option value={role} selected={role === user.role}>{words}</option>)}</select></label>,
    onConfirm: async (form) => { const done = await request("PUT", `/users/${encodeURIComponent(user.user)}`, { role: form.get("role") }, `User ${user.user} changed`); answer.reload(); return done !== null; },
  });
  const remove = (user: User) => ask({
    title: `Remove ${user.user}?`, confirm: "Remove", isDanger: true, children: <p>Sessions and tokens end at once.</p>,
    onConfirm: async () => { const done = await request("DELETE", `/users/${encodeURIComponent(user.user)}`, undefined, `User ${user.user} removed`); answer.reload(); return done !== null; },
  });
  const columns: Column<User>[] = [
    { name: "User", by: (u) => u.user, kind: "wide", cell: (u) => <b>{u.user}</b> },
    { name: "Role", by: (u) => u.role, cell: (u) => u.role },
    { name: "Made", isExtra: true, by: (u) => u.created_at, cell: (u) => <Ago at={u.created_at} /> },
    { name: "Last logged in", isExtra: true, by: (u) => u.last_login_at, cell: (u) => <Ago at={u.last_login_at} /> },
    { name: "Locked", isExtra: true, cell: (u) => u.locked_until ? <Status status="stopped" word="locked" /> : "" },
    { name: "", cell: (u) => <span class="button-row"><button type="button" class="small" onClick={() => edit(u)}>Role</button><button type="button" class="small" onClick={() => askPassword(u.user, u.user === session.user)}>Password</button><button type="button" class="small" onClick={() => remove(u)}>Remove</button></span> },
  ];
  return (
    <>
      <div class="tools"><button type="button" class="primary" onClick={add}><Icon name="plus" size={14} />User</button></div>
      <Show answer={answer} what="users">{(rows) => <Table label="Users" rows={rows} columns={columns} rowKey={(u) => u.user} />}</Show>
    </>
  );
}

function Tokens() {
  const answer = useList<Token>("/tokens", [], { all: true });
  const admin = useMay("admin");
  const show = (text: string) => ask({ title: "The new token", confirm: "I have kept it", children: <><p>It is shown only now.</p><pre tabIndex={0}>{text}</pre><p class="soft">Scripts send it as <code>Authorization: Bearer …</code></p></>, onConfirm: () => undefined });
  const add = () => ask({
    title: "New token", confirm: "Make it",
    children: (
      <>
        <label>Name<input name="name" required placeholder="Such as: nightly export" /></label>
        <label>May<select name="scope">{SCOPES.map(([scope, words]) => <option value={scope}>{words}</option>)}</select></label>
        <label>Good for<input name="expires" required value="90d" class="mono" /></label>
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", "/tokens", { label: form.get("name"), scopes: [form.get("scope")], expires_in: form.get("expires") }, "Token made");
      answer.reload();
      const secret = done?.secret;
      if (typeof secret === "string") show(secret);
      return done !== null;
    },
  });
  const remove = (t: Token) => ask({
    title: "Revoke this token?", confirm: "Revoke", isDanger: true, children: <p>What uses it is refused from now on.</p>,
    onConfirm: async () => { const done = await request("DELETE", `/tokens/${encodeURIComponent(t.token)}`, undefined, "Token revoked"); answer.reload(); return done !== null; },
  });
  const columns: Column<Token>[] = [
    { name: "Token", by: (t) => t.label, kind: "wide", cell: (t) => <><b>{t.label ?? ""}</b> <span class="mono soft">{t.token}</span></> },
    { name: "May", cell: (t) => (t.scopes ?? []).join(", ") },
    { name: "Of", isExtra: true, cell: (t) => t.user ?? "" },
    { name: "Last used", by: (t) => t.used_at, cell: (t) => <Ago at={t.used_at} /> },
    { name: "Ends", by: (t) => t.expires_at, cell: (t) => t.state && t.state !== "good" ? <Status status={t.state} /> : <Ago at={t.expires_at} /> },
    { name: "", cell: (t) => admin && t.state === "good" ? <button type="button" class="small" onClick={() => remove(t)}>Revoke</button> : null },
  ];
  return (
    <>
      {admin ? <div class="tools"><button type="button" class="primary" onClick={add}><Icon name="plus" size={14} />Token</button></div> : null}
      <Show answer={answer} what="tokens">{(rows) => rows.length ? <Table label="Tokens" rows={rows} columns={columns} rowKey={(t) => t.token} /> : <Empty title="No token was made yet."><p>Scripts and other tools log in with one. Make one here; it is shown once.</p></Empty>}</Show>
    </>
  );
}

function AuditLog() {
  const [user, setUser] = useParam("user");
  const [action, setAction] = useParam("action");
  const answer = useList<Audit>(withQuery("/audit", { user, action }), ["command"], { pageSize: 300, everyMs: 30_000 });
  const users = useList<User>("/users", [], { all: true });
  const columns: Column<Audit>[] = [
    { name: "When", cell: (a) => <><span class="extra"><At at={a.at} /></span><span class="on-phone"><Ago at={a.at} /></span></> },
    { name: "Who", cell: (a) => <b>{a.user ?? "nobody"}</b> },
    { name: "What", kind: "wide", cell: (a) => { const words = a.action === "command" ? toldWords(a.detail ?? "") : a.detail ?? ""; return <>{a.action} {a.subject ?? ""} <span class="soft" title={words}>{words}</span></>; } },
    { name: "From", isExtra: true, cell: (a) => <span class="mono soft">{a.peer ?? ""}</span> },
    { name: "Result", cell: (a) => <Status status={a.result} /> },
  ];
  return (
    <>
      <div class="tools">
        <Filter value={user} onInput={setUser} placeholder="A user's name" label="What this user did" names={users.value?.map((u) => u.user)} />
        <Filter value={action} onInput={setAction} placeholder="An action, such as command" label="Only this action" names={ACTIONS} />
      </div>
      <Show answer={answer} what="the audit log">{(rows) => rows.length ? <Table label="Audit log" rows={rows} columns={columns} rowKey={(a) => String(a.id)} onEnd={answer.more} />
        : <Empty title={user || action ? "Nothing of that was done." : "Nothing was done yet."}>{user || action ? <button type="button" onClick={() => go("/settings?tab=audit")}>Show all</button> : null}</Empty>}</Show>
    </>
  );
}

function ThisPage() {
  const { theme } = useTheme();
  const { session } = useSession();
  return (
    <div class="two">
      <Card title="This browser">
        <div class="pad"><Choice label="Colours" value={theme} onPick={(value) => setTheme(value as Theme)} options={[["system", "as the system has them"], ["light", "light"], ["dark", "dark"]]} />
          <p class="soft">Times are in your zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}; hover over one to see UTC. <kbd>/</kbd> goes to the search.</p></div>
      </Card>
      <Card title="You">
        <div class="pad"><p>Logged in as <b>{session.user}</b>, whose role is {session.role}.</p><button type="button" onClick={() => askPassword(session.user ?? "", true)}>Change your password</button><p class="soft"><a href="/licences.txt">Licences of what this page is made of</a></p></div>
      </Card>
    </div>
  );
}

export function SettingsPage() {
  const [wanted] = useParam("tab");
  const admin = useMay("admin");
  const tabs: [string, string][] = [["page", "This page"], ...(admin ? ([["users", "Users"], ["tokens", "Tokens"], ["audit", "Audit"]] as [string, string][]) : [])];
  const tab = tabs.some(([name]) => name === wanted) ? wanted : "page";
  return (
    <>
      <Head title="Settings" icon="settings" />
      <Tabs now={tab} onPick={(next) => go(next === "page" ? "/settings" : `/settings?tab=${next}`)} tabs={tabs} />
      {tab === "users" ? <Users /> : tab === "tokens" ? <Tokens /> : tab === "audit" ? <AuditLog /> : <ThisPage />}
    </>
  );
}
