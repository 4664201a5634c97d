// device_acts.tsx - what is done to one device: asked, labelled, named, shut out, replaced.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Device } from "../api/types";
import { readLabels } from "../base/labels";
import { Icon } from "../parts/icon";
import { ask, command, request } from "../shell/ask";
import { useMay } from "../shell/session";
import { askCommand } from "./ask_command";

const pathOf = (device: Device) => `/devices/${encodeURIComponent(device.device)}`;

function LabelsForm({ text }: { text: string }) {
  const [now, setNow] = useState(text);
  return (
    <>
      <label>Labels<textarea name="labels" class="mono" rows={4} spellcheck={false} value={now} onInput={(event) => setNow((event.currentTarget as HTMLTextAreaElement).value)} /></label>
      <p class={readLabels(now) ? "soft" : "bad-text"} role="status">{readLabels(now) ? <>Such as <code>site=berlin line=2</code>. What is not here is taken off.</> : "Each is a name, =, and a value, such as site=berlin."}</p>
    </>
  );
}

export function askLabels(device: Device, reload: () => void): void {
  ask({
    title: `Labels of ${device.device}`, confirm: "Set them",
    children: <LabelsForm text={Object.entries(device.labels ?? {}).map(([key, value]) => `${key}=${value}`).join("\n")} />,
    onConfirm: async (form) => {
      const labels = readLabels(String(form.get("labels") ?? ""));
      if (!labels) return false;
      const done = await request("PUT", `${pathOf(device)}/labels`, { labels }, `Labels of ${device.device} set`);
      reload();
      return done !== null;
    },
  });
}

function askRename(device: Device, reload: () => void): void {
  ask({
    title: `What is ${device.device} called?`, confirm: "Call it so",
    children: <><label>Name<input name="name" required value={device.display_name ?? device.device} spellcheck={false} autocomplete="off" /></label><p class="soft">Pages and commands take either name. Its own stays in certificates and in the record; give that to take this one back.</p></>,
    onConfirm: async (form) => { const done = await request("POST", `${pathOf(device)}/rename`, { name: String(form.get("name")) }, "Named"); reload(); return done !== null; },
  });
}

/** Asked twice: the name is typed. */
function TypedName({ name }: { name: string }) {
  return <label><span>Type its name, <code>{name}</code></span><input name="typed" required pattern={name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")} title={`Type ${name}`} spellcheck={false} autocomplete="off" class="mono" /></label>;
}

function askShutOut(device: Device, what: "revoke" | "decommission", reload: () => void): void {
  const isRevoke = what === "revoke";
  ask({
    title: isRevoke ? `Shut ${device.device} out?` : `End the life of ${device.device}?`, confirm: isRevoke ? "Revoke it" : "Decommission it", isDanger: true,
    children: (
      <>
        <p>{isRevoke ? "Its connection is cut within seconds and every later one is refused; what it says is not listened to. Its history stays. Only other hardware in its place brings the name back."
          : "It may not connect any more and counts no longer as away. What it still holds is not taken in: ask it first to leave the fleet, with a command, where it can be reached. Its history stays."}</p>
        <label>Why<input name="reason" placeholder={isRevoke ? "Such as: stolen on Sunday" : "Such as: the shop has closed"} /></label>
        <TypedName name={device.device} />
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", `${pathOf(device)}/${what}`, { reason: String(form.get("reason") ?? "") }, isRevoke ? `${device.device} is shut out` : `${device.device} is decommissioned`);
      reload();
      return done !== null;
    },
  });
}

/** A secret that is shown once. */
export function showToken(title: string, token: string, name: string): void {
  ask({
    title, confirm: "I have kept it",
    children: <><p>It is shown only now. On the device:</p><pre tabIndex={0}>selvedge-agent enroll {token} --name {name}</pre></>,
    onConfirm: () => undefined,
  });
}

function askReplace(device: Device, reload: () => void): void {
  ask({
    title: `Other hardware for ${device.device}`, confirm: "Make the token", isDanger: true,
    children: (
      <>
        <p>The old hardware is shut out at once. A token, good once, lets another take its place: name, labels and history go on.</p>
        <label>The token is good for<input name="expires" required value="24h" class="mono" /></label>
        <TypedName name={device.device} />
      </>
    ),
    onConfirm: async (form) => {
      const done = await request("POST", `${pathOf(device)}/replace`, { expires_in: form.get("expires") }, "Token made");
      reload();
      if (typeof done?.token === "string") showToken(`The token for ${device.device}`, done.token, device.device);
      return done !== null;
    },
  });
}

export function DeviceActions({ device, reload }: { device: Device; reload: () => void }) {
  const operator = useMay("operator");
  const admin = useMay("admin");
  const isIn = !device.enrolment || device.enrolment === "enrolled" || device.enrolment === "unknown";
  const more = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (!more.current?.open) return;
    if (more.current.contains(document.activeElement)) more.current.querySelector("summary")?.focus(); // a dialog gives the focus back to it
    more.current.open = false;
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && close();
    const onDown = (event: Event) => { if (!more.current?.contains(event.target as Node)) close(); };
    window.addEventListener("keydown", onKey);
    window.addEventListener("pointerdown", onDown);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.removeEventListener("pointerdown", onDown);
    };
  }, []);
  if (!operator) return null;
  return (
    <>
      {isIn ? <button type="button" onClick={() => void command("ping", {}, device.device, `Ping ${device.device}`)}>Ping</button> : null}
      {isIn ? <button type="button" class="primary" onClick={() => askCommand({ targets: device.device }, reload)}><Icon name="command" size={14} />Ask it…</button> : null}
      <button type="button" onClick={() => askLabels(device, reload)}>Labels…</button>
      {admin ? (
        <details class="more" ref={more}>
          <summary class="button">More…</summary>
          <div class="more-box" onClick={close}>
            <button type="button" onClick={() => askRename(device, reload)}>Call it otherwise…</button>
            <button type="button" onClick={() => askReplace(device, reload)}>Replace its hardware…</button>
            {isIn ? <button type="button" class="danger" onClick={() => askShutOut(device, "revoke", reload)}>Shut it out (revoke)…</button> : null}
            {isIn ? <button type="button" class="danger" onClick={() => askShutOut(device, "decommission", reload)}>Decommission…</button> : null}
          </div>
        </details>
      ) : null}
    </>
  );
}
