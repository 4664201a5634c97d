// shell.tsx - what is around every page: navigation, search, whether the page is live, theme, who is logged in.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useLiveState } from "../api/live";
import { useQuery } from "../api/query";
import type { Alert, Page } from "../api/types";
import { Icon } from "../parts/icon";
import { Link, usePlace } from "./router";
import { Search } from "./search";
import { SECTIONS } from "./sections";
import { useSession } from "./session";
import { setTheme, useTheme } from "./theme";
import { Words } from "./ask";

// Pages that an item leads to by a tab of its own page, not by their address.
const BELOW: Record<string, string> = { "/bundles": "/deployments", "/sensors": "/schedules" };

function isAt(to: string, path: string): boolean {
  const section = `/${path.split("/")[1] ?? ""}`;
  return to === (BELOW[section] ?? section);
}

function Nav({ onPick }: { onPick: () => void }) {
  const { path } = usePlace();
  const alerts = useQuery<Page<Alert>>("/alerts?limit=100", ["alert"], 60_000);
  const firing = alerts.value?.items.filter((alert) => alert.status === "firing").length ?? 0;
  return (
    <nav class="nav" aria-label="Pages" onClickCapture={onPick}>
      <Link to="/" class="brand"><span class="brand-mark" aria-hidden="true" />Selvedge</Link>
      {SECTIONS.map((section) => (
        <div class="nav-section">
          <p class="nav-name">{section.name}</p>
          {section.links.map(([to, name, icon]) => (
            <Link to={to} class="nav-link" aria-current={isAt(to, path) ? "page" : undefined}>
              <Icon name={icon} />{name}
              {to === "/alerts" && firing > 0 ? <span class="badge" title={`${firing} firing`}>{firing}<span class="hidden"> firing</span></span> : null}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  );
}

function LiveMark() {
  const state = useLiveState();
  const word = { connecting: "Connecting", live: "Live", lost: "Not live: the hub is out of reach" }[state];
  const title = state === "live" ? "What changes in the fleet shows by itself" : "The page shows what the hub said last, and connects again by itself";
  return <span class={`live live-${state}`} title={title} role="status"><span class="live-dot" aria-hidden="true" /><span>{word}</span></span>;
}

function ThemeSwitch() {
  const { dark } = useTheme();
  return (
    <button type="button" class="quiet" onClick={() => setTheme(dark ? "light" : "dark")} aria-label={dark ? "Light colours" : "Dark colours"} title={dark ? "Light colours" : "Dark colours"}>
      <Icon name={dark ? "sun" : "moon"} />
    </button>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const { session, logOut } = useSession();
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { path } = usePlace();
  // A new page is read from its beginning, also by a screen reader; the first one keeps the browser's own focus.
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [path]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => event.key === "Escape" && setOpen(false);
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <div class={`shell ${isOpen ? "nav-open" : ""}`}>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the page</a>
      <Nav onPick={() => setOpen(false)} />
      {isOpen ? <div class="nav-veil" onClick={() => setOpen(false)} /> : null}
      <div class="beside">
        <header class="top">
          <button type="button" class="quiet menu-button" aria-label="Pages" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}><Icon name="menu" size={18} /></button>
          <Search />
          <LiveMark />
          <ThemeSwitch />
          <span class="who" title={`${session.user ?? ""}: ${session.role ?? ""}`}><Icon name="user" size={14} /><span class="who-name">{session.user}</span></span>
          <button type="button" class="quiet" onClick={logOut}>Log out</button>
        </header>
        <main id="main" ref={main} tabIndex={-1}>{children}</main>
      </div>
      <Words />
    </div>
  );
}
