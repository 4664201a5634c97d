// model.ts - what is drawn: assets, or folded groups in their place, and the edges between them. Pure.
import type { Asset, Edge } from "../api/types";
import { plural } from "../base/format";
import { kindIcon, type Tone } from "../base/words";

export interface GraphNode {
  id: string;
  name: string; // the last part of a key, or the group
  path: string; // what comes before it
  icon: string;
  tone: Tone;
  word: string;
  group: string;
  assets: string[]; // one, or all of a folded group
  isGroup: boolean;
  isInRun: boolean; // a run that is under way makes it, or one of its assets
}
export interface Drawing { nodes: GraphNode[]; edges: [number, number][]; byAsset: Map<string, number> }

export const groupOf = (asset: Asset): string => asset.group ?? "default";

export const groupId = (group: string): string => `group ${group}`;

export function assetLook(asset: Asset): [Tone, string] {
  if (asset.failing > 0) return ["bad", asset.devices > 1 ? `failing on ${asset.failing} of ${asset.devices}` : "failing"];
  if ((asset.freshness?.late ?? 0) + (asset.freshness?.stale ?? 0) > 0) return ["warn", "late"];
  if (asset.external) return ["off", "external"];
  if (!asset.materialized_at) return ["idle", "never made"];
  return ["good", "made"];
}

// What a folded group tells is the worst of what is in it.
const WORSE: Tone[] = ["bad", "warn", "busy", "good", "idle", "off"];

export function draw(assets: readonly Asset[], edges: readonly Edge[], folded: ReadonlySet<string>, inRuns: ReadonlySet<string> = new Set()): Drawing {
  const nodes: GraphNode[] = [];
  const byAsset = new Map<string, number>();
  const byGroup = new Map<string, number>();
  const counts = new Map<string, Map<Tone, number>>();
  for (const asset of assets) {
    const group = groupOf(asset);
    const [tone, state] = assetLook(asset);
    const isInRun = !asset.external && inRuns.has(asset.asset);
    const word = isInRun ? `${state}, in a run` : state; // in a large fleet something always runs: it hides nothing
    if (!folded.has(group)) {
      const cut = asset.asset.lastIndexOf("/");
      byAsset.set(asset.asset, nodes.length);
      nodes.push({ id: asset.asset, name: asset.asset.slice(cut + 1), path: asset.asset.slice(0, cut + 1), icon: kindIcon(asset.kinds, asset.external), tone, word, group, assets: [asset.asset], isGroup: false, isInRun });
      continue;
    }
    let at = byGroup.get(group);
    if (at === undefined) {
      at = nodes.length;
      byGroup.set(group, at);
      counts.set(group, new Map());
      nodes.push({ id: groupId(group), name: group, path: "", icon: "assets", tone: "off", word: "", group, assets: [], isGroup: true, isInRun: false });
    }
    byAsset.set(asset.asset, at);
    const node = nodes[at] as GraphNode;
    node.assets.push(asset.asset);
    node.isInRun ||= isInRun;
    const count = counts.get(group) as Map<Tone, number>;
    count.set(tone, (count.get(tone) ?? 0) + 1);
  }
  for (const [group, at] of byGroup) {
    const node = nodes[at] as GraphNode;
    const count = counts.get(group) as Map<Tone, number>;
    node.tone = WORSE.find((tone) => count.has(tone)) ?? "off";
    const bad = count.get("bad") ?? 0;
    const late = count.get("warn") ?? 0;
    node.word = [plural(node.assets.length, "asset"), bad ? `${bad} failing` : "", late ? `${late} late` : "", node.isInRun ? "in a run" : ""].filter(Boolean).join(", ");
  }
  const seen = new Set<number>();
  const drawn: [number, number][] = [];
  for (const edge of edges) {
    const from = byAsset.get(edge.upstream);
    const to = byAsset.get(edge.downstream);
    if (from === undefined || to === undefined || from === to) continue;
    const key = from * nodes.length + to;
    if (seen.has(key)) continue;
    seen.add(key);
    drawn.push([from, to]);
  }
  return { nodes, edges: drawn, byAsset };
}

/** Changes when the graph must be laid out anew: what stands where does not depend on how things are. */
export const shapeOf = (drawing: Drawing): string => `${drawing.nodes.map((node) => node.id).join("\n")}\n\n${drawing.edges.join(";")}`;
