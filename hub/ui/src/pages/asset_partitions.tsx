// asset_partitions.tsx - the partitions of an asset: on one device, or over all that define it.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import type { AssetDetail, AssetPartition } from "../api/types";
import { count, plural } from "../base/format";
import { keyPath, withQuery } from "../base/keys";
import { Ago, Choice, Empty, Filter, RunLink, Show, Status } from "../parts/bits";
import { PartitionGrid, PARTITION_TONES } from "../parts/partitions";
import { Icon } from "../parts/icon";
import { Table, type Column } from "../parts/table";
import { useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { useDevicesOf } from "./asset_devices";
import { askBackfill } from "./backfill";

const ALL_AT_FIRST = 100;

const PartitionStatus = ({ row }: { row: AssetPartition }) =>
  <Status status={row.status} tone={PARTITION_TONES[row.status]} word={row.status === "partial" ? `made on ${row.made} of ${row.devices}` : row.status === "failed" && (row.devices ?? 1) > 1 ? `failed on ${row.failed} of ${row.devices}` : row.status} />;

function columnsOf(device: string): Column<AssetPartition>[] {
  return [
    { name: "Partition", by: (p) => p.partition, kind: "wide", cell: (p) => <span class="mono">{p.partition}</span> },
    { name: "State", by: (p) => p.status, cell: (p) => <PartitionStatus row={p} /> },
    { name: "Last told", by: (p) => p.at, cell: (p) => <Ago at={p.at} /> },
    device ? { name: "Run", cell: (p) => p.run ? <RunLink device={device} run={p.run} /> : "–" } : { name: "Made on", kind: "number", by: (p) => p.made, cell: (p) => `${count(p.made)} of ${count(p.devices)}` },
  ];
}

/** The same keys as a command takes them: a range where they are neighbours. */
function spell(all: AssetPartition[], picked: AssetPartition[]): string {
  const first = picked[0];
  const last = picked[picked.length - 1];
  if (!first || !last) return "";
  const isRange = picked.length > 1 && all.indexOf(last) - all.indexOf(first) === picked.length - 1;
  return isRange ? `${first.partition}..${last.partition}` : picked.map((p) => p.partition).join("\n");
}

export function Partitions({ asset }: { asset: AssetDetail }) {
  const [device, setDevice] = useParam("device");
  const [status, setStatus] = useParam("state");
  const [find, setFind] = useParam("find");
  const may = useMay("operator");
  const devices = useDevicesOf(asset).filter((row) => row.defined).map((row) => row.device);
  // Of a large fleet one device is shown at first: all of them take the hub a while.
  const chosen = device === "*" ? "" : device || (devices.length === 1 || asset.devices > ALL_AT_FIRST ? devices[0] ?? "" : "");
  const answer = useList<AssetPartition>(withQuery(`/assets/${keyPath(asset.asset)}/partitions`, { device: chosen }), ["asset"], { all: true, only: asset.asset });
  const all = answer.value ?? [];
  const rows = useMemo(() => all.filter((p) => (!status || p.status === status) && p.partition.includes(find)), [all, status, find]);
  const of = (wanted: string) => all.filter((p) => p.status === wanted);
  const states: [string, string][] = Object.keys(PARTITION_TONES).map((state) => [state, of(state).length] as const).filter(([, n]) => n > 0).map(([state, n]) => [state, `${state} (${count(n)})`]);
  const rules = asset.definitions?.[0]?.definition.partitions;
  const backfill = (picked: AssetPartition[], only: string) => askBackfill({ selection: asset.asset, targets: chosen || "*", partitions: picked.length > 500 ? "" : spell(all, picked), only });
  return (
    <>
      <div class="tools">
        {devices.length > 1 ? <Choice label="On" value={chosen} onPick={(name) => setDevice(name || "*")} options={[["", "all devices"], ...devices.map((name): [string, string] => [name, name])]} /> : null}
        <Choice label="State" value={status} onPick={setStatus} options={[["", `any (${count(all.length)})`], ...states]} />
        <Filter value={find} onInput={setFind} placeholder="Part of a key" label="Filter partitions" />
        {may && of("missing").length + of("partial").length ? <button type="button" onClick={() => backfill([...of("missing"), ...of("partial")].length === all.length ? all : all.filter((p) => p.status === "missing" || p.status === "partial"), "missing")}>Backfill the missing</button> : null}
        {may && of("failed").length ? <button type="button" onClick={() => backfill(of("failed"), "failed")}>Backfill the failed</button> : null}
        {may && find && rows.length && rows.length < all.length ? <button type="button" onClick={() => backfill(rows, "any")}><Icon name="play" size={12} />Make these {count(rows.length)}</button> : null}
      </div>
      <Show answer={answer} what="partitions">
        {() => all.length === 0 ? (
          <Empty title={rules ? "There is no partition yet." : "It is made as a whole."}><p>{!rules ? <>An asset with <code>partitions:</code> in its definition is made slice by slice, such as a day.</>
            : rules.kind === "static" ? <>The device counts {plural(rules.count ?? 0, "key")}, and they are too many to be told. On the device: <code>selvedge-agent partitions {asset.asset}</code></>
              : rules.kind === "dynamic" ? <>Keys are added on the device: <code>selvedge-agent partitions add {rules.set} KEY</code></> : <>The first window is not over.</>}</p></Empty>
        ) : <><PartitionGrid rows={rows} onPick={(p) => setFind(p.partition)} />{rows.length ? <Table label="Partitions" rows={rows} columns={columnsOf(chosen)} rowKey={(p) => p.partition} /> : <Empty title="No partition matches." />}</>}
      </Show>
    </>
  );
}
