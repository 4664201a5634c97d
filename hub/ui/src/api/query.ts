// query.ts - what a page asks for: kept by its path, shown at once when the page is opened again, asked for anew when the
// live stream names one of its topics.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./client";
import { onChange, type Changes, type Topic } from "./live";
import { withQuery } from "../base/keys";
import type { Page } from "./types";

export interface Answer<T> {
  value: T | undefined;
  error: ApiError | undefined;
  /** What is shown is of an earlier answer, and the newest request failed. */
  isOld: boolean;
  reload: () => void;
}

const KEPT_MAX = 60;
const PAGE_MAX = 1000; // rows the hub gives at once
const kept = new Map<string, unknown>();

function keep(path: string, value: unknown): void {
  kept.delete(path);
  kept.set(path, value);
  if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
}

export function forgetAll(): void {
  kept.clear();
}

const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, `The answer could not be read: ${(error as Error).message}`);

// After an answer that took long, changes wait longer: a page never keeps the hub busy for more than a third of the time.
const REST = 2;
const RETRY_MS = 5000; // after a request that failed

const concerns = (changes: Changes, topics: string[], only: string): boolean =>
  topics.some((topic) => {
    const names = changes.get(topic as Topic);
    return names !== undefined && (names === null || only === "" || names.has(only));
  });

/** Asking again does not help: there is no error, or it is about what was asked for. */
const isFinal = (error: ApiError | undefined): boolean => error === undefined || (error.status >= 400 && error.status < 500 && error.status !== 429);

// Runs `load` now, on changes of `topics`, and every `everyMs` (0: never); one request at a time, at least one more after
// a change that came meanwhile.
function useLoading(path: string | null, topics: readonly Topic[], everyMs: number, only: string, load: (signal: AbortSignal) => Promise<boolean>) {
  const again = useRef<() => void>(() => undefined);
  const topicText = topics.join(" ");
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let isBusy = false;
    let isWanted = false;
    let restUntil = 0;
    let resting = 0;
    let retry = 0;
    const run = async () => {
      if (isBusy) {
        isWanted = true;
        return;
      }
      isBusy = true;
      do {
        isWanted = false;
        const start = performance.now();
        const isDone = await load(abort.signal);
        window.clearTimeout(retry);
        if (!isDone && !abort.signal.aborted) retry = window.setTimeout(() => void run(), RETRY_MS);
        restUntil = performance.now() + REST * (performance.now() - start);
      } while (isWanted && !abort.signal.aborted);
      isBusy = false;
    };
    again.current = () => void run();
    void run();
    const stop = onChange((changed) => {
      if (!concerns(changed, topicText.split(" "), only)) return;
      window.clearTimeout(resting);
      resting = window.setTimeout(() => void run(), Math.max(0, restUntil - performance.now()));
    });
    const timer = everyMs ? window.setInterval(() => document.visibilityState === "visible" && void run(), everyMs) : 0;
    return () => {
      abort.abort();
      stop();
      window.clearTimeout(resting);
      window.clearTimeout(retry);
      window.clearInterval(timer);
    };
  }, [path, topicText, everyMs, only]);
  return useCallback(() => again.current(), []);
}

/** One object. `path` null asks for nothing; `only`: changes count that name this device, asset or run. */
export function useQuery<T>(path: string | null, topics: readonly Topic[] = [], everyMs = 0, only = ""): Answer<T> {
  const [, draw] = useState(0);
  const state = useRef<{ path: string | null; value?: T; error?: ApiError }>({ path: null });
  if (state.current.path !== path) {
    state.current = { path, value: path === null ? undefined : (kept.get(path) as T | undefined) };
  }
  const reload = useLoading(path, topics, everyMs, only, async (signal) => {
    try {
      const value = await get<T>(path as string, signal);
      if (signal.aborted) return true;
      keep(path as string, value);
      state.current = { path, value };
    } catch (error) {
      if (signal.aborted) return true;
      state.current = { path, value: state.current.value, error: asApiError(error) };
    }
    draw((n) => n + 1);
    return isFinal(state.current.error);
  });
  const { value, error } = state.current;
  return { value, error: value === undefined ? error : undefined, isOld: value !== undefined && error !== undefined, reload };
}

export interface List<T> extends Answer<T[]> {
  /** Whether the hub has more than was asked for so far. */
  hasMore: boolean;
  more: () => void;
}

/**
 * A list, page by page: `pageSize` rows at first, more on more(). A change asks for the first rows again, as many as are shown.
 * `all` fetches page after page until the end.
 */
export function useList<T>(path: string | null, topics: readonly Topic[] = [], { pageSize = 200, all = false, everyMs = 0, only = "" } = {}): List<T> {
  const [, draw] = useState(0);
  const state = useRef<{ path: string | null; value?: T[]; next: string | null; wanted: number; error?: ApiError }>(
    { path: null, next: null, wanted: pageSize });
  if (state.current.path !== path) {
    const old = path === null ? undefined : (kept.get(path) as { value: T[]; next: string | null } | undefined);
    state.current = { path, value: old?.value, next: old?.next ?? null, wanted: pageSize };
  }
  const reload = useLoading(path, topics, everyMs, only, async (signal) => {
    const now = state.current;
    try {
      let items: T[] = [];
      let cursor: string | null = null;
      do {
        const limit = all ? PAGE_MAX : Math.min(PAGE_MAX, now.wanted - items.length);
        const page: Page<T> = await get<Page<T>>(withQuery(path as string, { limit, cursor }), signal);
        items = items.concat(page.items);
        cursor = page.next;
        if (signal.aborted) return true;
        // The first page is shown while the rest comes.
        if (all && now.value === undefined) {
          state.current.value = items;
          draw((n) => n + 1);
        }
      } while (cursor !== null && (all || items.length < now.wanted));
      keep(path as string, { value: items, next: cursor });
      state.current = { ...state.current, value: items, next: cursor, error: undefined };
    } catch (error) {
      if (signal.aborted) return true;
      state.current = { ...state.current, error: asApiError(error) };
    }
    draw((n) => n + 1);
    return isFinal(state.current.error);
  });
  const more = useCallback(() => {
    const now = state.current;
    if (now.next === null || (now.value?.length ?? 0) < now.wanted) return;
    now.wanted = (now.value?.length ?? 0) + pageSize;
    reload();
  }, [pageSize, reload]);
  const { value, error, next } = state.current;
  return { value, error: value === undefined ? error : undefined, isOld: value !== undefined && error !== undefined, reload, hasMore: next !== null, more };
}
