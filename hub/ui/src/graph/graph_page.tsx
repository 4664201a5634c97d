// graph_page.tsx - the merged lineage of the fleet.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Asset, AssetDetail, AssetOnDevice, Graph, Run } from "../api/types";
import { count, plural } from "../base/format";
import { assetUrl, keyPath, withQuery } from "../base/keys";
import { Ago, AssetLink, DeviceLink, Empty, RunLink, Show, Status } from "../parts/bits";
import { Icon } from "../parts/icon";
import { devicesPath } from "../pages/asset_devices";
import { askMaterialize } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { useTheme } from "../shell/theme";
import { GraphCanvas } from "./canvas";
import { layout, type LayoutResult } from "./layout";
import { draw, groupId, groupOf, shapeOf, type Drawing, type GraphNode } from "./model";
import { neighbourhood, select, selectAny, SelectionError, type Neighbourhood } from "./selection";

declare const LAYOUT_WORKER: string;

const FOLDED_FROM = 300; // assets: more than that begin with their groups folded
const GROUPS_MAX = 400; // unless there are more groups than help

const nodesOf = (graph: Graph): Asset[] => graph.nodes.map((node) => ({ ...node, asset: node.key }));

// ---- laying out, beside the page ----
let worker: Worker | null = null;
let nextId = 1;

function layoutBeside(drawing: Drawing): Promise<LayoutResult> {
  const input = { ids: drawing.nodes.map((node) => node.id), edges: drawing.edges };
  return new Promise((resolve) => {
    try {
      worker ??= new Worker(LAYOUT_WORKER, { type: "module" });
    } catch {
      resolve(layout(input)); // no workers here: the page waits for it
      return;
    }
    const id = nextId++;
    const mine = worker;
    const onMessage = (event: MessageEvent<{ id: number; result: LayoutResult }>) => {
      if (event.data.id !== id) return;
      mine.removeEventListener("message", onMessage);
      resolve(event.data.result);
    };
    mine.addEventListener("message", onMessage);
    mine.addEventListener("error", () => resolve(layout(input)), { once: true });
    mine.postMessage({ id, input });
  });
}

function useLayout(drawing: Drawing | null): { at: LayoutResult; shape: string } | null {
  const [done, set] = useState<{ at: LayoutResult; shape: string } | null>(null);
  const shape = useMemo(() => (drawing ? shapeOf(drawing) : ""), [drawing]);
  useEffect(() => {
    if (!drawing || done?.shape === shape) return;
    let isOld = false;
    void layoutBeside(drawing).then((at) => {
      performance.mark("graph-laid-out");
      if (!isOld) set({ at, shape });
    });
    return () => { isOld = true; };
  }, [shape]);
  return drawing && done?.shape === shape ? done : null;
}

export function GraphPage() {
  const [at, setAt] = useParam("at");
  const answer = useQuery<Graph>(withQuery("/graph", { at }), ["asset"], 60_000);
  return (
    <div class="graph-page">
      <h1 class="hidden">Graph</h1>
      <Show answer={answer} what="the graph">
        {(graph) => graph.nodes.length === 0
          ? <Empty title={at ? "No asset was defined then." : "No device has defined an asset yet."}>{at ? <button type="button" onClick={() => setAt("")}>As it is now</button> : <p>The graph is drawn from the definitions of all devices. <Link to="/devices">See the devices</Link></p>}</Empty>
          : <GraphView graph={graph} at={at} onAt={setAt} />}
      </Show>
    </div>
  );
}

/** What the selection means: the keys, or the mistake in it; neither when it is empty. */
function useChosen(text: string, assets: Asset[], hood: Neighbourhood): [ReadonlySet<string> | null, SelectionError | null] {
  return useMemo(() => {
    if (!text.trim()) return [null, null];
    try {
      return [select(text, assets, hood), null];
    } catch (problem) {
      if (problem instanceof SelectionError) return [null, problem];
      throw problem;
    }
  }, [text, assets, hood]);
}

const RUNS_SEEN = 100;
const APART = "\u0000";
const SELECTIONS_SEEN = 20; // as a rule all runs have a few

/** The assets of the runs that are under way; as it was then, none are. */
function useInRuns(isNow: boolean, assets: Asset[], hood: Neighbourhood): ReadonlySet<string> {
  const open = useList<Run>(isNow ? withQuery("/runs", { status: "started" }) : null, ["run"], { pageSize: RUNS_SEEN });
  const texts = [...new Set((open.value ?? []).map((run) => run.selection ?? ""))].filter(Boolean).sort().slice(0, SELECTIONS_SEEN).join(APART);
  return useMemo(() => selectAny(texts.split(APART).filter(Boolean), assets, hood), [texts, assets, hood]);
}

interface Shown { drawing: Drawing; laid: { at: LayoutResult; shape: string } | null; marked: ReadonlySet<number> | null; picked: number; isOnly: boolean }

/** The canvas of what is shown, and its minimap; events come with the node's index. */
function useCanvas(shown: Shown, onPick: (node: number) => void, onOpen: (node: number) => void) {
  const main = useRef<HTMLCanvasElement>(null);
  const map = useRef<HTMLCanvasElement>(null);
  const view = useRef<GraphCanvas | null>(null);
  const [over, setOver] = useState(-1);
  const { dark } = useTheme();
  const latest = useRef({ onPick, onOpen });
  latest.current = { onPick, onOpen };
  const { drawing, laid, marked, picked, isOnly } = shown;
  useEffect(() => {
    const canvas = new GraphCanvas(main.current as HTMLCanvasElement, map.current as HTMLCanvasElement, {
      pick: (node) => latest.current.onPick(node), open: (node) => latest.current.onOpen(node), over: setOver,
    });
    view.current = canvas;
    const watch = new ResizeObserver(() => canvas.resize());
    watch.observe(main.current as HTMLCanvasElement);
    canvas.resize();
    return () => {
      watch.disconnect();
      canvas.close();
    };
  }, []);
  useEffect(() => void view.current?.readColours(), [dark]);
  useEffect(() => {
    if (laid) view.current?.show({ drawing, at: laid.at, marked, picked, over });
  }, [laid, drawing, marked, picked, over]);
  useEffect(() => {
    if (!laid) return;
    view.current?.fit(marked && marked.size && !isOnly ? marked : undefined);
    requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("graph-drawn"))); // for who measures
  }, [laid?.shape]);
  return { main, map, view };
}

/** What a datetime-local field shows: the viewer's own time. */
function localField(at: string): string {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? "" : new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function AsOf({ at, onAt }: { at: string; onAt: (at: string) => void }) {
  const set = (event: Event) => {
    const value = (event.currentTarget as HTMLInputElement).value;
    onAt(value ? new Date(value).toISOString() : "");
  };
  return (
    <>
      <label class="choice"><span>As of</span><input type="datetime-local" value={localField(at)} aria-label="As of" onChange={set} /></label>
      {at ? <button type="button" onClick={() => onAt("")}>Now</button> : null}
    </>
  );
}

function GraphView({ graph, at, onAt }: { graph: Graph; at: string; onAt: (at: string) => void }) {
  const assets = useMemo(() => nodesOf(graph), [graph]);
  const groups = useMemo(() => [...new Set(assets.map(groupOf))].sort(), [assets]);
  const [text, setText] = useParam("selection");
  const [only, setOnly] = useParam("only");
  const [folded, setFolded] = useState<ReadonlySet<string>>(() => new Set(assets.length > FOLDED_FROM && groups.length <= GROUPS_MAX && !text ? groups : []));
  const hood = useMemo(() => neighbourhood(graph.edges), [graph]);
  const [chosen, error] = useChosen(text, assets, hood);
  const inRuns = useInRuns(at === "", assets, hood);
  const drawing = useMemo(() => draw(only && chosen ? assets.filter((asset) => chosen.has(asset.asset)) : assets, graph.edges, folded, inRuns), [assets, graph, folded, inRuns, only, chosen]);
  const laid = useLayout(drawing);
  const marked = useMemo(() => chosen && new Set(drawing.nodes.flatMap((node, i) => (node.assets.some((name) => chosen.has(name)) ? [i] : []))), [chosen, drawing]);
  const [pickedId, setPickedId] = useState("");
  const picked = useMemo(() => drawing.nodes.findIndex((node) => node.id === pickedId), [drawing, pickedId]);
  const toggle = (group: string) => setFolded((old) => {
    const next = new Set(old);
    if (!next.delete(group)) next.add(group);
    return next;
  });
  const pick = (i: number) => setPickedId(drawing.nodes[i]?.id ?? "");
  const open = (i: number) => {
    const node = drawing.nodes[i];
    if (node?.isGroup) toggle(node.group);
    else if (node) go(assetUrl(node.id));
  };
  const { main, map, view } = useCanvas({ drawing, laid, marked, picked, isOnly: only !== "" }, pick, open);
  const onKey = (event: KeyboardEvent) => keys(event, { view: view.current, laid: laid?.at ?? null, drawing, picked, pick: (i) => { pick(i); view.current?.reveal(i); }, open: () => open(picked) });
  const node = drawing.nodes[picked];
  const allFolded = groups.every((group) => folded.has(group));
  const counted = plural(assets.length, "asset");
  return (
    <>
      <div class="tools graph-tools">
        <label class={`filter selection ${error ? "wrong" : ""}`}><Icon name="search" size={14} />
          <input type="search" class="mono" value={text} spellcheck={false} autocomplete="off" aria-label="Selection" placeholder="Selection, such as +reports/daily_sales or group:pos+" aria-invalid={error !== null} aria-describedby="selection-words"
            onInput={(event) => setText((event.currentTarget as HTMLInputElement).value)}
            onKeyDown={(event) => { if (event.key === "Enter" && marked) view.current?.fit(marked); }} />
        </label>
        <span id="selection-words" class={error ? "bad-text" : "soft"} role="status">{error ? `Column ${error.column}: ${error.message}` : chosen ? `${count(chosen.size)} of ${counted}` : counted}</span>
        <label class="check"><input type="checkbox" checked={only !== ""} disabled={!chosen} onChange={() => setOnly(only ? "" : "1")} />Only these</label>
        <button type="button" onClick={() => setFolded(new Set(allFolded ? [] : groups))}><Icon name="fold" size={14} />{allFolded ? "Unfold groups" : "Fold groups"}</button>
        <AsOf at={at} onAt={onAt} />
        <Link to={withQuery("/assets", { selection: text })} class="button">As a list</Link>
      </div>
      <div class="graph-box">
        <canvas ref={main} class="graph-canvas" tabIndex={0} role="application" onKeyDown={onKey}
          aria-label={`Graph of ${drawing.nodes.length} nodes. Arrow keys go along the edges and between neighbours, Enter opens, plus and minus zoom, f fits all.`} />
        {laid ? null : <p class="loading over" role="status">Laying out {plural(drawing.nodes.length, "node")}…</p>}
        <div class="graph-buttons">
          <button type="button" aria-label="Zoom in" onClick={() => view.current?.zoom(1.3)}>+</button>
          <button type="button" aria-label="Zoom out" onClick={() => view.current?.zoom(1 / 1.3)}>−</button>
          <button type="button" aria-label="Fit all" title="Fit all" onClick={() => view.current?.fit()}><Icon name="fit" size={14} /></button>
        </div>
        <canvas ref={map} class="minimap" aria-hidden="true" />
        <p class="hidden" role="status" aria-live="polite">{node ? `${node.name}, ${node.word}` : ""}</p>
        {node ? <Picked node={node} assets={assets} up={hood.up.get(node.id) ?? []} down={hood.down.get(node.id) ?? []} onFold={() => { toggle(node.group); setPickedId(node.isGroup ? "" : groupId(node.group)); }} onClose={() => setPickedId("")} onSelect={setText} /> : null}
      </div>
    </>
  );
}

interface KeyWorld { view: GraphCanvas | null; laid: LayoutResult | null; drawing: Drawing; picked: number; pick: (i: number) => void; open: () => void }

function keys(event: KeyboardEvent, w: KeyWorld): void {
  const at = w.laid;
  if (!at || w.drawing.nodes.length === 0) return;
  const y = (i: number) => at.y[i] as number;
  const nearest = (list: number[]) => (list.length ? list.reduce((a, b) => (Math.abs(y(a) - y(w.picked)) <= Math.abs(y(b) - y(w.picked)) ? a : b)) : -1);
  const beside = (sign: number) => {
    const list = w.drawing.nodes.map((_, i) => i).filter((i) => at.x[i] === at.x[w.picked] && sign * (y(i) - y(w.picked)) > 0);
    return nearest(list);
  };
  let next = -1;
  if (w.picked < 0 && event.key.startsWith("Arrow")) next = 0;
  else if (event.key === "ArrowRight") next = nearest(w.drawing.edges.filter(([from]) => from === w.picked).map(([, to]) => to));
  else if (event.key === "ArrowLeft") next = nearest(w.drawing.edges.filter(([, to]) => to === w.picked).map(([from]) => from));
  else if (event.key === "ArrowDown") next = beside(1);
  else if (event.key === "ArrowUp") next = beside(-1);
  else if (event.key === "Enter") w.open();
  else if (event.key === "+" || event.key === "=") w.view?.zoom(1.3);
  else if (event.key === "-") w.view?.zoom(1 / 1.3);
  else if (event.key === "f") w.view?.fit();
  else return;
  event.preventDefault();
  if (next >= 0) w.pick(next);
}

/** What the graph does not tell of an asset: rows, where it fails and why. */
function PickedAsset({ asset }: { asset: Asset }) {
  const { value } = useQuery<AssetDetail>(withQuery(`/assets/${keyPath(asset.asset)}`, { limit: 1 }), ["asset"], 60_000, asset.asset);
  const failing = useList<AssetOnDevice>(devicesPath(asset.asset, true), ["asset"], { pageSize: 3, everyMs: 60_000, only: asset.asset }).value ?? [];
  return (
    <>
      {asset.description ? <p class="soft">{asset.description}</p> : null}
      {failing.map((row) => <p class="picked-error"><DeviceLink name={row.device} /> {row.failed_run ? <RunLink device={row.device} run={row.failed_run} /> : null} <span class="bad-text">{row.error?.message}</span></p>)}
      {failing.length > 0 && (value?.failing ?? 0) > failing.length ? <p class="soft">and {plural((value?.failing ?? 0) - failing.length, "device")} more</p> : null}
      <dl class="facts small-facts">
        <div><dt>Group</dt><dd>{groupOf(asset)}</dd></div>
        <div><dt>Made</dt><dd><Ago at={asset.materialized_at} /></dd></div>
        {value?.row_count !== undefined ? <div><dt>Rows</dt><dd>{count(value.row_count)}</dd></div> : null}
        <div><dt>Devices</dt><dd>{count(asset.devices)}</dd></div>
      </dl>
    </>
  );
}

function Picked({ node, assets, up, down, onFold, onClose, onSelect }: { node: GraphNode; assets: Asset[]; up: readonly string[]; down: readonly string[]; onFold: () => void; onClose: () => void; onSelect: (text: string) => void }) {
  const may = useMay("operator");
  const asset = assets.find((one) => one.asset === node.id);
  return (
    <aside class="picked-box" aria-label="Picked">
      <div class="card-head"><h2>{asset ? <AssetLink name={node.id} kinds={asset.kinds ?? []} isExternal={asset.external} /> : node.name}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button></div>
      <p><Status status="" tone={node.tone} word={node.word} /></p>
      {asset ? <PickedAsset asset={asset} /> : <p class="soft">{node.assets.slice(0, 12).map((name) => <span class="tag">{name}</span>)}{node.assets.length > 12 ? ` and ${node.assets.length - 12} more` : ""}</p>}
      {asset && (up.length > 0 || down.length > 0) ? <p class="soft">Made from {up.length}, used by {down.length}</p> : null}
      <div class="button-row">
        <button type="button" onClick={onFold}><Icon name="fold" size={14} />{node.isGroup ? "Unfold" : "Fold its group"}</button>
        <button type="button" onClick={() => onSelect(node.isGroup ? `+group:${node.group}+` : `+${node.id}+`)}>Its lineage</button>
        {may && asset && !asset.external ? <button type="button" onClick={() => askMaterialize(asset.asset, "*")}><Icon name="play" size={14} />Materialize</button> : null}
      </div>
    </aside>
  );
}
