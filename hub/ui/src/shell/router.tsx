// router.tsx - the address says which page is shown and with which filters; everything has one that can be sent to somebody.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";

export interface Place { path: string; query: URLSearchParams; hash: string }

const listeners = new Set<() => void>();

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash };
}

function moved(): void {
  for (const listener of [...listeners]) listener();
}

window.addEventListener("popstate", moved);

export function go(url: string, { isReplacing = false } = {}): void {
  if (isReplacing) history.replaceState(null, "", url);
  else {
    history.pushState(null, "", url);
    window.scrollTo(0, 0);
  }
  moved();
}

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const listener = () => set(here());
    listeners.add(listener);
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return place;
}

/** One value of the query as state; set("") takes it out of the address. What is typed does not fill the history. */
export function useParam(name: string): [string, (value: string) => void] {
  const place = usePlace();
  const set = (value: string) => {
    const query = new URLSearchParams(location.search);
    if (value) query.set(name, value);
    else query.delete(name);
    const text = query.toString();
    go(location.pathname + (text ? `?${text}` : "") + location.hash, { isReplacing: true });
  };
  return [place.query.get(name) ?? "", set];
}

type LinkProps = { to: string; children: ComponentChildren } & Omit<JSX.HTMLAttributes<HTMLAnchorElement>, "href">;

/** A real link: opens in a new tab, shows its address; a plain click changes the page without loading. */
export function Link({ to, children, ...rest }: LinkProps) {
  const onClick = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    go(to);
  };
  return <a href={to} onClick={onClick} {...(rest as object)}>{children}</a>;
}

export interface Route { path: string; page: (params: string[]) => JSX.Element; title: string }

/** `/assets/*` takes everything behind it, `/runs/:/:` one segment each; the parameters are decoded, in order. */
export function match(pattern: string, path: string): string[] | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  const params: string[] = [];
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === "*") return i < given.length ? params.concat(given.slice(i).map(decode)) : null;
    const segment = given[i];
    if (segment === undefined) return null;
    if (wanted[i] === ":") params.push(decode(segment));
    else if (wanted[i] !== segment) return null;
  }
  return given.length === wanted.length ? params : null;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function useRoute(routes: readonly Route[]): { route: Route; params: string[] } | null {
  const { path } = usePlace();
  return useMemo(() => {
    for (const route of routes) {
      const params = match(route.path, path);
      if (params) return { route, params };
    }
    return null;
  }, [path, routes]);
}
