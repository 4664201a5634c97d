// output.tsx - what the steps of a run wrote. It stays on the device; asking for it sends a command and waits for the answer,
// so the hub may say "not here yet". Of a step that still runs it comes as it is written, for as long as this page is looked at.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import type { Step } from "../api/types";
import { bytes, count } from "../base/format";
import { withQuery } from "../base/keys";
import { lastLines } from "../base/lines";
import { Choice, Empty, Failure, Status } from "../parts/bits";
import { Icon } from "../parts/icon";
import { useParam } from "../shell/router";

/** `state`: "asked" until the device has answered, "live" while the step runs, "here" with all of it, "failed" with a reason. */
interface OutputAnswer { state: string; running: boolean; online: boolean; reason?: string; text: string; dropped: number; next: string }
interface Got { state: string; isOnline: boolean; reason: string; text: string; dropped: number }

const AGAIN_MS = 1000;
const RETRY_MS = 5000;
const LINES_MAX = 20_000;
const NEAR_END = 40; // pixels: who is so near the end sees what comes

// Asks until all is here, a cursor further each time; not while nobody looks.
function useOutput(path: string | null, again: number): [Got | null, ApiError | null] {
  const [got, setGot] = useState<Got | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    setGot(null);
    setError(null);
    if (path === null) return;
    const abort = new AbortController();
    let timer = 0;
    let cursor = "";
    let text = "";
    let dropped = 0;
    let wantsAgain = again > 0;
    const ask = async () => {
      if (document.visibilityState === "hidden") {
        timer = window.setTimeout(ask, AGAIN_MS);
        return;
      }
      let wait = AGAIN_MS;
      try {
        const value = await get<OutputAnswer>(withQuery(path, { cursor, again: wantsAgain ? "true" : "" }), abort.signal);
        wantsAgain = false;
        text += value.text;
        dropped += value.dropped;
        cursor = value.next;
        setGot({ state: value.state, isOnline: value.online, reason: value.reason ?? "", text, dropped });
        setError(null);
        if (value.state === "here" || value.state === "failed") return;
      } catch (problem) {
        if (abort.signal.aborted) return;
        const failure = problem instanceof ApiError ? problem : new ApiError(0, (problem as Error).message);
        setError(failure);
        if (failure.status >= 400 && failure.status < 500 && failure.status !== 429) return;
        wait = RETRY_MS;
      }
      timer = window.setTimeout(ask, wait);
    };
    void ask();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [path, again]);
  return [got, error];
}

function save(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** The text; who stands at its end stays there as it grows, who reads further up stays where he is. */
function Text({ text, label, isWrapped }: { text: string; label: string; isWrapped: boolean }) {
  const box = useRef<HTMLPreElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [shown, left] = lastLines(text, LINES_MAX);
  const toEnd = () => { if (box.current) box.current.scrollTop = box.current.scrollHeight; };
  useLayoutEffect(() => {
    if (isAtEnd) toEnd();
  }, [text, isWrapped]);
  const look = () => { if (box.current) setAtEnd(box.current.scrollHeight - box.current.scrollTop - box.current.clientHeight < NEAR_END); };
  return (
    <div class="output-box">
      {left > 0 ? <p class="notice">{count(left)} earlier lines are left out here; save the file for all.</p> : null}
      <pre class={`output ${isWrapped ? "wrapped" : ""}`} ref={box} tabIndex={0} aria-label={label} onScroll={look}>{shown}</pre>
      {isAtEnd ? null : <button type="button" class="to-end" onClick={toEnd}><Icon name="down" size={14} />To the end</button>}
    </div>
  );
}

function State({ got, step }: { got: Got | null; step: Step | undefined }) {
  if (got?.state === "live") return <Status status="started" word={got.isOnline ? "live" : "the device is away"} tone={got.isOnline ? "busy" : "warn"} />;
  if (got?.state === "here") return <Status status="success" word="complete" tone={step?.status === "failure" ? "off" : undefined} />;
  return null;
}

interface Props { base: string; stream: string; step: string; steps: Step[]; onStep: (step: string) => void }

export function Output({ base, stream, step, steps, onStep }: Props) {
  const [round, setRound] = useState(0);
  const [wrap, setWrap] = useParam("wrap");
  const isWrapped = wrap !== "no";
  const wanted = step || steps.find((s) => s.status === "failure")?.step || steps.find((s) => s.status === "started")?.step || steps[0]?.step || "";
  const row = steps.find((s) => s.step === wanted);
  const [attempt, setAttempt] = useState(0); // 0: the newest
  const last = row?.attempt ?? 1;
  const path = wanted ? withQuery(`${base}/output`, { step: wanted, stream, attempt: attempt || last }) : null;
  const [got, error] = useOutput(path, round);
  const again = () => setRound(round + 1);
  const text = got?.text ?? "";
  const isEnded = got?.state === "here";
  const attempts: [string, string][] = Array.from({ length: last }, (_, i) => [String(i + 1), `${i + 1}${i + 1 === last ? ", the last" : ""}`]);
  return (
    <>
      <div class="tools">
        <Choice label="Step" value={wanted} onPick={(name) => { setAttempt(0); onStep(name); }} options={steps.map((s) => [s.step, s.step])} />
        {last > 1 ? <Choice label="Attempt" value={String(attempt || last)} onPick={(n) => setAttempt(Number(n) === last ? 0 : Number(n))} options={attempts} /> : null}
        <State got={got} step={row} />
        {text ? <span class="soft">{bytes(text.length)}{got?.dropped ? `, ${bytes(got.dropped)} of it were not kept` : ""}</span> : null}
        <label class="check"><input type="checkbox" checked={isWrapped} onChange={(event) => setWrap((event.currentTarget as HTMLInputElement).checked ? "" : "no")} />Wrap lines</label>
        {text ? <button type="button" onClick={() => save(text, `${wanted.replace(/[^\w.-]+/g, "_")}.${attempt || last}.${stream}.txt`)}>Save as a file</button> : null}
        {isEnded || error ? <button type="button" onClick={again}><Icon name="again" size={14} />Ask again</button> : null}
      </div>
      {error && !text ? <Failure error={error} onRetry={again} />
        : got?.state === "failed" ? <Failure error={new Error(got.reason || "The device could not send it.")} onRetry={again} />
        : text ? <>{error ? <p class="notice" role="status">{error.message}</p> : null}<Text text={text} label={`${stream} of ${wanted}`} isWrapped={isWrapped} /></>
        : isEnded ? <Empty title={`This step wrote nothing on ${stream}.`} />
        : got?.state === "live" ? <p class="loading" role="status">{got.isOnline ? `The step is running and has written nothing on ${stream} so far…` : "The device is away. What the step writes comes when it is back…"}</p>
        : <p class="loading" role="status">{got?.isOnline === false ? "The device is away. It is asked for what this step wrote as soon as it is back…" : "Asking the device for what this step wrote…"}</p>}
    </>
  );
}
