// keys.ts - asset keys and the paths of pages. A "/" inside a part of a key is written "\/".

export function keyParts(key: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < key.length; i++) {
    if (key[i] === "\\" && key[i + 1] === "/") {
      part += "/";
      i++;
    } else if (key[i] === "/") {
      parts.push(part);
      part = "";
    } else part += key[i];
  }
  parts.push(part);
  return parts;
}

export function keyOf(parts: string[]): string {
  return parts.map((part) => part.replace(/\//g, "\\/")).join("/");
}

/** Segments of a URL: each part percent-encoded. */
export function keyPath(key: string): string {
  return keyParts(key).map(encodeURIComponent).join("/");
}

export const assetUrl = (key: string) => `/assets/${keyPath(key)}`;
export const deviceUrl = (name: string) => `/devices/${encodeURIComponent(name)}`;
export const runUrl = (device: string, run: string) => `/runs/${encodeURIComponent(device)}/${encodeURIComponent(run)}`;

export const namedUrl = (kind: "job" | "schedule" | "sensor", name: string) => `/${kind}s/${encodeURIComponent(name)}`;

/** A path with (more of) a query; members that are empty or undefined are left out. */
export function withQuery(path: string, query: Record<string, string | number | undefined | null | false>): string {
  const text = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join("&");
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
}
