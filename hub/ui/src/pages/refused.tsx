// refused.tsx - what the hub refused: of whom, when, why, and what to do about it.
import { useMemo } from "preact/hooks";
import { useList } from "../api/query";
import { fold } from "../base/fold";
import { plural } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, DeviceLink, Empty, Show, Status } from "../parts/bits";
import { useParam } from "../shell/router";

interface Refusal { at: string; peer: string; device?: string; what: string; why: string; advice: string }

const LOOK_MS = 15_000; // nothing tells of them

/** Who it was; of who has shown no certificate, what he calls himself. */
const Who = ({ of: r }: { of: Refusal }) => r.device ? <DeviceLink name={r.device} /> : r.what === "enrolment" ? <>somebody as <b>{r.peer}</b></> : <b>{r.peer}</b>;

export function Refused() {
  const [peer, setPeer] = useParam("peer");
  const answer = useList<Refusal>(withQuery("/refusals", { peer }), ["device"], { pageSize: 1000, everyMs: LOOK_MS });
  const folded = useMemo(() => fold(answer.value ?? [], (r) => `${r.what} ${r.peer} ${r.why}`), [answer.value]);
  return (
    <>
      {peer ? <div class="tools"><span class="soft">Of <b>{peer}</b></span><button type="button" onClick={() => setPeer("")}>Of all</button></div> : null}
      <Show answer={answer} what="what was refused">
        {() => folded.length ? (
          <ul class="rows whole" aria-label="Refusals">
            {folded.map(({ row, times, last }) => (
              <li key={`${row.at} ${row.peer} ${row.what}`}>
                <Status status="refused" word={row.what} />
                <span class="grow">
                  <Who of={row} />: {row.why}{times > 1 ? <span class="soft"> ({plural(times, "time")}, from <Ago at={last.at} /> on)</span> : null}
                  <br /><span class="soft">{row.advice}</span>
                </span>
                {peer ? null : <button type="button" class="small" aria-label={`All of it: ${row.peer}`} onClick={() => setPeer(row.peer)}>All of it</button>}
                <Ago at={row.at} />
              </li>
            ))}
            {answer.hasMore ? <li><button type="button" onClick={answer.more}>Show earlier ones</button></li> : null}
          </ul>
        ) : <Empty title={peer ? `Nothing of ${peer} was refused.` : "Nobody was turned away."} />}
      </Show>
      <p class="quiet-words soft">The newest 10,000 are kept, at most 20 a second; of more than that the hub's log tells how many.</p>
    </>
  );
}
