// selection.ts - the selection language on what the page has at hand, so that a graph highlights as one types. The hub's own
// is common/model; docs/reference/selections.md says what it means. Pure.

export interface Selectable { asset: string; group?: string; kinds?: string[]; owners?: string[]; tags?: Record<string, string>; external: boolean }
export interface Neighbourhood { up: ReadonlyMap<string, readonly string[]>; down: ReadonlyMap<string, readonly string[]> }

/** A mistake, and where it is: columns count from 1. */
export class SelectionError extends Error {
  constructor(readonly column: number, message: string) {
    super(message);
  }
}

type Node =
  | { is: "all" }
  | { is: "attribute"; name: string; value: string; tagValue?: string }
  | { is: "not"; of: Node }
  | { is: "and" | "or"; left: Node; right: Node }
  | { is: "edge"; of: Node; up: number; down: number } // steps; Infinity: all
  | { is: "ends"; of: Node; isRoots: boolean };

const ATTRIBUTES = ["key", "group", "kind", "owner", "tag", "is"];
const BYTES_MAX = 4096;
const DEPTH_MAX = 32;

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly text: string) {}

  parse(): Node {
    if (this.text.length > BYTES_MAX) throw new SelectionError(1, "longer than 4 KiB");
    const node = this.or();
    this.blank();
    if (this.at < this.text.length) throw this.mistake(this.text[this.at] === ")" ? "a bracket closes that was not opened" : "\"and\" or \"or\" is missing here");
    return node;
  }

  private mistake(message: string, at = this.at): SelectionError {
    return new SelectionError(at + 1, message);
  }

  private blank(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  private word(word: string): boolean {
    this.blank();
    const found = this.text.slice(this.at, this.at + word.length);
    const next = this.text[this.at + word.length] ?? " ";
    if ((found !== word && found !== word.toUpperCase()) || !/[\s()"]/.test(next)) return false;
    this.at += word.length;
    return true;
  }

  private or(): Node {
    let left = this.and();
    while (this.word("or")) left = { is: "or", left, right: this.and() };
    return left;
  }

  private and(): Node {
    let left = this.not();
    while (this.word("and")) left = { is: "and", left, right: this.not() };
    return left;
  }

  private not(): Node {
    let n = 0;
    while (this.word("not")) n++;
    const of = this.edges();
    return n % 2 ? { is: "not", of } : of;
  }

  private edges(): Node {
    this.blank();
    const before = /^(\d*)\+/.exec(this.text.slice(this.at, this.at + 12));
    if (before) this.at += before[0].length;
    const of = this.atom();
    const after = /^\+(\d*)/.exec(this.text.slice(this.at, this.at + 12));
    if (after) this.at += after[0].length;
    if (!before && !after) return of;
    const steps = (found: RegExpExecArray | null) => (found ? (found[1] ? Number(found[1]) : Infinity) : 0);
    return { is: "edge", of, up: steps(before), down: steps(after) };
  }

  private atom(): Node {
    this.blank();
    if (this.at >= this.text.length) throw this.mistake("something is missing at the end");
    const ends = /^(roots|sinks)\s*\(/.exec(this.text.slice(this.at));
    if (ends) {
      this.at += ends[0].length - 1;
      return { is: "ends", of: this.brackets(), isRoots: ends[1] === "roots" };
    }
    if (this.text[this.at] === "(") return this.brackets();
    return this.attribute();
  }

  private brackets(): Node {
    const open = this.at++;
    if (++this.depth > DEPTH_MAX) throw this.mistake("brackets are more than 32 deep", open);
    const of = this.or();
    this.blank();
    if (this.text[this.at] !== ")") throw this.mistake("a bracket is not closed", open);
    this.at++;
    this.depth--;
    return of;
  }

  private attribute(): Node {
    const start = this.at;
    const name = /^([a-z_]+):/.exec(this.text.slice(this.at))?.[1];
    if (name && !ATTRIBUTES.includes(name)) throw this.mistake(`there is no attribute "${name}"`, start);
    if (!name) {
      const value = this.value();
      return value === "*" ? { is: "all" } : { is: "attribute", name: "key", value };
    }
    this.at += name.length + 1;
    const value = this.value(name === "tag");
    if (name === "is" && value !== "external" && value !== "materializable") throw this.mistake(`"is:" knows external and materializable`, start);
    if (name !== "tag" || this.text[this.at] !== "=") return { is: "attribute", name, value };
    this.at++;
    return { is: "attribute", name, value, tagValue: this.value() };
  }

  private value(stopsAtEquals = false): string {
    if (this.text[this.at] === "\"") {
      const end = this.text.indexOf("\"", this.at + 1);
      if (end < 0) throw this.mistake("a quote is not closed");
      const value = this.text.slice(this.at + 1, end);
      this.at = end + 1;
      return value;
    }
    const found = (stopsAtEquals ? /^[^\s()"+=]+/ : /^[^\s()"+]+/).exec(this.text.slice(this.at));
    if (!found) throw this.mistake("a value is missing here");
    this.at += found[0].length;
    return found[0];
  }
}

function wildcard(pattern: string): (text: string) => boolean {
  if (!pattern.includes("*")) return (text) => text === pattern;
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`, "s");
  return (text) => expression.test(text);
}

function matcher(node: { name: string; value: string; tagValue?: string }): (asset: Selectable) => boolean {
  const is = wildcard(node.value);
  const isNone = node.value === "<null>";
  switch (node.name) {
    case "key": return (a) => is(a.asset);
    case "group": return (a) => is(a.group ?? "default");
    case "kind": return (a) => (isNone ? !a.kinds?.length : (a.kinds ?? []).some((kind) => kind === node.value));
    case "owner": return (a) => (isNone ? !a.owners?.length : (a.owners ?? []).some((owner) => owner === node.value));
    case "is": return (a) => a.external === (node.value === "external");
    default: return (a) => a.tags?.[node.value] === (node.tagValue ?? "");
  }
}

/** All that can be reached from `from` in at most `steps` steps, `from` included. */
export function reach(from: ReadonlySet<string>, edges: ReadonlyMap<string, readonly string[]>, steps: number): Set<string> {
  const found = new Set(from);
  let edge = [...from];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    const next: string[] = [];
    for (const name of edge) for (const other of edges.get(name) ?? []) if (!found.has(other)) { found.add(other); next.push(other); }
    edge = next;
  }
  return found;
}

function ends(of: ReadonlySet<string>, edges: ReadonlyMap<string, readonly string[]>): Set<string> {
  // Made from no other of them, directly or not: nothing of `of` is reached against (or along) the edges.
  const found = new Set<string>();
  for (const name of of) {
    const others = reach(new Set([name]), edges, Infinity);
    others.delete(name);
    let isEnd = true;
    for (const other of others) if (of.has(other)) { isEnd = false; break; }
    if (isEnd) found.add(name);
  }
  return found;
}

function evaluate(node: Node, assets: readonly Selectable[], graph: Neighbourhood): Set<string> {
  switch (node.is) {
    case "all": return new Set(assets.map((a) => a.asset));
    case "attribute": {
      const fits = matcher(node);
      return new Set(assets.filter(fits).map((a) => a.asset));
    }
    case "not": {
      const of = evaluate(node.of, assets, graph);
      return new Set(assets.filter((a) => !of.has(a.asset)).map((a) => a.asset));
    }
    case "and": {
      const right = evaluate(node.right, assets, graph);
      return new Set([...evaluate(node.left, assets, graph)].filter((name) => right.has(name)));
    }
    case "or": return new Set([...evaluate(node.left, assets, graph), ...evaluate(node.right, assets, graph)]);
    case "edge": {
      const of = evaluate(node.of, assets, graph);
      return new Set([...reach(of, graph.up, node.up), ...reach(of, graph.down, node.down)]);
    }
    case "ends": return ends(evaluate(node.of, assets, graph), node.isRoots ? graph.up : graph.down);
  }
}

/** The keys that `text` selects. Throws SelectionError. */
export function select(text: string, assets: readonly Selectable[], graph: Neighbourhood): Set<string> {
  return evaluate(new Parser(text).parse(), assets, graph);
}

/** What all of `texts` select together; those that cannot be read select nothing. */
export function selectAny(texts: Iterable<string>, assets: readonly Selectable[], graph: Neighbourhood): Set<string> {
  const found = new Set<string>();
  for (const text of texts) {
    try {
      for (const key of select(text, assets, graph)) found.add(key);
    } catch (problem) {
      if (!(problem instanceof SelectionError)) throw problem;
    }
  }
  return found;
}

export function neighbourhood(edges: readonly { upstream: string; downstream: string }[]): Neighbourhood {
  const up = new Map<string, string[]>();
  const down = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, from: string, to: string) => {
    const list = map.get(from);
    if (list) list.push(to);
    else map.set(from, [to]);
  };
  for (const { upstream, downstream } of edges) {
    add(down, upstream, downstream);
    add(up, downstream, upstream);
  }
  return { up, down };
}
