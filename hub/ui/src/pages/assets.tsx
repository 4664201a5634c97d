// assets.tsx - the catalogue: every asset of the fleet, found by key, group, kind, tag, owner or a selection.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { Asset, FreshnessCounts } from "../api/types";
import { count, plural } from "../base/format";
import { assetUrl, withQuery } from "../base/keys";
import { Ago, AssetLink, Choice, Empty, Filter, Head, Show, Status } from "../parts/bits";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { askMaterialize } from "../shell/ask";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";

/** On how many devices it is not as fresh as its policy asks. */
export const lateOn = (asset: { freshness?: FreshnessCounts }): number => (asset.freshness?.late ?? 0) + (asset.freshness?.stale ?? 0);

/** One word for an asset over all devices: the worst thing that is true of it. */
export function assetStatus(asset: Asset): string {
  if (asset.failing > 0) return "failing";
  if (lateOn(asset) > 0) return "late";
  if (asset.external) return "external";
  if (!asset.materialized_at) return "never made";
  return "fresh";
}

const WORDS: Record<string, string> = { fresh: "made" };

export function AssetStatus({ asset }: { asset: Asset }) {
  const status = assetStatus(asset);
  const word = status === "failing" && asset.devices > 1 ? `failing on ${asset.failing} of ${asset.devices}` : WORDS[status] ?? status;
  return <Status status={status} word={word} />;
}

const COLUMNS: Column<Asset>[] = [
  { name: "Asset", by: (a) => a.asset, kind: "wide", cell: (a) => <AssetLink name={a.asset} kinds={a.kinds ?? []} isExternal={a.external} /> },
  { name: "Status", by: assetStatus, cell: (a) => <AssetStatus asset={a} /> },
  { name: "Made", by: (a) => a.materialized_at, cell: (a) => <Ago at={a.materialized_at} /> },
  { name: "Rows", by: (a) => a.row_count, kind: "number", isExtra: true, cell: (a) => count(a.row_count) },
  { name: "Devices", by: (a) => a.devices, kind: "number", isExtra: true, cell: (a) => count(a.devices) },
  { name: "Group", by: (a) => a.group, isExtra: true, cell: (a) => a.group ?? "–" },
  { name: "Kinds", isExtra: true, cell: (a) => (a.kinds ?? []).map((kind) => <span class="tag">{kind}</span>) },
  { name: "About", isExtra: "roomy", kind: "wide", cell: (a) => <span class="soft">{a.description ?? ""}</span> },
];

const optionsOf = (values: Iterable<string>): [string, string][] => [["", "any"], ...[...new Set(values)].sort().map((v): [string, string] => [v, v])];

export function AssetsPage() {
  const [selection, setSelection] = useParam("selection");
  const [status, setStatus] = useParam("status");
  const answer = useList<Asset>(withQuery("/assets", { selection, failing: status === "failing" ? "true" : "" }), ["asset"], { all: true, everyMs: 60_000 });
  const [find, setFind] = useParam("find");
  const [group, setGroup] = useParam("group");
  const [kind, setKind] = useParam("kind");
  const [owner, setOwner] = useParam("owner");
  const mayRun = useMay("operator");
  const all = answer.value ?? [];
  const rows = useMemo(() => {
    const words = find.toLowerCase().split(/\s+/).filter(Boolean);
    return all.filter((a) => {
      if (group && a.group !== group) return false;
      if (kind && !(a.kinds ?? []).includes(kind)) return false;
      if (owner && !(a.owners ?? []).includes(owner)) return false;
      if (status && assetStatus(a) !== status) return false;
      if (words.length === 0) return true;
      const text = `${a.asset} ${a.description ?? ""} ${(a.owners ?? []).join(" ")} ${Object.entries(a.tags ?? {}).map(([k, v]) => `${k}=${v}`).join(" ")}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [all, find, group, kind, owner, status]);
  const groups = useMemo(() => optionsOf(all.flatMap((a) => (a.group ? [a.group] : []))), [all]);
  const kinds = useMemo(() => optionsOf(all.flatMap((a) => a.kinds ?? [])), [all]);
  const owners = useMemo(() => optionsOf(all.flatMap((a) => a.owners ?? [])), [all]);
  const statuses = useMemo(() => optionsOf([...all.map(assetStatus), "failing", "late"]), [all]);
  const clear = () => go("/assets");
  return (
    <>
      <Head title="Assets" icon="assets" sub={answer.value ? plural(all.length, "asset") + (rows.length < all.length ? `, ${count(rows.length)} shown` : "") : null}>
        <Link to={withQuery("/graph", { selection: selection || (group ? `group:${group}` : "") })} class="button"><Icon name="graph" size={14} />In the graph</Link>
        {mayRun && rows.length > 0 && (selection || group) ? <button type="button" onClick={() => askMaterialize(selection || `group:${group}`, "*")}><Icon name="play" size={14} />Materialize these</button> : null}
      </Head>
      <div class="tools">
        <Filter value={find} onInput={setFind} placeholder="Part of a key, an owner, a tag" label="Filter assets" />
        <Choice label="Group" value={group} options={groups} onPick={setGroup} />
        <Choice label="Kind" value={kind} options={kinds} onPick={setKind} />
        {owners.length > 1 ? <Choice label="Owner" value={owner} options={owners} onPick={setOwner} /> : null}
        <Choice label="Status" value={status} options={statuses} onPick={setStatus} />
        {selection ? <span class="tag strong">{selection}<button type="button" class="quiet" aria-label="Without this selection" onClick={() => setSelection("")}><Icon name="close" size={12} /></button></span> : null}
      </div>
      <Show answer={answer} what="assets">
        {() => all.length === 0 && !selection && !status ? (
          <Empty title="No device has defined an asset yet."><p>A device tells the hub of its definitions as soon as it is enrolled and its daemon runs. <Link to="/devices">See the devices</Link>, or give definitions to all of them: <code>selvedge-hub deploy DIR</code></p></Empty>
        ) : rows.length === 0 ? <Empty title="No asset matches."><button type="button" onClick={clear}>Show all assets</button></Empty>
          : <Table label="Assets" rows={rows} columns={COLUMNS} rowKey={(a) => a.asset} onRow={(a) => go(assetUrl(a.asset))} />}
      </Show>
    </>
  );
}
