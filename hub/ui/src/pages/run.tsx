// run.tsx - one run: its steps over time, what was recorded, what the steps wrote, and trying again.
import { useMemo } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Event, LogEvent, Run, RunDetail, Step } from "../api/types";
import { earlierAttempts } from "../base/attempts";
import { count, duration, instant, plural, shortId } from "../base/format";
import { namedUrl, withQuery } from "../base/keys";
import { toneOf, wordOf } from "../base/words";
import { AssetLink, Card, Choice, DeviceLink, Empty, Facts, Failure, Filter, Head, RunLink, Show, Status, Tabs, Tags, useNow, At } from "../parts/bits";
import { Icon } from "../parts/icon";
import { ask, failed, request } from "../shell/ask";
import { Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { EventTable, eventTone, unpackEvent } from "./events";
import { Output } from "./output";
import { Cause } from "./runs";

export const isOpenRun = (status: string) => status === "queued" || status === "started" || status === "canceling";

// The run comes with its steps; until it does, its events tell the same.
export function stepsOf(run: RunDetail, events: Event[]): Step[] {
  if (run.step_list) return run.step_list;
  const steps = new Map<string, Step>();
  const at = (name: string): Step => {
    let step = steps.get(name);
    if (!step) steps.set(name, (step = { step: name, status: "waiting" }));
    return step;
  };
  for (const event of events) {
    if (!event.step) continue;
    const step = at(event.step);
    if (event.asset && !step.asset) step.asset = event.asset;
    if (event.attempt) step.attempt = event.attempt;
    if (event.type === "step_start" || event.type === "step_restarted") Object.assign(step, { status: "started", started_at: event.at, ended_at: undefined });
    if (event.type === "step_success") Object.assign(step, { status: "success", ended_at: event.at });
    if (event.type === "step_failure") Object.assign(step, { status: "failure", ended_at: event.at, error: event.error });
    if (event.type === "step_up_for_retry") Object.assign(step, { status: "up_for_retry", ended_at: event.at, error: event.error });
    if (event.type === "step_skipped") Object.assign(step, { status: "skipped", reason: event.reason });
  }
  return [...steps.values()];
}

/** A bar per attempt of a step from its start to its end; time runs to the right. */
function Gantt({ run, steps, earlier, picked, onPick }: { run: RunDetail; steps: Step[]; earlier: Map<string, [number, number][]>; picked: string; onPick: (step: string) => void }) {
  useNow();
  const from = instant(run.started_at ?? run.enqueued_at);
  const ends = steps.map((step) => instant(step.ended_at)).filter((at) => !Number.isNaN(at));
  const until = Math.max(isOpenRun(run.status) ? Date.now() : instant(run.ended_at) || 0, ...ends, from + 1);
  const span = until - from;
  const x = (at: number) => Math.max(0, Math.min(100, (100 * (at - from)) / span));
  return (
    <div class="gantt" role="list" aria-label="Steps over time">
      {steps.map((step) => {
        const start = instant(step.started_at);
        const end = Number.isNaN(instant(step.ended_at)) ? (step.status === "started" ? until : start) : instant(step.ended_at);
        const took = step.duration_ms ?? (Number.isNaN(start) ? undefined : end - start);
        return (
          <div role="listitem">
            <button type="button" class={`gantt-row ${picked === step.step ? "picked" : ""}`} aria-pressed={picked === step.step} onClick={() => onPick(picked === step.step ? "" : step.step)}
              title={`${step.step}: ${wordOf(step.status)}${step.reason ? `, ${step.reason}` : ""}`}>
              <span class="gantt-name"><Status status={step.status} word="" /><span class="hidden">{wordOf(step.status)} </span><span>{step.step}{(step.attempt ?? 1) > 1 ? <span class="soft"> attempt {step.attempt}</span> : null}</span></span>
              <span class="gantt-track">{Number.isNaN(start) ? <span class="gantt-none">{step.reason ?? wordOf(step.status)}</span>
                : [...(earlier.get(step.step) ?? []).filter(([at]) => at < start).map(([at, to]): [number, number, string] => [at, to, "up_for_retry"]), [start, end, step.status] as [number, number, string]].map(([at, to, status]) =>
                  <span class={`gantt-bar back-${toneOf(status)}`} style={{ left: `min(${x(at)}%, 100% - 3px)`, width: `max(3px, ${x(to) - x(at)}%)` }} />)}</span>
              <span class="gantt-time">{duration(took)}</span>
            </button>
          </div>
        );
      })}
      <div class="gantt-row axis" aria-hidden="true"><span class="gantt-name" /><span class="gantt-axis"><span>0</span><span>{duration(span / 2)}</span><span>{duration(span)}</span></span><span class="gantt-time" /></div>
    </div>
  );
}

/** A key as a selection takes it, whatever is in it. */
const quoted = (key: string) => (/^[\w./-]+$/.test(key) ? key : `"${key}"`);

/** Which steps: those that did not succeed are ticked to begin with. */
function askRetry(steps: Step[], picked: string, retry: (names: string[], isDownstream: boolean) => void): void {
  ask({
    title: "Retry selected steps", confirm: "Retry",
    children: (
      <>
        <ul class="ticks" tabIndex={0} aria-label="Steps">
          {steps.map((step) => (
            <li><label class="check"><input type="checkbox" name="step" value={step.step} checked={picked ? step.step === picked : step.status !== "success"} /><Status status={step.status} word="" /><span class="hidden">{wordOf(step.status)} </span>{step.step}</label></li>
          ))}
        </ul>
        <label class="check"><input type="checkbox" name="downstream" />And everything that is made from them</label>
      </>
    ),
    onConfirm: async (form) => {
      const names = form.getAll("step").map(String);
      if (names.length === 0) { failed(new Error("No step is ticked.")); return false; }
      retry(names, form.has("downstream"));
      return true;
    },
  });
}

function Actions({ run, steps, picked, onChanged }: { run: RunDetail; steps: Step[]; picked: string; onChanged: () => void }) {
  const may = useMay("operator");
  if (!may) return null;
  const base = `/runs/${encodeURIComponent(run.device)}/${encodeURIComponent(run.run)}`;
  const cancel = () => ask({
    title: "Cancel this run?", confirm: "Cancel the run", isDanger: true,
    children: <p>Its steps on {run.device} are ended; what they have written stays as it is.</p>,
    onConfirm: async () => { const done = await request("POST", `${base}/cancel`, {}, "The device was asked to cancel"); onChanged(); return done !== null; },
  });
  const retry = (what: string, words: string, selection?: string) => void request("POST", `${base}/retry`, { what, selection }, `Retry ${words}: sent`).then(onChanged);
  const assetOf = (name: string) => steps.find((step) => step.step === name)?.asset ?? name;
  if (isOpenRun(run.status)) return <button type="button" class="danger" onClick={cancel}><Icon name="stop" size={14} />Cancel the run</button>;
  const hasFailed = run.status === "failure" || steps.some((step) => step.status === "failure");
  return (
    <>
      {picked ? (
        <>
          <button type="button" onClick={() => retry("selected", "of this step", quoted(assetOf(picked)))}>Retry this step</button>
          <button type="button" onClick={() => retry("selected", "of it and downstream", `${quoted(assetOf(picked))}+`)}>This and downstream</button>
        </>
      ) : null}
      {steps.length > 1 ? <button type="button" onClick={() => askRetry(steps, picked, (names, isDownstream) => retry("selected", `of ${plural(names.length, "step")}${isDownstream ? " and downstream" : ""}`, names.map((name) => quoted(assetOf(name)) + (isDownstream ? "+" : "")).join(" or ")))}>Retry selected…</button> : null}
      <button type="button" onClick={() => retry("all", "of all steps")}><Icon name="again" size={14} />Retry all</button>
      {hasFailed ? <button type="button" class="primary" onClick={() => retry("from_failure", "from failure")}><Icon name="again" size={14} />Retry from failure</button> : null}
    </>
  );
}

/** The runs that tried it again, of the device's newest hundred. */
function useRetries(device: string, id: string): Run[] {
  const { value } = useList<Run>(withQuery("/runs", { device }), ["run"], { pageSize: 100, only: device });
  return useMemo(() => (value ?? []).filter((run) => run.cause === "retry" && run.cause_name === id), [value, id]);
}

export function RunPage({ device, id }: { device: string; id: string }) {
  const base = `/runs/${encodeURIComponent(device)}/${encodeURIComponent(id)}`;
  const answer = useQuery<RunDetail>(base, ["run"], 30_000, id);
  const log = useList<LogEvent>(`${base}/events`, ["run"], { all: true, only: id });
  const events = useMemo(() => ({ ...log, value: log.value?.map(unpackEvent) }), [log.value, log.error]);
  const retries = useRetries(device, id);
  const earlier = useMemo(() => earlierAttempts(events.value ?? []), [events]);
  const [tab, setTab] = useParam("tab");
  const [picked, setPicked] = useParam("step");
  const [find, setFind] = useParam("find");
  const [level, setLevel] = useParam("level");
  const [type, setType] = useParam("type");
  return (
    <Show answer={answer} what="the run">
      {(run) => {
        const steps = stepsOf(run, events.value ?? []);
        const reload = () => { answer.reload(); events.reload(); };
        const failedStep = steps.find((step) => step.status === "failure" && step.error?.message) ?? steps.find((step) => step.status === "up_for_retry" && step.error?.message);
        const isTriedAgain = failedStep?.status === "up_for_retry";
        const length = instant(run.ended_at) - instant(run.started_at);
        return (
          <>
            <Head title={<>Run <span class="mono" title={id}>{shortId(id)}</span></>} icon="runs" sub={<><Status status={run.status} /> on <DeviceLink name={device} /></>}>
              <Actions run={run} steps={steps} picked={picked} onChanged={reload} />
            </Head>
            <Facts rows={[
              ["Job", run.job ? <Link to={namedUrl("job", run.job)}>{run.job}</Link> : ""], ["Selection", run.selection ? <Link to={withQuery("/assets", { selection: run.selection })}><code>{run.selection}</code></Link> : ""],
              ["Cause", <Cause run={run} />], ["Began", <At at={run.started_at ?? run.enqueued_at} />],
              ["Took", Number.isNaN(length) ? "" : duration(length)],
              ["Waited", run.started_at && run.enqueued_at && instant(run.started_at) - instant(run.enqueued_at) > 999 ? duration(instant(run.started_at) - instant(run.enqueued_at)) : ""],
              ["Tried again", retries.length ? retries.map((run) => <span class="again"><Status status={run.status} /><RunLink device={device} run={run.run} /></span>) : ""],
              ["Tags", run.tags && Object.keys(run.tags).length ? <Tags of={run.tags} /> : ""],
            ]} />
            {run.status !== "canceled" && (run.error?.message || failedStep) ? (
              <div class={`failure ${isTriedAgain ? "waits" : ""}`}>
                <Status status={isTriedAgain ? "up_for_retry" : "failed"} word={!failedStep ? "The run failed" : isTriedAgain ? `${failedStep.step} failed and is tried again` : `${failedStep.step} failed`} />
                <p class="failure-words">{failedStep?.error?.message ?? run.error?.message}{failedStep?.exit ? ` (${failedStep.exit})` : ""}</p>
                {(failedStep?.error?.hint ?? run.error?.hint) ? <p class="soft">{failedStep?.error?.hint ?? run.error?.hint}</p> : null}
              </div>
            ) : null}
            <Card title="Steps" side={picked ? <button type="button" class="quiet" onClick={() => setPicked("")}>All steps</button> : <span class="soft">Pick one to see only what it did</span>}>
              {steps.length ? <Gantt run={run} steps={steps} earlier={earlier} picked={picked} onPick={setPicked} /> : <p class="soft pad">The device has not told of its steps yet.</p>}
              {picked && steps.find((step) => step.step === picked)?.asset ? <p class="pad">Makes <AssetLink name={steps.find((step) => step.step === picked)?.asset ?? ""} /></p> : null}
            </Card>
            <Tabs now={tab || "events"} onPick={(name) => setTab(name === "events" ? "" : name)} tabs={[["events", "Events"], ["stderr", "Errors and log (stderr)"], ["stdout", "Output (stdout)"]]} />
            {tab === "stdout" || tab === "stderr" ? <Output key={`${tab} ${picked}`} base={base} stream={tab} step={picked} steps={steps} onStep={setPicked} /> : (
              <>
                <div class="tools">
                  <Filter value={find} onInput={setFind} placeholder="Text in events" label="Filter events" />
                  <Choice label="Level" value={level} onPick={setLevel} options={LEVELS} />
                  <Choice label="Type" value={type} onPick={setType} options={typesOf(events.value ?? [])} />
                  <Choice label="Step" value={picked} onPick={setPicked} options={[["", "any"], ...steps.map((step): [string, string] => [step.step, step.step])]} />
                </div>
                {events.error ? <Failure error={events.error} onRetry={events.reload} /> : <RunEvents events={events.value} picked={picked} find={find} level={level} type={type} onClear={() => { setFind(""); setLevel(""); setType(""); setPicked(""); }} />}
              </>
            )}
          </>
        );
      }}
    </Show>
  );
}

const LEVELS: [string, string][] = [["", "any"], ["warn", "warnings and failures"], ["bad", "failures"]];
const isOfLevel = (event: Event, level: string) => !level || eventTone(event) === "bad" || (level === "warn" && eventTone(event) === "warn");

// Kinds of types first, then each type that the run has.
const KINDS: [string, string, RegExp][] = [
  ["steps", "runs and steps", /^(run|step)_/], ["assets", "assets and checks", /^asset_/], ["logs", "log lines and output", /^log/],
];

function typesOf(events: Event[]): [string, string][] {
  const types = [...new Set(events.map((event) => event.type))].sort();
  return [["", "any"], ...KINDS.map(([name, words]): [string, string] => [name, words]), ...types.map((type): [string, string] => [type, type.replace(/_/g, " ")])];
}

function isOfType(event: Event, type: string): boolean {
  const kind = KINDS.find(([name]) => name === type);
  return !type || (kind ? kind[2].test(event.type) : event.type === type);
}

interface RunEventsProps { events: Event[] | undefined; picked: string; find: string; level: string; type: string; onClear: () => void }

function RunEvents({ events, picked, find, level, type, onClear }: RunEventsProps) {
  const rows = useMemo(() => {
    const text = find.toLowerCase();
    return (events ?? []).filter((event) => (!picked || event.step === picked) && isOfLevel(event, level) && isOfType(event, type) && (!text || JSON.stringify(event).toLowerCase().includes(text)));
  }, [events, picked, find, level, type]);
  if (events === undefined) return <p class="loading" role="status">Loading the events of this run…</p>;
  if (events.length === 0) return <Empty title="No event of this run has arrived yet." />;
  if (rows.length === 0) return <Empty title={`None of the ${count(events.length)} events matches.`}><button type="button" onClick={onClear}>Show all events</button></Empty>;
  return <EventTable rows={rows} />;
}
