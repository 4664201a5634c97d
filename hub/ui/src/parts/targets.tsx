// targets.tsx - which devices: what one types, and at once how many that means.
import { useEffect, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import type { Targets } from "../api/types";
import { count, plural } from "../base/format";
import { withQuery } from "../base/keys";

const PAUSE_MS = 250;

/** In a dialog of asking devices. */
export function TargetsField({ value, label = "On devices" }: { value: string; label?: string }) {
  const [text, setText] = useState(value);
  const [meant, setMeant] = useState<Targets | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      if (text.trim() === "") {
        setMeant(null);
        setError(null);
        return;
      }
      get<Targets>(withQuery("/targets", { to: text }), abort.signal).then((answer) => { setMeant(answer); setError(null); }, (problem: ApiError) => {
        if (problem.name === "AbortError") return;
        setMeant(null);
        setError(problem);
      });
    }, PAUSE_MS);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  const names = meant?.first.slice(0, 4).join(", ");
  return (
    <>
      <label>{label}<input name="targets" value={text} required spellcheck={false} autocomplete="off" class="mono" aria-describedby="targets-words" onInput={(event) => setText((event.currentTarget as HTMLInputElement).value)} /></label>
      <p id="targets-words" class={error || meant?.devices === 0 ? "bad-text" : "soft"} role="status">
        {error ? error.message
          : meant ? (meant.devices === 0 ? "No device is meant by that." : <>{plural(meant.devices, "device")}, {count(meant.online)} online: {names}{meant.devices > 4 ? ", …" : ""}</>)
          : <>Names, <code>shop-*</code>, <code>label:site=berlin and not is:away</code>, or <code>*</code> for all.</>}
      </p>
    </>
  );
}
