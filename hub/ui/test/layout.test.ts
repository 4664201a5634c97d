import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, layersOf, layout, NODE_HEIGHT, NODE_WIDTH, spread, type LayoutInput } from "../src/graph/layout";

/** The same numbers every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function graph(n: number, layers: number, seed: number): LayoutInput {
  const roll = dice(seed);
  const edges: [number, number][] = [];
  const per = n / layers;
  for (let i = Math.ceil(per); i < n; i++) {
    for (let k = 0; k < 2; k++) edges.push([Math.max(0, Math.floor(i - per - roll() * per * 2)), i]);
  }
  return { ids: Array.from({ length: n }, (_, i) => `a${i}`), edges };
}

function overlaps({ x, y }: { x: Float64Array; y: Float64Array }): string[] {
  const found: string[] = [];
  const order = Array.from(x.keys()).sort((a, b) => (x[a] as number) - (x[b] as number));
  for (let i = 0; i < order.length; i++) {
    for (let j = i + 1; j < order.length; j++) {
      const [a, b] = [order[i] as number, order[j] as number];
      if ((x[b] as number) - (x[a] as number) >= NODE_WIDTH) break;
      if (Math.abs((y[b] as number) - (y[a] as number)) < NODE_HEIGHT - 0.01) found.push(`${a} and ${b}`);
    }
  }
  return found;
}

test("layers are longest paths, and a source stands right before what is made from it", () => {
  // 0 -> 1 -> 2, 3 -> 2
  assert.deepEqual([...layersOf(4, [[0, 1], [1, 2], [3, 2]])], [0, 1, 2, 1]);
});

test("every edge goes right, no two nodes overlap", () => {
  for (const [n, layers, seed] of [[5, 3, 1], [60, 6, 2], [400, 8, 3], [900, 4, 4]] as const) {
    const input = graph(n, layers, seed);
    const at = layout(input);
    for (const [a, b] of input.edges) assert.ok((at.x[b] as number) >= (at.x[a] as number) + NODE_WIDTH, `edge ${a} -> ${b} of ${n}`);
    assert.deepEqual(overlaps(at), [], `${n} nodes`);
    for (let i = 0; i < n; i++) assert.ok((at.x[i] as number) >= 0 && (at.x[i] as number) + NODE_WIDTH <= at.width + 0.01 && (at.y[i] as number) >= 0 && (at.y[i] as number) + NODE_HEIGHT <= at.height + 0.01);
  }
});

test("a circle, an edge to itself and a node alone are laid out, too", () => {
  const at = layout({ ids: ["a", "b", "c", "d"], edges: [[0, 1], [1, 2], [2, 0], [1, 1]] });
  assert.deepEqual(overlaps(at), []);
  assert.equal(at.bends.length, 4);
  assert.ok([...at.x, ...at.y].every(Number.isFinite));
  const none = layout({ ids: [], edges: [] });
  assert.equal(none.x.length, 0);
});

test("an edge over several layers bends in each of them", () => {
  const at = layout({ ids: ["a", "b", "c", "d"], edges: [[0, 1], [1, 2], [2, 3], [0, 3]] });
  assert.equal(at.bends[3]?.length, 4);
  assert.equal(at.bends[0]?.length, 0);
});

test("two chains that do not cross are drawn without a crossing", () => {
  // Given crosswise: 0 -> 3, 1 -> 2 with the ends in the other order.
  const at = layout({ ids: ["a", "b", "c", "d", "root"], edges: [[4, 0], [4, 1], [0, 3], [1, 2]] });
  assert.equal((at.y[0] as number) < (at.y[1] as number), (at.y[3] as number) < (at.y[2] as number));
});

test("spread keeps order and gaps and stays as close as it can", () => {
  assert.deepEqual(spread([0, 100], [10, 10], 5), [0, 100]);
  assert.deepEqual(spread([50, 50], [10, 10], 0), [45, 55]);
  const places = spread([30, 10, 20], [10, 10, 10], 2);
  assert.ok((places[1] as number) - (places[0] as number) >= 12 && (places[2] as number) - (places[1] as number) >= 12);
});

test("few, tall layers stand in several columns; small graphs do not", () => {
  assert.deepEqual(columnsOf([300, 900]), [1, 1]);
  assert.ok(columnsOf([20_000, 20_000]).every((n) => n > 1));
  const at = layout(graph(2000, 6, 9));
  assert.ok(at.height < at.width * 2, `${at.width} x ${at.height}`);
});

test("2,000 nodes are laid out fast enough to wait for", () => {
  const start = performance.now();
  layout(graph(2000, 9, 5));
  const took = performance.now() - start;
  // Against an algorithm of the wrong order; the figure is in docs/decisions/0021-web-ui.md.
  assert.ok(took < 10_000, `${took} ms`);
});
