import assert from "node:assert/strict";
import { test } from "node:test";
import type { Asset } from "../src/api/types";
import { draw, shapeOf } from "../src/graph/model";

const asset = (key: string, more: Partial<Asset> = {}): Asset => ({ asset: key, group: key.split("/")[0], external: false, devices: 1, failing: 0, materialized_at: "2026-11-29T22:00:00Z", ...more });
const assets = [asset("pos/a"), asset("pos/b", { failing: 1 }), asset("pos/c"), asset("rep/d"), asset("rep/e", { freshness: { late: 1, fresh: 3 } })];
const edges = [["pos/a", "pos/b"], ["pos/a", "rep/d"], ["pos/b", "rep/d"], ["rep/d", "rep/e"], ["gone", "rep/e"]].map(([upstream, downstream]) => ({ upstream: upstream as string, downstream: downstream as string }));

test("unfolded, every asset is a node; edges to what is not there are left out", () => {
  const drawing = draw(assets, edges, new Set());
  assert.equal(drawing.nodes.length, 5);
  assert.deepEqual(drawing.edges, [[0, 1], [0, 3], [1, 3], [3, 4]]);
  assert.deepEqual(drawing.nodes.map((n) => n.tone), ["good", "bad", "good", "good", "warn"]);
});

test("a folded group is one node that tells the worst of what is in it, with each edge once", () => {
  const drawing = draw(assets, edges, new Set(["pos"]));
  assert.equal(drawing.nodes.length, 3);
  assert.equal(drawing.nodes[0]?.tone, "bad");
  assert.equal(drawing.nodes[0]?.word, "3 assets, 1 failing");
  assert.deepEqual(drawing.edges, [[0, 1], [1, 2]]);
});

test("what a run makes at the moment is told beside how it is, and does not hide it", () => {
  const drawing = draw(assets, edges, new Set(["rep"]), new Set(["pos/a", "pos/b", "rep/d"]));
  assert.deepEqual(drawing.nodes.map((n) => [n.name, n.tone, n.word]), [
    ["a", "good", "made, in a run"], ["b", "bad", "failing, in a run"], ["c", "good", "made"], ["rep", "warn", "2 assets, 1 late, in a run"],
  ]);
  assert.deepEqual(drawing.nodes.map((n) => n.isInRun), [true, true, false, true]);
  assert.equal(shapeOf(drawing), shapeOf(draw(assets, edges, new Set(["rep"]))));
});

test("the shape depends on what stands where, not on how things are", () => {
  const before = shapeOf(draw(assets, edges, new Set()));
  const healed = assets.map((a) => ({ ...a, failing: 0, freshness: {} }));
  assert.equal(shapeOf(draw(healed, edges, new Set())), before);
  assert.notEqual(shapeOf(draw(assets, edges, new Set(["pos"]))), before);
});
