// partitions.tsx - thousands of partitions at a glance: one small mark each, in order. A mark's shape says its state as its
// colour does: a full square is made, a cross failed, a half is made on some devices, a dot is missing.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AssetPartition } from "../api/types";
import { count, instant, local } from "../base/format";
import type { Tone } from "../base/words";
import { Status } from "./bits";

export const PARTITION_TONES: Record<string, Tone> = { materialized: "good", failed: "bad", partial: "warn", missing: "off" };
const SMALL_ABOVE = 1500; // marks become smaller

/** Where the marks of one state are, as the path that draws them. */
function pathOf(rows: AssetPartition[], status: string, columns: number, size: number): string {
  const parts: string[] = [];
  const side = size - 2;
  rows.forEach((row, i) => {
    if (row.status !== status) return;
    const x = (i % columns) * size;
    const y = Math.floor(i / columns) * size;
    if (status === "missing") parts.push(`M${x + side / 2 - 1} ${y + side / 2 - 1}h2v2h-2z`);
    else if (status === "partial") parts.push(`M${x} ${y + side}v-${side}h${side}z`);
    else if (status === "failed") parts.push(`M${x} ${y + 2}l2-2 ${side / 2 - 2} ${side / 2 - 2} ${side / 2 - 2}-${side / 2 - 2} 2 2-${side / 2 - 2} ${side / 2 - 2} ${side / 2 - 2} ${side / 2 - 2}-2 2-${side / 2 - 2}-${side / 2 - 2}-${side / 2 - 2} ${side / 2 - 2}-2-2 ${side / 2 - 2}-${side / 2 - 2}z`);
    else parts.push(`M${x} ${y}h${side}v${side}h-${side}z`);
  });
  return parts.join("");
}

export function wordsOf(row: AssetPartition): string {
  const at = Number.isNaN(instant(row.at)) ? "" : `, ${local(instant(row.at))}`;
  const devices = row.devices && row.devices > 1 ? `, made on ${count(row.made)} of ${count(row.devices)} devices${row.failed ? `, failed on ${count(row.failed)}` : ""}` : "";
  return `${row.partition}: ${row.status}${devices}${at}`;
}

export function PartitionGrid({ rows, onPick }: { rows: AssetPartition[]; onPick: (row: AssetPartition) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  const [over, setOver] = useState<AssetPartition | null>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const size = rows.length > SMALL_ABOVE ? 9 : 14;
  const columns = Math.max(1, Math.floor(width / size));
  const height = Math.ceil(rows.length / columns) * size;
  const paths = useMemo(() => Object.keys(PARTITION_TONES).map((status) => [status, pathOf(rows, status, columns, size)] as const), [rows, columns, size]);
  const find = (event: MouseEvent): AssetPartition | null => {
    const place = (event.currentTarget as Element).getBoundingClientRect();
    const column = Math.floor((event.clientX - place.left) / size);
    const line = Math.floor((event.clientY - place.top) / size);
    return column < columns ? rows[line * columns + column] ?? null : null;
  };
  const counts = Object.keys(PARTITION_TONES).map((status) => [status, rows.filter((row) => row.status === status).length] as const).filter(([, n]) => n > 0);
  return (
    <figure class="partitions">
      <div class="legend">{counts.map(([status, n]) => <Status status={status} tone={PARTITION_TONES[status]} word={`${count(n)} ${status}`} />)}</div>
      <div ref={box} class="partition-grid" tabIndex={0} role="group" aria-label="Partitions, scrolls">
        <svg role="img" aria-label={`${count(rows.length)} partitions: ${counts.map(([status, n]) => `${count(n)} ${status}`).join(", ")}`} width={columns * size} height={height}
          onMouseMove={(event) => setOver(find(event))} onMouseLeave={() => setOver(null)} onClick={(event) => { const row = find(event); if (row) onPick(row); }}>
          {paths.map(([status, path]) => path ? <path class={`fill-${PARTITION_TONES[status]}`} d={path} /> : null)}
        </svg>
      </div>
      <figcaption><span>{rows[0]?.partition}</span><span class="chart-note">{over ? wordsOf(over) : ""}</span><span>{rows.length > 1 ? rows[rows.length - 1]?.partition : ""}</span></figcaption>
    </figure>
  );
}
