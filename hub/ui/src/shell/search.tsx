// search.tsx - the box at the top: assets, devices, runs, jobs, schedules, sensors and pages by a part of their name. "/" goes to it.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Page } from "../api/types";
import { assetUrl, deviceUrl, namedUrl, runUrl, withQuery } from "../base/keys";
import { Icon } from "../parts/icon";
import { go } from "./router";
import { SECTIONS, TABS } from "./sections";

interface Found { kind: string; asset?: string; device?: string; run?: string; job?: string; status?: string; display_name?: string }

/** Where it leads, what is shown, the drawing, what stands beside it. */
function place(found: Found): Place | null {
  if (found.kind === "asset" && found.asset) return [assetUrl(found.asset), found.asset, "assets", ""];
  if (found.kind === "device" && found.device) return [deviceUrl(found.device), found.device, "device", found.display_name ?? ""];
  if (found.kind === "run" && found.device && found.run) return [runUrl(found.device, found.run), found.run, "runs", `${found.job ?? "run"} on ${found.device}, ${found.status ?? ""}`];
  return null;
}

type Place = [string, string, string, string];
const PAGES: Place[] = [...SECTIONS.flatMap((section) => section.links), ...TABS].map(([url, name, icon]) => [url, name, icon, "page"]);
const NAMED = [["job", "jobs"], ["schedule", "schedule"], ["sensor", "schedule"]] as const; // and its drawing
const NAMES_MAX = 6;
const NAMES_MS = 60_000;
let names: { at: number; places: Promise<Place[]> } | null = null;

/** Jobs, schedules and sensors by their names, asked for once a minute at most; none of a kind that cannot be asked. */
function allNames(): Promise<Place[]> {
  if (names && Date.now() - names.at < NAMES_MS) return names.places;
  const of = async ([kind, icon]: (typeof NAMED)[number]): Promise<Place[]> => {
    const page = await get<Page<Record<string, unknown>>>(`/${kind}s?fold=true&limit=1000`).catch(() => ({ items: [] }));
    return [...new Set(page.items.map((item) => String(item[kind])))].map((name): Place => [namedUrl(kind, name), name, icon, kind]);
  };
  names = { at: Date.now(), places: Promise.all(NAMED.map(of)).then((lists) => lists.flat()) };
  return names.places;
}

export function Search() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Place[] | null>(null);
  const [error, setError] = useState("");
  const [at, setAt] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || event.ctrlKey || event.metaKey || target.closest("input,textarea,select,[contenteditable]")) return;
      event.preventDefault();
      input.current?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  useEffect(() => {
    setAt(0);
    if (text.trim().length === 0) {
      setFound(null);
      return;
    }
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      const word = text.trim().toLowerCase();
      Promise.all([get<Page<Found>>(withQuery("/search", { q: text.trim(), limit: 12 }), abort.signal), allNames()]).then(([page, named]) => {
        if (abort.signal.aborted) return;
        setFound([...page.items.map(place).filter((one) => one !== null), ...[...named, ...PAGES].filter(([, name]) => name.toLowerCase().includes(word)).slice(0, NAMES_MAX)]);
        setError("");
      }, (problem: Error) => {
        if (problem.name === "AbortError") return;
        setFound([]);
        setError(problem.message);
      });
    }, 120);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [text]);

  const places = found ?? [];
  const open = (url: string) => {
    setText("");
    setOpen(false);
    input.current?.blur();
    go(url);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(places.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && places[at]) open(places[at][0]);
    else if (event.key === "Escape") { setText(""); input.current?.blur(); }
    else return;
    event.preventDefault();
  };
  const isShown = isOpen && text.trim() !== "" && found !== null;
  return (
    <div class="search" onFocusIn={() => setOpen(true)} onFocusOut={(event) => { if (!(event.currentTarget as Element).contains(event.relatedTarget as Node)) setOpen(false); }}>
      <Icon name="search" size={14} />
      <input ref={input} type="search" placeholder="Search assets, devices, runs, jobs" aria-label="Search" spellcheck={false} autocomplete="off" role="combobox"
        aria-expanded={isShown} aria-controls="found" aria-activedescendant={isShown && places[at] ? `found-${at}` : undefined}
        value={text} onInput={(event) => setText((event.currentTarget as HTMLInputElement).value)} onKeyDown={onKey} />
      <kbd aria-hidden="true">/</kbd>
      {isShown ? (
        <ul class="found" id="found" role="listbox" aria-label="Found">
          {places.map((row, i) => (
            <li id={`found-${i}`} role="option" aria-selected={i === at} class={i === at ? "at" : ""} onMouseDown={(event) => { event.preventDefault(); open(row[0]); }} onMouseEnter={() => setAt(i)}>
              <Icon name={row[2]} size={14} /><span>{row[1]}</span><span class="soft">{row[3]}</span>
            </li>
          ))}
          {places.length === 0 ? <li class="soft" role="option" aria-selected={false}>{error || "Nothing has this in its name."}</li> : null}
        </ul>
      ) : null}
    </div>
  );
}
