// device_time.tsx - what happened to a device, on one axis: whether it was there, what ran, what it was given and asked, what
// was wrong.
import { useQuery } from "../api/query";
import type { DeviceTimeline } from "../api/types";
import { axisTime, bytes, count, duration, instant, local } from "../base/format";
import { runUrl, withQuery } from "../base/keys";
import { toneOf, wordOf, type Tone } from "../base/words";
import { Card, Choice, Show, useNow } from "../parts/bits";
import { Line } from "../parts/chart";
import { Link, useParam } from "../shell/router";

const HOUR = 3_600_000;
const SPANS: [string, string, number][] = [["1h", "an hour", HOUR], ["6h", "6 hours", 6 * HOUR], ["24h", "a day", 24 * HOUR], ["7d", "a week", 168 * HOUR], ["30d", "30 days", 720 * HOUR]];

export interface Mark { at: number; until?: number; tone: Tone; words: string; to?: string }
export interface Lane { name: string; marks: Mark[] }

/** Presence comes as moments, newest first; each state lasts until the next. */
function presence(time: DeviceTimeline, until: number): Mark[] {
  const rows = [...time.presence].reverse();
  return rows.map((row, i) => {
    const at = instant(row.at);
    const next = rows[i + 1] ? instant(rows[i + 1]?.at) : until;
    return { at, until: next, tone: row.status === "online" ? "good" : "warn", words: `${row.status}${row.reason ? `, ${row.reason}` : ""}, for ${duration(next - at)}` };
  });
}

export function lanesOf(time: DeviceTimeline, until: number): Lane[] {
  const lanes: Lane[] = [
    { name: "Connection", marks: presence(time, until) },
    { name: "Runs", marks: time.runs.map((r) => ({ at: instant(r.at), until: r.until ? instant(r.until) : until, tone: toneOf(r.status), words: `${r.name ?? "run"}: ${wordOf(r.status)}`, to: runUrl(time.device, r.run) })) },
    { name: "Alerts", marks: time.alerts.map((a) => ({ at: instant(a.at), until: a.until ? instant(a.until) : until, tone: "bad", words: `${a.kind}${a.detail ? `: ${a.detail}` : ""}`, to: withQuery("/alerts", { show: "all", device: time.device }) })) },
    { name: "Commands", marks: time.commands.map((c) => ({ at: instant(c.at), until: c.until ? instant(c.until) : undefined, tone: toneOf(c.status), words: `${c.verb}: ${wordOf(c.status)}`, to: `/commands/${c.command}` })) },
    { name: "Deployments", marks: time.deployments.map((d) => ({ at: instant(d.at), tone: toneOf(d.status), words: `bundle ${d.bundle.slice(0, 12)}: ${wordOf(d.status)}`, to: `/deployments/${d.deployment}` })) },
    { name: "Definitions", marks: time.definitions.map((d) => ({ at: instant(d.at), tone: "idle", words: `definitions ${d.hash.slice(0, 12)}`, to: withQuery(`/devices/${encodeURIComponent(time.device)}`, { tab: "definitions" }) })) },
  ];
  return lanes;
}

function LaneBars({ lane, from, until }: { lane: Lane; from: number; until: number }) {
  const x = (at: number) => Math.max(0, Math.min(100, (100 * (at - from)) / (until - from)));
  return (
    <div class="lane">
      <span class="lane-name">{lane.name}</span>
      <span class="lane-bars">
        {lane.marks.map((mark) => {
          const left = x(mark.at);
          const style = { left: `min(${left}%, calc(100% - 4px))`, width: `max(4px, ${x(mark.until ?? mark.at) - left}%)` };
          const title = `${local(mark.at)}\n${mark.words}`;
          return mark.to ? <Link to={mark.to} class={`lane-bar back-${mark.tone}`} title={title} aria-label={title} tabIndex={-1} style={style}>{""}</Link>
            : <span class={`lane-bar back-${mark.tone}`} title={title} style={style} />;
        })}
      </span>
    </div>
  );
}

/** A day; less of a device that joined since. */
const usual = (enrolled: number): string => SPANS.find(([, , long]) => Date.now() - enrolled < long)?.[0] ?? "24h";

export function DeviceTime({ name, enrolledAt }: { name: string; enrolledAt: string | undefined }) {
  useNow();
  const [picked, setSpan] = useParam("span");
  const least = usual(instant(enrolledAt));
  const span = SPANS.some(([key]) => key === picked) ? picked : least === "1h" || least === "6h" ? least : "24h";
  const long = SPANS.find(([key]) => key === span)?.[2] ?? 24 * HOUR;
  const answer = useQuery<DeviceTimeline>(`/devices/${encodeURIComponent(name)}/timeline?span=${span}`, ["device", "run", "command", "alert", "deployment"], 60_000, name);
  return (
    <Card title="What happened" side={<Choice label="Over" value={span} onPick={setSpan} options={SPANS.map(([key, words]) => [key, words])} />}>
      <Show answer={answer} what="its timeline">
        {(time) => {
          const now = Date.now();
          const from = now - long;
          const lanes = lanesOf(time, now);
          const health = [...time.health].reverse();
          const points = health.filter((h) => h.buffer_events !== undefined).map((h) => ({ at: instant(h.at), value: h.buffer_events ?? 0, title: h.buffer_bytes !== undefined ? bytes(h.buffer_bytes) : "" }));
          return (
            <>
              <div class="timeline plain" role="group" aria-label={`${name} from ${local(from)} until now`}>
                {lanes.map((lane) => <LaneBars key={lane.name} lane={lane} from={from} until={now} />)}
                <div class="lane axis"><span class="lane-name" /><span class="lane-axis"><span>{axisTime(from, long)}</span><span>{axisTime(from + long / 2, long)}</span><span>now</span></span></div>
              </div>
              <p class="hidden">{lanes.map((lane) => `${lane.name}: ${lane.marks.length ? lane.marks.slice(0, 20).map((mark) => `${local(mark.at)} ${mark.words}`).join("; ") : "nothing"}`).join(". ")}</p>
              {points.length > 1 ? <div class="pad"><Line points={points} label="Events that waited in its buffer" format={(n) => count(Math.round(n))} /></div> : null}
              {time.cut ? <p class="notice">There is more than fits here; look at a shorter time.</p> : null}
            </>
          );
        }}
      </Show>
    </Card>
  );
}
