// search.tsx - the box at the top: assets, devices, runs and pages by a part of their name. "/" goes to it.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Page } from "../api/types";
import { assetUrl, deviceUrl, runUrl, withQuery } from "../base/keys";
import { Icon } from "../parts/icon";
import { go } from "./router";

interface Found { kind: string; asset?: string; device?: string; run?: string; job?: string; status?: string; display_name?: string }

/** Where it leads, what is shown, the drawing, what stands beside it. */
function place(found: Found): [string, string, string, string] | null {
  if (found.kind === "asset" && found.asset) return [assetUrl(found.asset), found.asset, "assets", ""];
  if (found.kind === "device" && found.device) return [deviceUrl(found.device), found.device, "device", found.display_name ?? ""];
  if (found.kind === "run" && found.device && found.run) return [runUrl(found.device, found.run), found.run, "runs", `${found.job ?? "run"} on ${found.device}, ${found.status ?? ""}`];
  return null;
}

export function Search() {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found[] | null>(null);
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
      get<Page<Found>>(withQuery("/search", { q: text.trim(), limit: 12 }), abort.signal).then((page) => {
        setFound(page.items);
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

  const places = (found ?? []).map((item) => ({ item, at: place(item) })).filter((row) => row.at !== null) as { item: Found; at: [string, string, string, string] }[];
  const open = (url: string) => {
    setText("");
    setOpen(false);
    input.current?.blur();
    go(url);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(places.length - 1, at + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
    else if (event.key === "Enter" && places[at]) open(places[at].at[0]);
    else if (event.key === "Escape") { setText(""); input.current?.blur(); }
    else return;
    event.preventDefault();
  };
  const isShown = isOpen && text.trim() !== "" && found !== null;
  return (
    <div class="search" onFocusIn={() => setOpen(true)} onFocusOut={(event) => { if (!(event.currentTarget as Element).contains(event.relatedTarget as Node)) setOpen(false); }}>
      <Icon name="search" size={14} />
      <input ref={input} type="search" placeholder="Search assets, devices, runs" aria-label="Search" spellcheck={false} autocomplete="off" role="combobox"
        aria-expanded={isShown} aria-controls="found" aria-activedescendant={isShown && places[at] ? `found-${at}` : undefined}
        value={text} onInput={(event) => setText((event.currentTarget as HTMLInputElement).value)} onKeyDown={onKey} />
      <kbd aria-hidden="true">/</kbd>
      {isShown ? (
        <ul class="found" id="found" role="listbox" aria-label="Found">
          {places.map((row, i) => (
            <li id={`found-${i}`} role="option" aria-selected={i === at} class={i === at ? "at" : ""} onMouseDown={(event) => { event.preventDefault(); open(row.at[0]); }} onMouseEnter={() => setAt(i)}>
              <Icon name={row.at[2]} size={14} /><span>{row.at[1]}</span><span class="soft">{row.at[3]}</span>
            </li>
          ))}
          {places.length === 0 ? <li class="soft" role="option" aria-selected={false}>{error || "Nothing has this in its name."}</li> : null}
        </ul>
      ) : null}
    </div>
  );
}
