// table.tsx - a table of any length: only the rows in sight are in the document, so that 100,000 stay smooth. Rows have one
// height. It scrolls with the page; the rows above and below are two empty ones of the right height.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  /** What the column is sorted by; without it, it is not. */
  by?: (row: T) => string | number | undefined;
  kind?: "number" | "wide" | "narrow";
  /** Left out on a phone; "roomy": also on a small window. */
  isExtra?: boolean | "roomy";
}

interface Props<T> {
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  rowHeight?: number;
  onEnd?: () => void;
  isSelected?: (row: T) => boolean;
  onRow?: (row: T) => void;
}

const AROUND = 12; // rows kept above and below what is seen

function useWindow(count: number, rowHeight: number) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [range, set] = useState<[number, number]>([0, 40]);
  useLayoutEffect(() => {
    const look = () => {
      const box = body.current?.getBoundingClientRect();
      if (!box) return;
      const first = Math.max(0, Math.floor(-box.top / rowHeight) - AROUND);
      const last = Math.min(count, Math.ceil((window.innerHeight - box.top) / rowHeight) + AROUND);
      set((old) => (old[0] === first && old[1] === last ? old : [first, Math.max(first, last)]));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [count, rowHeight]);
  return { body, first: Math.min(range[0], count), last: Math.min(range[1], count) };
}

/** Whether the table is wider than its box: then it scrolls sideways, and must be reached by the keyboard to do so. */
function useIsWide(box: { current: HTMLDivElement | null }): boolean {
  const [isWide, set] = useState(false);
  useLayoutEffect(() => { // what is drawn now may be wider than before
    if (box.current) set(box.current.scrollWidth > box.current.clientWidth);
  });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const watch = new ResizeObserver(() => set(element.scrollWidth > element.clientWidth));
    watch.observe(element);
    if (element.firstElementChild) watch.observe(element.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return isWide;
}

function sorted<T>(rows: T[], column: Column<T> | undefined, isDown: boolean): T[] {
  const by = column?.by;
  if (!by) return rows;
  const sign = isDown ? -1 : 1;
  return [...rows].sort((a, b) => {
    const left = by(a);
    const right = by(b);
    if (left === right) return 0;
    if (left === undefined || left === "") return 1; // what is not known comes last, either way
    if (right === undefined || right === "") return -1;
    return left < right ? -sign : sign;
  });
}

export function Table<T>({ rows, columns, rowKey, label, rowHeight = 33, onEnd, isSelected, onRow }: Props<T>) {
  const [order, setOrder] = useState<{ name: string; isDown: boolean } | null>(null);
  const shown = useMemo(() => sorted(rows, columns.find((column) => column.name === order?.name), order?.isDown ?? false), [rows, order]);
  const { body, first, last } = useWindow(shown.length, rowHeight);
  const box = useRef<HTMLDivElement>(null);
  const isWide = useIsWide(box);
  useEffect(() => {
    if (onEnd && last >= shown.length - 2) onEnd();
  }, [last, shown.length]);
  const pick = (column: Column<T>) => setOrder((old) => (old?.name !== column.name ? { name: column.name, isDown: false } : old.isDown ? null : { name: column.name, isDown: true }));
  const look = (column: Column<T>) => [column.kind ?? "", column.isExtra ? `extra ${column.isExtra === "roomy" ? "roomy" : ""}` : ""].join(" ");
  return (
    <div class="table-box" ref={box} tabIndex={isWide ? 0 : undefined} role={isWide ? "region" : undefined} aria-label={isWide ? label : undefined}>
      <table aria-label={label} aria-rowcount={shown.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th class={look(column)} scope="col" aria-sort={order?.name === column.name ? (order.isDown ? "descending" : "ascending") : undefined}>
                {column.by ? <button type="button" class="sort" onClick={() => pick(column)}>{column.name}<span aria-hidden="true">{order?.name === column.name ? (order.isDown ? " ↓" : " ↑") : ""}</span></button> : column.name || <span class="hidden">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {first > 0 ? <tr aria-hidden="true" style={{ height: first * rowHeight }}><td colSpan={columns.length} /></tr> : null}
          {shown.slice(first, last).map((row, i) => (
            <tr key={rowKey(row)} aria-rowindex={first + i + 2} style={{ height: rowHeight }} class={`${onRow ? "pickable" : ""} ${isSelected?.(row) ? "selected" : ""}`}
              onClick={onRow ? (event) => { if (!(event.target as Element).closest("a,button,input")) onRow(row); } : undefined}>
              {columns.map((column) => <td class={look(column)}><div class="cell">{column.cell(row)}</div></td>)}
            </tr>
          ))}
          {last < shown.length ? <tr aria-hidden="true" style={{ height: (shown.length - last) * rowHeight }}><td colSpan={columns.length} /></tr> : null}
        </tbody>
      </table>
    </div>
  );
}
