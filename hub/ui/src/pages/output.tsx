// output.tsx - what the steps of a run wrote. It stays on the device; asking for it sends a command and waits for the answer,
// so the hub may say "not here yet".
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Step } from "../api/types";
import { withQuery } from "../base/keys";
import { Choice, Empty, Failure } from "../parts/bits";
import { Icon } from "../parts/icon";

/** `state`: "asked" until the device has answered, "here" with the text, "failed" with a reason. */
interface OutputAnswer { state: string; online?: boolean; reason?: string; text?: string; dropped?: number }

const AGAIN_MS = 1500;
const LINES_MAX = 20_000;

interface Props { base: string; stream: string; step: string; steps: Step[]; onStep: (step: string) => void }

export function Output({ base, stream, step, steps, onStep }: Props) {
  const [answer, setAnswer] = useState<OutputAnswer | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  const box = useRef<HTMLPreElement>(null);
  const wanted = step || steps.find((s) => s.status === "failure")?.step || steps[0]?.step || "";
  const attempt = steps.find((s) => s.step === wanted)?.attempt; // a further attempt has an output of its own

  useEffect(() => {
    if (!wanted) return;
    const abort = new AbortController();
    let timer = 0;
    let wantsAgain = round > 0;
    const ask = () => {
      get<OutputAnswer>(withQuery(`${base}/output`, { step: wanted, stream, again: wantsAgain ? "true" : "" }), abort.signal).then((value) => {
        setAnswer(value);
        setError(null);
        wantsAgain = false;
        if (value.state === "asked") timer = window.setTimeout(ask, AGAIN_MS);
      }, (problem: Error) => {
        if (problem.name === "AbortError") return;
        setError(problem);
      });
    };
    ask();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
    };
  }, [base, stream, wanted, attempt, round]);

  const text = answer?.text;
  const lines = text?.split("\n") ?? [];
  const cut = lines.length > LINES_MAX ? lines.slice(-LINES_MAX) : lines;
  const save = () => {
    const url = URL.createObjectURL(new Blob([text ?? ""], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${wanted.replace(/[^\w.-]+/g, "_")}.${stream}.txt`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <>
      <div class="tools">
        <Choice label="Step" value={wanted} onPick={onStep} options={steps.map((s) => [s.step, s.step])} />
        {text ? <button type="button" onClick={save}>Save as a file</button> : null}
        <button type="button" onClick={() => { setAnswer(null); setRound(round + 1); }}><Icon name="again" size={14} />Ask again</button>
      </div>
      {error ? <Failure error={error} onRetry={() => { setError(null); setRound(round + 1); }} />
        : answer?.state === "failed" ? <Failure error={new Error(answer.reason || "The device could not send it.")} onRetry={() => { setAnswer(null); setRound(round + 1); }} />
        : text === undefined ? <p class="loading" role="status">{answer?.online === false ? "The device is away. It is asked for what this step wrote as soon as it is back…" : "Asking the device for what this step wrote…"}</p>
          : text === "" ? <Empty title={`This step wrote nothing on ${stream}.`} />
            : <pre class="output" ref={box} tabIndex={0} aria-label={`${stream} of ${wanted}`}>{cut.length < lines.length ? `… ${lines.length - cut.length} earlier lines are left out; save the file for all\n` : ""}{cut.join("\n")}</pre>}
    </>
  );
}
