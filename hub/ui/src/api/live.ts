// live.ts - the hub's stream of what changed. The browser connects again by itself and says with Last-Event-ID where it
// was; "reset" means that the hub no longer knows what came since, and everything is asked for anew.
import { useEffect, useState } from "preact/hooks";

export type Topic = "device" | "asset" | "run" | "alert" | "deployment" | "command";
const TOPICS: Topic[] = ["device", "asset", "run", "alert", "deployment", "command"];
export type LiveState = "connecting" | "live" | "lost";

/** Of a topic the names of what has changed (devices, keys, ids), or null: anything of it may have. */
export type Changes = ReadonlyMap<Topic, ReadonlySet<string> | null>;
type Listener = (changes: Changes) => void;

const listeners = new Set<Listener>();
const stateListeners = new Set<(state: LiveState) => void>();
let source: EventSource | null = null;
let state: LiveState = "connecting";
let changed = new Map<Topic, Set<string> | null>();
let timer = 0;
let again = 0;

// Changes are gathered: a busy fleet changes many times a second, and eyes do not.
const GATHER_MS = 700;
const RETRY_MS = 5000;

function enter(next: LiveState): void {
  if (next === state) return;
  state = next;
  for (const listener of stateListeners) listener(state);
}

function tell(): void {
  timer = 0;
  const changes = changed;
  changed = new Map();
  for (const listener of [...listeners]) listener(changes);
}

/** What an event names: {"run": ID, "device": NAME}; null when it does not say which one. */
export function namesOf(topic: Topic, text: string): string[] | null {
  try {
    const data = JSON.parse(text) as Record<string, unknown>;
    const names = Object.values(data).filter((value): value is string => typeof value === "string");
    return data.all === true || data[topic] === undefined ? null : names;
  } catch {
    return null;
  }
}

function note(topics: Iterable<Topic>, names: string[] | null): void {
  for (const topic of topics) {
    const known = changed.get(topic);
    if (names === null || known === null) changed.set(topic, null);
    else changed.set(topic, new Set([...(known ?? []), ...names]));
  }
  if (!timer) timer = window.setTimeout(tell, GATHER_MS);
}

// A browser has six connections to one hub, for all its windows: one that nobody looks at gives its own back, and asks
// for everything again when it is looked at.
const HIDDEN_MS = 20_000;
let isWanted = false;
let hiding = 0;

function onVisibility(): void {
  window.clearTimeout(hiding);
  if (document.visibilityState === "hidden") hiding = window.setTimeout(close, HIDDEN_MS);
  else if (isWanted && !source) {
    startLive();
    note(TOPICS, null);
  }
}

export function startLive(): void {
  if (!isWanted) document.addEventListener("visibilitychange", onVisibility);
  isWanted = true;
  if (source) return;
  source = new EventSource("/api/v1/events/live");
  source.addEventListener("open", () => enter("live"));
  source.addEventListener("reset", () => note(TOPICS, null));
  for (const topic of TOPICS) source.addEventListener(topic, (event) => note([topic], namesOf(topic, (event as MessageEvent<string>).data)));
  source.addEventListener("error", () => {
    enter("lost");
    if (source?.readyState === EventSource.CLOSED && !again) {
      // The browser gives up for good after an answer that is no stream; what was missed then is unknown.
      again = window.setTimeout(() => {
        again = 0;
        if (!source || !isWanted) return;
        source = null;
        startLive();
        note(TOPICS, null);
      }, RETRY_MS);
    }
  });
}

export function stopLive(): void {
  isWanted = false;
  document.removeEventListener("visibilitychange", onVisibility);
  window.clearTimeout(hiding);
  close();
}

function close(): void {
  source?.close();
  source = null;
  window.clearTimeout(again);
  again = 0;
  enter("connecting");
}

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLiveState(): LiveState {
  const [now, set] = useState(state);
  useEffect(() => {
    stateListeners.add(set);
    set(state);
    return () => void stateListeners.delete(set);
  }, []);
  return now;
}
