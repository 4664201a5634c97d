// chart.tsx - small charts as SVG: stacked bars over time, and a line with its points. Each has its figures as words for
// who cannot see it, and on hover.
import type { Tone } from "../base/words";
import { brief, count, local, utc } from "../base/format";
import { useState } from "preact/hooks";

export interface Bar { at: number; until: number; parts: [Tone, number, string][] }

/** Bars over time, each a stack of counts by tone. */
export function Bars({ bars, label, height = 96 }: { bars: Bar[]; label: string; height?: number }) {
  const [over, setOver] = useState<number | null>(null);
  const sums = bars.map((bar) => bar.parts.reduce((sum, part) => sum + part[1], 0));
  const top = Math.max(1, ...sums);
  const width = 100 / Math.max(1, bars.length);
  const shown = over === null ? null : bars[over];
  return (
    <figure class="chart">
      <svg role="img" aria-label={`${label}: ${count(sums.reduce((a, b) => a + b, 0))} in all, at most ${count(Math.max(0, ...sums))} in one bar`} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" height={height} onMouseLeave={() => setOver(null)}>
        {[0.25, 0.5, 0.75].map((part) => <line class="grid" x1="0" x2="100" y1={height * part} y2={height * part} />)}
        {bars.map((bar, i) => {
          let y = height;
          return (
            <g onMouseEnter={() => setOver(i)} class={over === i ? "over" : ""}>
              <rect class="bar-back" x={i * width} y="0" width={width} height={height} />
              {bar.parts.map(([tone, n]) => {
                const part = n === 0 ? 0 : Math.max(2, (n / top) * (height - 4));
                y -= part;
                return <rect class={`fill-${tone}`} x={i * width + width * 0.12} y={y} width={width * 0.76} height={part} />;
              })}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{bars[0] ? local(bars[0].at).slice(0, -3) : ""}</span>
        <span class="chart-note">{shown ? `${local(shown.at).slice(0, -3)}: ${shown.parts.filter((p) => p[1]).map((p) => `${count(p[1])} ${p[2]}`).join(", ") || "nothing"}` : `at most ${count(Math.max(0, ...sums))}`}</span>
        <span>{bars.length ? "now" : ""}</span>
      </figcaption>
    </figure>
  );
}

export interface Point { at: number; value: number; title?: string; tone?: Tone }

/** A line over time with its least and greatest value. */
export function Line({ points, label, format = brief, height = 72 }: { points: Point[]; label: string; format?: (n: number) => string; height?: number }) {
  const [over, setOver] = useState<number | null>(null);
  const last = points[points.length - 1];
  const first = points[0];
  if (!first || !last) return null;
  const values = points.map((point) => point.value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || 1;
  const time = last.at - first.at || 1;
  const x = (point: Point) => (points.length === 1 ? 50 : 1 + (98 * (point.at - first.at)) / time);
  const y = (point: Point) => height - 6 - ((height - 12) * (point.value - low)) / span;
  const find = (event: MouseEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * 100;
    let best = 0;
    points.forEach((point, i) => {
      const old = points[best];
      if (old && Math.abs(x(point) - at) < Math.abs(x(old) - at)) best = i;
    });
    setOver(best);
  };
  const path = points.map((point, i) => `${i ? "L" : "M"}${x(point).toFixed(2)} ${y(point).toFixed(2)}`).join("");
  const shown = over === null ? last : points[over] ?? last;
  return (
    <figure class="chart line">
      <div class="chart-title"><span>{label}</span><b>{format(shown.value)}</b></div>
      <svg role="img" aria-label={`${label}: ${format(last.value)} now, between ${format(low)} and ${format(high)}, ${points.length} points`} viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" height={height} onMouseMove={find} onMouseLeave={() => setOver(null)}>
        <path class="area" d={`${path}L${x(last).toFixed(2)} ${height}L${x(first).toFixed(2)} ${height}Z`} />
        <path class="stroke" d={path} vector-effect="non-scaling-stroke" />
        {over !== null ? <line class="cursor" x1={x(shown)} x2={x(shown)} y1="0" y2={height} vector-effect="non-scaling-stroke" /> : null}
      </svg>
      <figcaption><span>{over === null ? `${format(low)} to ${format(high)}` : local(shown.at)}</span><span class="chart-note">{over === null ? "" : utc(shown.at)}</span></figcaption>
    </figure>
  );
}

/** Shares of a whole, side by side. */
export function Share({ parts, label }: { parts: [Tone, number, string][]; label: string }) {
  const all = parts.reduce((sum, part) => sum + part[1], 0);
  const words = parts.filter((part) => part[1] > 0).map((part) => `${part[1]} ${part[2]}`).join(", ");
  return (
    <div class="share" role="img" aria-label={`${label}: ${words || "none"}`} title={words}>
      {parts.filter((part) => part[1] > 0).map(([tone, n]) => <span class={`back-${tone}`} style={{ width: `${(100 * n) / all}%` }} />)}
    </div>
  );
}
