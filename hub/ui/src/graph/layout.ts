// layout.ts - where the nodes of a graph stand: in layers from left to right, each edge going right, with few crossings.
//
// DESIGN. Connected parts are laid out one by one and put beside each other. For one part: circles are cut (folding groups may
// make some), layers are longest paths, with nodes drawn right to where they are used; an edge over several layers goes
// through a point in each (unless there would be too many); layers are ordered by the mean place of their neighbours, to and
// fro, keeping the order with the fewest crossings; then every node moves towards the mean of its neighbours without leaving
// its order (pooling adjacent violators, which is exact for one layer). A layer much taller than the whole is wide stands in
// several columns, its nodes dealt out in turn. All is linear or n log n per pass. Pure.

export interface LayoutInput { ids: string[]; edges: [number, number][] }
export interface LayoutResult {
  x: Float64Array; // of the left upper corner of each node, in the order of ids
  y: Float64Array;
  width: number;
  height: number;
  /** For each edge, the points between its ends: x, y, x, y, … */
  bends: Float64Array[];
}

export const NODE_WIDTH = 196;
export const NODE_HEIGHT = 46;
const GAP_X = 84;
const GAP_Y = 16;
const BEND_HEIGHT = 8;
const PART_GAP = 40;
const SWEEPS = 10;
const PLACE_SWEEPS = 6;
const BENDS_MAX = 30_000;
const COLUMN_GAP = 20;
const ASPECT = 1.7; // as wide as high
const HEIGHT_MIN = 1200;

/** A connected part, with points of long edges as further nodes. */
interface Part { nodes: number[]; edges: number[] }

function parts(n: number, edges: [number, number][]): Part[] {
  const parent = Int32Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root] as number;
    while (parent[i] !== root) [parent[i], i] = [root, parent[i] as number];
    return root;
  };
  for (const [a, b] of edges) parent[find(a)] = find(b);
  const by = new Map<number, Part>();
  for (let i = 0; i < n; i++) {
    const root = find(i);
    const part = by.get(root);
    if (part) part.nodes.push(i);
    else by.set(root, { nodes: [i], edges: [] });
  }
  edges.forEach(([a], i) => by.get(find(a))?.edges.push(i));
  return [...by.values()].sort((a, b) => b.nodes.length - a.nodes.length);
}

/** The edges turned so that there is no circle: whatever closes one is reversed. */
function acyclic(n: number, edges: [number, number][]): [number, number][] {
  const out: number[][] = Array.from({ length: n }, () => []);
  edges.forEach(([a], i) => out[a]?.push(i));
  const state = new Uint8Array(n); // 0 not seen, 1 on the way, 2 done
  const turned = edges.map(([a, b]): [number, number] => [a, b]);
  for (let start = 0; start < n; start++) {
    if (state[start]) continue;
    const stack: [number, number][] = [[start, 0]];
    state[start] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1] as [number, number];
      const edge = out[top[0]]?.[top[1]++];
      if (edge === undefined) {
        state[top[0]] = 2;
        stack.pop();
        continue;
      }
      const to = (edges[edge] as [number, number])[1];
      if (state[to] === 1) turned[edge] = [to, top[0]];
      else if (state[to] === 0) {
        state[to] = 1;
        stack.push([to, 0]);
      }
    }
  }
  return turned;
}

export function layersOf(n: number, edges: [number, number][]): Int32Array {
  const layer = new Int32Array(n);
  const waits = new Int32Array(n);
  const out: number[][] = Array.from({ length: n }, () => []);
  for (const [a, b] of edges) {
    out[a]?.push(b);
    waits[b] = (waits[b] as number) + 1;
  }
  const order: number[] = [];
  for (let i = 0; i < n; i++) if (waits[i] === 0) order.push(i);
  for (let at = 0; at < order.length; at++) {
    const node = order[at] as number;
    for (const next of out[node] ?? []) {
      layer[next] = Math.max(layer[next] as number, (layer[node] as number) + 1);
      waits[next] = (waits[next] as number) - 1;
      if (waits[next] === 0) order.push(next);
    }
  }
  // Sources stand right before what is first made from them.
  const isSource = new Uint8Array(n).fill(1);
  for (const [, b] of edges) isSource[b] = 0;
  for (let i = 0; i < n; i++) {
    const next = out[i] ?? [];
    if (isSource[i] && next.length) layer[i] = Math.min(...next.map((to) => layer[to] as number)) - 1;
  }
  return layer;
}

interface Grid { rows: number[][]; up: number[][]; down: number[][]; height: Float64Array }

function crossings(grid: Grid, place: Float64Array): number {
  let sum = 0;
  for (const row of grid.rows) {
    const ends: number[] = [];
    for (const node of row) {
      const places = (grid.down[node] ?? []).map((to) => place[to] as number).sort((a, b) => a - b);
      ends.push(...places);
    }
    // Inversions, by a tree of sums.
    const size = Math.max(0, ...ends) + 2;
    const tree = new Int32Array(size + 1);
    for (let i = ends.length - 1; i >= 0; i--) {
      const end = ends[i] as number;
      for (let at = end; at > 0; at -= at & -at) sum += tree[at] as number;
      for (let at = end + 1; at <= size; at += at & -at) tree[at] = (tree[at] as number) + 1;
    }
  }
  return sum;
}

function order(grid: Grid, n: number): void {
  const place = new Float64Array(n);
  const number = (row: number[]) => row.forEach((node, i) => (place[node] = i));
  grid.rows.forEach(number);
  let best = grid.rows.map((row) => [...row]);
  let least = crossings(grid, place);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    const beside = isDown ? grid.up : grid.down;
    const rows = isDown ? grid.rows : [...grid.rows].reverse();
    for (const row of rows) {
      const mean = new Map<number, number>();
      for (const node of row) {
        const list = beside[node] ?? [];
        mean.set(node, list.length ? list.reduce((sum, other) => sum + (place[other] as number), 0) / list.length : (place[node] as number));
      }
      row.sort((a, b) => (mean.get(a) as number) - (mean.get(b) as number) || (place[a] as number) - (place[b] as number));
      number(row);
    }
    const now = crossings(grid, place);
    if (now < least) {
      least = now;
      best = grid.rows.map((row) => [...row]);
    }
  }
  grid.rows = best;
}

/** Places closest to the wanted ones that keep the order and the gaps. */
export function spread(wanted: number[], sizes: number[], gap: number): number[] {
  // With the gaps taken out it is a monotone regression.
  let offset = 0;
  const offsets: number[] = [];
  const blocks: { sum: number; count: number; start: number }[] = [];
  wanted.forEach((want, i) => {
    offsets.push(offset);
    let block = { sum: want - offset, count: 1, start: i };
    let last = blocks[blocks.length - 1];
    while (last && last.sum / last.count >= block.sum / block.count) {
      block = { sum: last.sum + block.sum, count: last.count + block.count, start: last.start };
      blocks.pop();
      last = blocks[blocks.length - 1];
    }
    blocks.push(block);
    offset += (sizes[i] as number) + gap;
  });
  const found: number[] = [];
  for (const block of blocks) for (let i = 0; i < block.count; i++) found.push(block.sum / block.count + (offsets[block.start + i] as number));
  return found;
}

function place(grid: Grid, n: number, columns: number[]): Float64Array {
  const y = new Float64Array(n);
  for (const row of grid.rows) {
    let at = 0;
    for (const node of row) {
      y[node] = at;
      at += (grid.height[node] as number) + GAP_Y;
    }
  }
  const take = grid.rows.map((_, r) => 1 / (columns[r] ?? 1));
  const middle = (node: number) => (y[node] as number) + (grid.height[node] as number) / 2;
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    const ranks = grid.rows.map((_, r) => (isDown ? r : grid.rows.length - 1 - r));
    for (const r of ranks) {
      const row = grid.rows[r] as number[];
      // In several columns a node takes only its part of the height: the next in its own column comes that many later.
      const part = take[r] as number;
      const wanted = row.map((node) => {
        const first = (isDown ? grid.up[node] : grid.down[node]) ?? [];
        const list = sweep >= PLACE_SWEEPS - 2 ? [...(grid.up[node] ?? []), ...(grid.down[node] ?? [])] : first;
        if (list.length === 0) return y[node] as number;
        return list.reduce((sum, other) => sum + middle(other), 0) / list.length - (grid.height[node] as number) / 2;
      });
      spread(wanted, row.map((node) => (grid.height[node] as number) * part), GAP_Y * part).forEach((at, i) => (y[row[i] as number] = at));
    }
  }
  let least = Infinity;
  for (const at of y) least = Math.min(least, at);
  for (let i = 0; i < n; i++) y[i] = (y[i] as number) - (n ? least : 0);
  return y;
}

/** How many columns each layer takes, so that a graph of few, tall layers is not a thread. */
export function columnsOf(heights: number[]): number[] {
  const tallest = Math.max(0, ...heights);
  const width = (columns: number[]) => columns.reduce((sum, n) => sum + n * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP + GAP_X, 0);
  for (let limit = HEIGHT_MIN; limit < tallest; limit *= 1.15) {
    const columns = heights.map((height) => Math.max(1, Math.ceil(height / limit)));
    if (width(columns) <= ASPECT * limit) return columns;
  }
  return heights.map(() => 1);
}

interface PartLayout { x: number[]; y: number[]; width: number; height: number; bends: number[][] }

function layoutPart(part: Part, edges: [number, number][]): PartLayout {
  const index = new Map(part.nodes.map((node, i) => [node, i]));
  const n = part.nodes.length;
  const own = part.edges.map((edge): [number, number] => {
    const [a, b] = edges[edge] as [number, number];
    return [index.get(a) as number, index.get(b) as number];
  });
  const forward = acyclic(n, own.filter(([a, b]) => a !== b));
  const layer = layersOf(n, forward);
  const ranks = Math.max(0, ...layer) + 1;
  const rows: number[][] = Array.from({ length: ranks }, () => []);
  for (let i = 0; i < n; i++) rows[layer[i] as number]?.push(i);
  const up: number[][] = Array.from({ length: n }, () => []);
  const down: number[][] = Array.from({ length: n }, () => []);
  const long = forward.reduce((sum, [a, b]) => sum + Math.max(0, (layer[b] as number) - (layer[a] as number) - 1), 0);
  const isBent = long <= BENDS_MAX;
  const chains: number[][] = [];
  const rank: number[] = [...layer];
  for (const [a, b] of forward) {
    const chain: number[] = [];
    let from = a;
    if (isBent) {
      for (let r = (layer[a] as number) + 1; r < (layer[b] as number); r++) {
        const bend = up.length;
        up.push([from]);
        down.push([]);
        down[from]?.push(bend);
        rows[r]?.push(bend);
        rank.push(r);
        chain.push(bend);
        from = bend;
      }
    }
    if ((layer[b] as number) - (rank[from] as number) === 1) {
      down[from]?.push(b);
      up[b]?.push(from);
    }
    chains.push(chain);
  }
  const all = up.length;
  const height = Float64Array.from({ length: all }, (_, i) => (i < n ? NODE_HEIGHT : BEND_HEIGHT));
  const grid: Grid = { rows, up, down, height };
  order(grid, all);
  const columns = columnsOf(grid.rows.map((row) => row.reduce((sum, node) => sum + (height[node] as number) + GAP_Y, 0)));
  const y = place(grid, all, columns);
  const starts: number[] = [];
  let width = 0;
  for (const n of columns) {
    starts.push(width);
    width += n * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP + GAP_X;
  }
  const x = rank.map((r) => starts[r] as number);
  grid.rows.forEach((row, r) => {
    const deal = columns[r] as number;
    // Points of edges are not dealt: `deal` nodes further down there is room for a whole one again.
    row.filter((node) => node < n).forEach((node, i) => (x[node] = (starts[r] as number) + (i % deal) * (NODE_WIDTH + COLUMN_GAP)));
  });
  let tall = 0;
  for (let i = 0; i < all; i++) tall = Math.max(tall, (y[i] as number) + (height[i] as number));
  let at = 0;
  const bends = own.map(([a, b]) => {
    if (a === b) return [];
    const chain = chains[at] as number[];
    const isTurned = (forward[at] as [number, number])[0] !== a;
    at++;
    const points = chain.flatMap((bend) => [(x[bend] as number) + NODE_WIDTH / 2, (y[bend] as number) + BEND_HEIGHT / 2]);
    if (!isTurned) return points;
    const back: number[] = [];
    for (let i = points.length - 2; i >= 0; i -= 2) back.push(points[i] as number, points[i + 1] as number);
    return back;
  });
  return { x: x.slice(0, n), y: Array.from(y.slice(0, n)), width: width - GAP_X, height: tall, bends };
}

export function layout({ ids, edges }: LayoutInput): LayoutResult {
  const n = ids.length;
  const x = new Float64Array(n);
  const y = new Float64Array(n);
  const bends: Float64Array[] = edges.map(() => new Float64Array(0));
  const done = parts(n, edges).map((part) => ({ part, at: layoutPart(part, edges) }));
  // Shelves about twice as wide as all is high.
  const area = done.reduce((sum, { at }) => sum + (at.width + PART_GAP) * (at.height + PART_GAP), 0);
  const shelf = Math.max(Math.sqrt(area * 2), ...done.map(({ at }) => at.width));
  let left = 0;
  let top = 0;
  let tall = 0;
  let width = 0;
  for (const { part, at } of done) {
    if (left > 0 && left + at.width > shelf) {
      top += tall + PART_GAP;
      left = 0;
      tall = 0;
    }
    part.nodes.forEach((node, i) => {
      x[node] = left + (at.x[i] as number);
      y[node] = top + (at.y[i] as number);
    });
    part.edges.forEach((edge, i) => {
      bends[edge] = Float64Array.from(at.bends[i] as number[], (value, k) => value + (k % 2 ? top : left));
    });
    left += at.width + PART_GAP;
    tall = Math.max(tall, at.height);
    width = Math.max(width, left - PART_GAP);
  }
  return { x, y, width, height: top + tall, bends };
}
