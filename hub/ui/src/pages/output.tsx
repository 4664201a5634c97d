// output.tsx - what the steps of a run wrote. It stays on the device; asking for it sends a command and waits for the answer,
// so the hub may say "not here yet".
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import type { Step } from "../api/types";
import { withQuery } from "../base/keys";
import { Choice, Empty, Failure } from "../parts/bits";
import { Icon } from "../parts/icon";

interface OutputAnswer { state?: string; status?: string; text?: string; output?: string; is_truncated?: boolean; truncated?: boolean; command?: string; reason?: string; next?: string | null }

const AGAIN_MS = 1500;
const LINES_MAX = 20_000;

interface Props { base: string; stream: string; step: string; steps: Step[]; onStep: (step: string) => void; isRunning: boolean }

export function Output({ base, stream, step, steps, onStep, isRunning }: Props) {
  const [answer, setAnswer] = useState<OutputAnswer | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const only = step || steps.find((s) => s.status === "failure")?.step || steps[0]?.step || "";

  useEffect(() => {
    if (!only) return;
    const abort = new AbortController();
    let timer = 0;
    const ask = () => {
      get<OutputAnswer>(withQuery(`${base}/output`, { step: only, stream }), abort.signal).then((value) => {
        setAnswer(value);
        setError(null);
        const isThere = (value.text ?? value.output) !== undefined;
        if (!isThere || isRunning) timer = window.setTimeout(ask, AGAIN_MS);
      }, (problem: Error) => {
        if (problem.name === "AbortError") return;
        if (problem instanceof ApiError && problem.status === 202) timer = window.setTimeout(ask, AGAIN_MS);
        else setError(problem);
      });
    };
    ask();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [base, stream, only, round, isRunning]);

  const text = answer?.text ?? answer?.output;
  useEffect(() => {
    if (follows && isRunning && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, follows]);

  const lines = text?.split("\n") ?? [];
  const cut = lines.length > LINES_MAX ? lines.slice(-LINES_MAX) : lines;
  const save = () => {
    const url = URL.createObjectURL(new Blob([text ?? ""], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${only.replace(/[^\w.-]+/g, "_")}.${stream}.txt`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <div class="tools">
        <Choice label="Step" value={only} onPick={onStep} options={steps.map((s) => [s.step, s.step])} />
        {isRunning ? <label class="check"><input type="checkbox" checked={follows} onChange={() => setFollows(!follows)} />Follow</label> : null}
        {text ? <button type="button" onClick={save}>Save as a file</button> : null}
        <button type="button" onClick={() => { setAnswer(null); setRound(round + 1); }}><Icon name="again" size={14} />Ask again</button>
      </div>
      {error ? <Failure error={error} onRetry={() => { setError(null); setRound(round + 1); }} />
        : text === undefined ? <p class="loading" role="status">{answer?.reason ?? "Asking the device for what this step wrote; it answers when it is online…"}</p>
          : text === "" ? <Empty title={`This step wrote nothing on ${stream}.`} />
            : <pre class="output" ref={box} tabIndex={0} aria-label={`${stream} of ${only}`}>{cut.length < lines.length ? `… ${lines.length - cut.length} earlier lines are left out; save the file for all\n` : ""}{cut.join("\n")}</pre>}
    </>
  );
}
