// run.tsx - one run: its steps over time, what was recorded, what the steps wrote, and trying again.
import { useMemo, useState } from "preact/hooks";
import { useList, useQuery } from "../api/query";
import type { Event, LogEvent, RunDetail, Step } from "../api/types";
import { duration, instant } from "../base/format";
import { shortId } from "../base/format";
import { toneOf, wordOf } from "../base/words";
import { AssetLink, Card, Choice, DeviceLink, Empty, Facts, Failure, Filter, Head, Show, Status, Tabs, Tags, useNow, At } from "../parts/bits";
import { Icon } from "../parts/icon";
import { ask, request } from "../shell/ask";
import { useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { EventTable, unpackEvent } from "./events";
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
    if (event.type === "step_start") Object.assign(step, { status: "started", started_at: event.at, ended_at: undefined });
    if (event.type === "step_success") Object.assign(step, { status: "success", ended_at: event.at });
    if (event.type === "step_failure") Object.assign(step, { status: "failure", ended_at: event.at, error: event.error });
    if (event.type === "step_up_for_retry") Object.assign(step, { status: "up_for_retry", ended_at: event.at, error: event.error });
    if (event.type === "step_skipped") Object.assign(step, { status: "skipped", reason: event.reason });
  }
  return [...steps.values()];
}

/** A bar per step from its start to its end; time runs to the right. */
function Gantt({ run, steps, picked, onPick }: { run: RunDetail; steps: Step[]; picked: string; onPick: (step: string) => void }) {
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
              <span class="gantt-name"><Status status={step.status} word="" /><span class="hidden">{wordOf(step.status)} </span>{step.step}{(step.attempt ?? 1) > 1 ? <span class="soft"> attempt {step.attempt}</span> : null}</span>
              <span class="gantt-track">{Number.isNaN(start) ? <span class="gantt-none">{step.reason ?? wordOf(step.status)}</span>
                : <span class={`gantt-bar back-${toneOf(step.status)}`} style={{ left: `${x(start)}%`, width: `max(3px, ${x(end) - x(start)}%)` }} />}</span>
              <span class="gantt-time">{duration(took)}</span>
            </button>
          </div>
        );
      })}
      <div class="gantt-row axis" aria-hidden="true"><span class="gantt-name" /><span class="gantt-axis"><span>0</span><span>{duration(span / 2)}</span><span>{duration(span)}</span></span><span class="gantt-time" /></div>
    </div>
  );
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
  const asset = steps.find((step) => step.step === picked)?.asset ?? picked;
  if (isOpenRun(run.status)) return <button type="button" class="danger" onClick={cancel}><Icon name="stop" size={14} />Cancel the run</button>;
  const hasFailed = run.status === "failure" || steps.some((step) => step.status === "failure");
  return (
    <>
      {picked ? (
        <>
          <button type="button" onClick={() => retry("selected", "of this step", asset)}>Retry this step</button>
          <button type="button" onClick={() => retry("selected", "of it and downstream", `${asset}+`)}>This and downstream</button>
        </>
      ) : null}
      <button type="button" onClick={() => retry("all", "of all steps")}><Icon name="again" size={14} />Retry all</button>
      {hasFailed ? <button type="button" class="primary" onClick={() => retry("from_failure", "from failure")}><Icon name="again" size={14} />Retry from failure</button> : null}
    </>
  );
}

export function RunPage({ device, id }: { device: string; id: string }) {
  const base = `/runs/${encodeURIComponent(device)}/${encodeURIComponent(id)}`;
  const answer = useQuery<RunDetail>(base, ["run"], 30_000, id);
  const log = useList<LogEvent>(`${base}/events`, ["run"], { all: true, only: id });
  const events = useMemo(() => ({ ...log, value: log.value?.map(unpackEvent) }), [log.value, log.error]);
  const [tab, setTab] = useParam("tab");
  const [picked, setPicked] = useParam("step");
  const [find, setFind] = useState("");
  const [level, setLevel] = useState("");
  return (
    <Show answer={answer} what="the run">
      {(run) => {
        const steps = stepsOf(run, events.value ?? []);
        const reload = () => { answer.reload(); events.reload(); };
        const failedStep = steps.find((step) => step.error?.message);
        const length = instant(run.ended_at) - instant(run.started_at);
        return (
          <>
            <Head title={<>Run <span class="mono" title={id}>{shortId(id)}</span></>} icon="runs" sub={<><Status status={run.status} /> on <DeviceLink name={device} /></>}>
              <Actions run={run} steps={steps} picked={picked} onChanged={reload} />
            </Head>
            <Facts rows={[
              ["Job", run.job], ["Selection", run.selection ? <code>{run.selection}</code> : ""],
              ["Cause", <Cause run={run} />], ["Began", <At at={run.started_at ?? run.enqueued_at} />],
              ["Took", Number.isNaN(length) ? "" : duration(length)],
              ["Waited", run.started_at && run.enqueued_at && instant(run.started_at) - instant(run.enqueued_at) > 999 ? duration(instant(run.started_at) - instant(run.enqueued_at)) : ""],
              ["Tags", run.tags && Object.keys(run.tags).length ? <Tags of={run.tags} /> : ""],
            ]} />
            {run.error?.message || failedStep ? (
              <div class="failure">
                <Status status="failed" word={failedStep ? `${failedStep.step} failed` : "The run failed"} />
                <p class="failure-words">{failedStep?.error?.message ?? run.error?.message}{failedStep?.exit ? ` (${failedStep.exit})` : ""}</p>
                {(failedStep?.error?.hint ?? run.error?.hint) ? <p class="soft">{failedStep?.error?.hint ?? run.error?.hint}</p> : null}
              </div>
            ) : null}
            <Card title="Steps" side={picked ? <button type="button" class="quiet" onClick={() => setPicked("")}>All steps</button> : <span class="soft">Pick one to see only what it did</span>}>
              {steps.length ? <Gantt run={run} steps={steps} picked={picked} onPick={setPicked} /> : <p class="soft pad">The device has not told of its steps yet.</p>}
              {picked && steps.find((step) => step.step === picked)?.asset ? <p class="pad">Makes <AssetLink name={steps.find((step) => step.step === picked)?.asset ?? ""} /></p> : null}
            </Card>
            <Tabs now={tab || "events"} onPick={(name) => setTab(name === "events" ? "" : name)} tabs={[["events", "Events"], ["stderr", "Errors and log (stderr)"], ["stdout", "Output (stdout)"]]} />
            {tab === "stdout" || tab === "stderr" ? <Output key={`${tab} ${picked}`} base={base} stream={tab} step={picked} steps={steps} onStep={setPicked} /> : (
              <>
                <div class="tools">
                  <Filter value={find} onInput={setFind} placeholder="Text in events" label="Filter events" />
                  <Choice label="Events" value={level} onPick={setLevel} options={[["", "all"], ["steps", "of runs and steps"], ["assets", "of assets and checks"], ["logs", "log lines"], ["bad", "failures and warnings"]]} />
                </div>
                {events.error ? <Failure error={events.error} onRetry={events.reload} /> : <RunEvents events={events.value} picked={picked} find={find} level={level} />}
              </>
            )}
          </>
        );
      }}
    </Show>
  );
}

function isOfLevel(event: Event, level: string): boolean {
  if (!level) return true;
  if (level === "steps") return /^(run|step)_/.test(event.type);
  if (level === "assets") return event.type.startsWith("asset_");
  if (level === "logs") return event.type.startsWith("log");
  return /failure|retry|gap|error/.test(event.type) || Boolean(event.error) || event.level === "error" || event.level === "warn" || event.level === "warning"
    || (event as { passed?: boolean }).passed === false;
}

function RunEvents({ events, picked, find, level }: { events: Event[] | undefined; picked: string; find: string; level: string }) {
  const rows = useMemo(() => {
    const text = find.toLowerCase();
    return (events ?? []).filter((event) => (!picked || event.step === picked) && isOfLevel(event, level) && (!text || JSON.stringify(event).toLowerCase().includes(text)));
  }, [events, picked, find, level]);
  if (events === undefined) return <p class="loading" role="status">Loading the events of this run…</p>;
  if (rows.length === 0) return <Empty title={events.length === 0 ? "No event of this run has arrived yet." : "No event matches."} />;
  return <EventTable rows={rows} />;
}
