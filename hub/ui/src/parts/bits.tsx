// bits.tsx - the small parts that every page is made of: status, time, links to things, empty states, errors, headings.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { Answer } from "../api/query";
import { clock, instant, relative, utc, zoned } from "../base/format";
import { assetUrl, deviceUrl, keyParts, runUrl } from "../base/keys";
import { kindIcon, toneOf, wordOf, type Tone } from "../base/words";
import { shortId } from "../base/format";
import { Link } from "../shell/router";
import { Icon } from "./icon";

/** A shape, a colour and a word. */
export function Status({ status, word, tone }: { status: string; word?: string; tone?: Tone }) {
  const look = tone ?? toneOf(status);
  return (
    <span class={`status tone-${look}`}>
      <span class="status-mark"><Icon name={look} size={11} /></span>
      <span class="status-word">{word ?? wordOf(status)}</span>
    </span>
  );
}

// One timer for all times on the page.
let now = Date.now();
const clocks = new Set<() => void>();
window.setInterval(() => {
  now = Date.now();
  if (document.visibilityState === "visible") for (const tick of [...clocks]) tick();
}, 5000);

export function useNow(): number {
  const [, draw] = useState(0);
  useEffect(() => {
    const tick = () => draw((n) => n + 1);
    clocks.add(tick);
    return () => void clocks.delete(tick);
  }, []);
  return Math.max(now, Date.now() - 5000);
}

/** How long ago; the time in the viewer's zone and in UTC on hover, and in its place on paper. */
export function Ago({ at }: { at: string | null | undefined }) {
  useNow();
  const ms = instant(at);
  if (Number.isNaN(ms)) return <span class="soft">–</span>;
  return <time dateTime={at as string} data-at={zoned(ms)} title={`${zoned(ms)}\n${utc(ms)}`}>{relative(ms, Date.now())}</time>;
}

/** The time itself, in the viewer's zone, which stands beside it; `isClock`: the time of day alone, where the day is told above. */
export function At({ at, isClock = false }: { at: string | null | undefined; isClock?: boolean }) {
  const ms = instant(at);
  if (Number.isNaN(ms)) return <span class="soft">–</span>;
  return <time dateTime={at as string} title={`${zoned(ms)}\n${utc(ms)}`}>{isClock ? clock(ms) : zoned(ms)}</time>;
}

/** An asset key; all but the last part is soft. */
export function KeyText({ name }: { name: string }) {
  const parts = keyParts(name);
  const last = parts.pop();
  return <span class="key">{parts.map((part) => <span class="soft">{part}<span class="slash">/</span></span>)}{last}</span>;
}

export function AssetLink({ name, kinds, isExternal }: { name: string; kinds?: string[]; isExternal?: boolean }) {
  return (
    <Link to={assetUrl(name)} class="thing" title={name}>
      {kinds || isExternal ? <Icon name={kindIcon(kinds, isExternal ?? false)} size={14} /> : null}<KeyText name={name} />
    </Link>
  );
}

export const DeviceLink = ({ name }: { name: string }) => <Link to={deviceUrl(name)} class="thing">{name}</Link>;

export const RunLink = ({ device, run }: { device: string; run: string }) =>
  <Link to={runUrl(device, run)} class="thing mono" title={run}>{shortId(run)}</Link>;

export function Tags({ of }: { of: Record<string, string> | undefined }) {
  const pairs = Object.entries(of ?? {});
  return <>{pairs.map(([key, value]) => <span class="tag">{value ? `${key}=${value}` : key}</span>)}</>;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return <div class="empty"><p class="empty-title">{title}</p>{children ? <div class="empty-next">{children}</div> : null}</div>;
}

export function Failure({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const hint = error instanceof ApiError ? error.hint : "";
  const isForbidden = error instanceof ApiError && error.status === 403;
  return (
    <div class="failure" role="alert">
      <Status status="failed" word={isForbidden ? "Your role does not allow this" : "This did not work"} />
      <p class="failure-words">{error.message}</p>
      {hint ? <p class="soft">{hint}</p> : null}
      {onRetry && !isForbidden ? <button type="button" onClick={onRetry}><Icon name="again" size={14} />Try again</button> : null}
    </div>
  );
}

/** There is no such thing: asking again does not help. */
export function Missing({ words }: { words: string }) {
  return (
    <>
      <h1 class="hidden">Not found</h1>
      <Empty title={words.charAt(0).toUpperCase() + words.slice(1)}><p>Its name may be misspelled, or it was removed since. The search at the top finds what there is.</p><Link to="/" class="button">To the overview</Link></Empty>
    </>
  );
}

/** What there is of an answer: words while it comes, the failure with its sentence, or the page. */
export function Show<T>({ answer, what, children }: { answer: Answer<T>; what: string; children: (value: T) => ComponentChildren }) {
  if (answer.value !== undefined) {
    return <>{answer.isOld ? <p class="notice" role="status">The hub does not answer at the moment; this is what it said last.</p> : null}{children(answer.value)}</>;
  }
  if (answer.error?.status === 404) return <Missing words={answer.error.message} />;
  if (answer.error) return <Failure error={answer.error} onRetry={answer.reload} />;
  return <p class="loading" role="status">Loading {what}…</p>;
}

export function Head({ title, icon, sub, children }: { title: ComponentChildren; icon?: string; sub?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="head">
      <div class="head-words">
        <h1>{icon ? <Icon name={icon} size={20} /> : null}{title}</h1>
        {sub ? <div class="head-sub">{sub}</div> : null}
      </div>
      {children ? <div class="head-actions">{children}</div> : null}
    </header>
  );
}

export function Card({ title, side, children, kind = "" }: { title?: ComponentChildren; side?: ComponentChildren; children: ComponentChildren; kind?: string }) {
  return (
    <section class={`card ${kind}`}>
      {title ? <div class="card-head"><h2>{title}</h2>{side ? <div class="card-side">{side}</div> : null}</div> : null}
      {children}
    </section>
  );
}

export function Figure({ name, value, tone, to, note }: { name: string; value: ComponentChildren; tone?: Tone; to?: string; note?: ComponentChildren }) {
  const inside = (
    <>
      <span class="figure-name">{name}</span>
      <span class="figure-value">{tone && tone !== "off" ? <span class={`figure-mark tone-${tone}`}><Icon name={tone} size={14} /></span> : null}{value}</span>
      {note ? <span class="figure-note">{note}</span> : null}
    </>
  );
  return to ? <Link to={to} class="figure">{inside}</Link> : <div class="figure">{inside}</div>;
}

/** Names and values in two columns; what is empty is left out. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return <dl class="facts">{rows.filter(([, value]) => value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0)).map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

export function Tabs({ tabs, now: current, onPick }: { tabs: [string, ComponentChildren][]; now: string; onPick: (tab: string) => void }) {
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const at = tabs.findIndex(([name]) => name === current);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    onPick(next[0]);
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
  };
  return (
    <div class="tabs" role="tablist" onKeyDown={move}>
      {tabs.map(([name, words]) => (
        <button type="button" role="tab" aria-selected={name === current} tabIndex={name === current ? 0 : -1} onClick={() => onPick(name)}>{words}</button>
      ))}
    </div>
  );
}

export function Choice({ label, value, options, onPick }: { label: string; value: string; options: [string, string][]; onPick: (value: string) => void }) {
  return (
    <label class="choice"><span>{label}</span>
      <select value={value} onChange={(event) => onPick((event.currentTarget as HTMLSelectElement).value)}>
        {options.map(([key, words]) => <option value={key}>{words}</option>)}
      </select>
    </label>
  );
}

/** `names`: what there is to choose from, offered by the browser as one types. */
export function Filter({ value, onInput, placeholder, label, names }: { value: string; onInput: (text: string) => void; placeholder: string; label: string; names?: string[] }) {
  const id = `names-${label.replace(/\W+/g, "-")}`;
  return (
    <label class="filter"><Icon name="search" size={14} />
      {names ? <datalist id={id}>{names.map((name) => <option value={name} />)}</datalist> : null}
      <input type="search" value={value} list={names ? id : undefined} placeholder={placeholder} aria-label={label} spellcheck={false} autocomplete="off"
        onInput={(event) => onInput((event.currentTarget as HTMLInputElement).value)} />
    </label>
  );
}
