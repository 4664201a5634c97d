// differs.ts - what is wanted of a device against what it has: two documents, member by member. Pure.

export interface Difference { path: string; wanted?: string; has?: string }

const HEAD = new Set(["kind", "v", "fleet", "device", "revision", "issued_at"]); // says which it is, not what is wanted

function flatten(value: unknown, path: string, into: Map<string, string>): void {
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      const name = typeof item === "string" ? item : (item as { name?: unknown } | null)?.name;
      if (typeof item === "string") into.set(`${path} ${item}`, "yes");
      else flatten(item, `${path} ${typeof name === "string" ? name : i + 1}`, into);
    });
  } else if (value !== null && typeof value === "object") {
    for (const [name, member] of Object.entries(value)) if (path !== "" || !HEAD.has(name)) flatten(member, path === "" ? name : `${path}.${name}`, into);
  } else into.set(path, typeof value === "string" ? value : JSON.stringify(value));
}

/** Lists are told by the names of their items, so that one more at their beginning is one difference. */
export function differences(wanted: unknown, has: unknown): Difference[] {
  const left = new Map<string, string>();
  const right = new Map<string, string>();
  flatten(wanted ?? {}, "", left);
  flatten(has ?? {}, "", right);
  return [...new Set([...left.keys(), ...right.keys()])].sort()
    .filter((path) => left.get(path) !== right.get(path))
    .map((path) => ({ path, ...(left.has(path) ? { wanted: left.get(path) } : {}), ...(right.has(path) ? { has: right.get(path) } : {}) }));
}

/** The members in which documents of one kind are not all the same, by name. */
export function membersThatDiffer(documents: readonly (object | undefined)[]): string[] {
  const names = new Set(documents.flatMap((document) => Object.keys(document ?? {})));
  const valueOf = (document: object | undefined, name: string) => JSON.stringify((document as Record<string, unknown> | undefined)?.[name]);
  return [...names].filter((name) => new Set(documents.map((document) => valueOf(document, name))).size > 1).sort();
}
