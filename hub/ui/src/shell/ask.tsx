// ask.tsx - asking devices to do something: a dialog that says what will happen and where, the request, and a word on
// what became of it.
import { render } from "preact";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, change } from "../api/client";
import { Icon } from "../parts/icon";
import { TargetsField } from "../parts/targets";
import { Link } from "./router";

// ---- words at the edge of the page ----
interface Word { id: number; text: ComponentChildren; isBad: boolean }
let words: Word[] = [];
let nextWord = 1;
const wordListeners = new Set<() => void>();

export function say(text: ComponentChildren, isBad = false): void {
  const id = nextWord++;
  words = [...words.slice(-3), { id, text, isBad }];
  for (const listener of wordListeners) listener();
  window.setTimeout(() => unsay(id), isBad ? 15_000 : 7000);
}

function unsay(id: number): void {
  words = words.filter((word) => word.id !== id);
  for (const listener of wordListeners) listener();
}

export function Words() {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    wordListeners.add(listener);
    return () => void wordListeners.delete(listener);
  }, []);
  return (
    <div class="words" role="status" aria-live="polite">
      {words.map((word) => (
        <div class={word.isBad ? "word bad" : "word"} key={word.id}>
          <span class="word-text">{word.text}</span><button type="button" class="quiet" aria-label="Close" onClick={() => unsay(word.id)}><Icon name="close" size={14} /></button>
        </div>
      ))}
    </div>
  );
}

// ---- requests ----
export function failed(error: Error): void {
  say(<>{error.message}{error instanceof ApiError && error.hint ? <span class="soft"> {error.hint}</span> : null}</>, true);
}

/** Sends a command to devices and tells where it can be followed. */
export async function command(verb: string, args: Record<string, unknown>, targets: string, what: string, more: Record<string, unknown> = {}): Promise<boolean> {
  try {
    const answer = await change<{ command?: string; id?: string }>("POST", "/commands", { verb, args, targets, ...more });
    const id = answer?.command ?? answer?.id;
    say(<>{what}: sent. {id ? <Link to={`/commands/${id}`}>Follow the command</Link> : null}</>);
    return true;
  } catch (error) {
    failed(error as Error);
    return false;
  }
}

export async function request(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body: unknown, what: string): Promise<Record<string, unknown> | null> {
  try {
    const answer = await change<Record<string, unknown>>(method, path, body);
    const id = answer?.command;
    say(<>{what}. {typeof id === "string" ? <Link to={`/commands/${id}`}>Follow the command</Link> : null}</>);
    return answer ?? {};
  } catch (error) {
    failed(error as Error);
    return null;
  }
}

// ---- the dialog ----
interface DialogProps { title: string; confirm: string; children: ComponentChildren; isDanger?: boolean; onConfirm: (form: FormData) => Promise<boolean> | void; onClose: () => void }

export function Dialog({ title, confirm, children, isDanger, onConfirm, onClose }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ComponentChildren>(null);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const since = nextWord;
    const isDone = (await onConfirm(new FormData(event.currentTarget as HTMLFormElement))) !== false;
    setBusy(false);
    // What is behind an open dialog is dimmed and not read out: the dialog tells itself why it stays.
    const bad = isDone ? undefined : words.filter((word) => word.isBad && word.id >= since).pop();
    if (bad) {
      unsay(bad.id);
      setProblem(bad.text);
    }
    if (isDone) box.current?.close(); // by the browser, which gives the focus back to where it was
  };
  return (
    <dialog ref={box} onClose={onClose} aria-labelledby="dialog-title">
      <form onSubmit={submit}>
        <h2 id="dialog-title">{title}</h2>
        <div class="dialog-body">{children}</div>
        {problem ? <p class="word bad" role="alert">{problem}</p> : null}
        <div class="dialog-actions">
          <button type="button" onClick={() => box.current?.close()}>Cancel</button>
          <button type="submit" class={isDanger ? "danger" : "primary"} disabled={isBusy}>{isBusy ? "Sending…" : confirm}</button>
        </div>
      </form>
    </dialog>
  );
}

/** Opens a dialog from anywhere. */
export function ask(props: Omit<DialogProps, "onClose">): void {
  const place = document.createElement("div");
  document.body.append(place);
  const close = () => {
    render(null, place);
    place.remove();
  };
  render(<Dialog {...props} onClose={close} />, place);
}

/** Materialize: what, and on which devices. */
export function askMaterialize(selection: string, targets: string, note?: string): void {
  ask({
    title: "Materialize",
    confirm: "Materialize",
    children: (
      <>
        {note ? <p>{note}</p> : null}
        <label>Assets<input name="selection" value={selection} required spellcheck={false} class="mono" /></label>
        <p class="soft">By key, or a selection such as <code>group:pos+</code>.</p>
        <TargetsField value={targets} />
        <p class="soft">A device that is away does it when it is back, within an hour.</p>
      </>
    ),
    onConfirm: (form) => command("materialize", { selection: form.get("selection") }, String(form.get("targets")), `Materialize ${String(form.get("selection"))}`),
  });
}
