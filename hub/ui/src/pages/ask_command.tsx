// ask_command.tsx - asking devices to do something: a form for each kind of command.
import { useState } from "preact/hooks";
import { useList } from "../api/query";
import { argsOf, KINDS, type Field } from "../base/commands";
import { TargetsField } from "../parts/targets";
import { ask, command } from "../shell/ask";
import { useMay } from "../shell/session";

function Names({ id, from }: { id: string; from: [string, string] }) {
  const answer = useList<Record<string, unknown>>(from[0], [], { pageSize: 1000 });
  const names = new Set((answer.value ?? []).map((item) => item[from[1]]).filter((name): name is string => typeof name === "string"));
  return <datalist id={id}>{[...names].map((name) => <option value={name} />)}</datalist>;
}

function Input({ field, value }: { field: Field; value: string }) {
  if (field.options) return <label>{field.words}<select name={field.name}>{field.options.map(([key, words]) => <option value={key} selected={key === value}>{words}</option>)}</select></label>;
  const id = field.names ? `names-${field.name}` : undefined;
  return (
    <label>{field.words}
      <input name={field.name} class="mono" spellcheck={false} autocomplete="off" required={field.isNeeded} placeholder={field.example} value={value} list={id} />
      {field.names && id ? <Names id={id} from={field.names} /> : null}
    </label>
  );
}

interface Given { verb?: string; targets?: string; fields?: Record<string, string> }

function Form({ given }: { given: Given }) {
  const isAdmin = useMay("admin");
  const [verb, setVerb] = useState(given.verb ?? "materialize");
  const [isInTurns, setInTurns] = useState(false);
  const kind = KINDS.find((k) => k.verb === verb);
  return (
    <>
      <label>What<select name="verb" value={verb} onChange={(event) => setVerb((event.currentTarget as HTMLSelectElement).value)}>{KINDS.filter((k) => k.role !== "admin" || isAdmin).map((k) => <option value={k.verb} selected={k.verb === verb}>{k.words}</option>)}</select></label>
      {kind?.fields.map((field) => <Input key={`${verb} ${field.name}`} field={field} value={given.fields?.[field.name] ?? ""} />)}
      {kind?.note ? <p class="soft">{kind.note}</p> : null}
      <TargetsField value={given.targets ?? ""} />
      <details open={isInTurns} onToggle={(event) => setInTurns((event.currentTarget as HTMLDetailsElement).open)}>
        <summary>A few at a time, and for how long it is good</summary>
        <div class="dialog-body">
          <label>So many devices at a time<input name="devices_at_once" type="number" min="1" max="100000" placeholder="all at once" /></label>
          <label>A device that has not ended by then gives its place to the next<input name="device_timeout" class="mono" placeholder="1h" /></label>
          <label>Stop when<input name="abort_if" class="mono" placeholder="failed > 2%" /></label>
          <label>Devices that are away have until then<input name="expires_in" class="mono" placeholder="1h; 7d a few at a time" /></label>
        </div>
      </details>
    </>
  );
}

/** Opens the form; `onSent` when it was sent. */
export function askCommand(given: Given, onSent: () => void): void {
  ask({
    title: "Ask devices", confirm: "Send", children: <Form given={given} />,
    onConfirm: async (form) => {
      const text = (name: string) => String(form.get(name) ?? "").trim();
      const verb = text("verb");
      const atOnce = Number(text("devices_at_once"));
      const more = {
        ...(text("expires_in") ? { expires_in: text("expires_in") } : {}),
        ...(atOnce ? { devices_at_once: atOnce } : {}),
        ...(text("device_timeout") ? { device_timeout: text("device_timeout") } : {}),
        ...(text("abort_if") ? { abort_if: text("abort_if") } : {}),
      };
      const done = await command(verb, argsOf(verb, text), text("targets"), KINDS.find((kind) => kind.verb === verb)?.words ?? verb, more);
      if (done) onSent();
      return done;
    },
  });
}
