// asset_why.tsx - why an asset is not what would be made now, and until when it is fresh.
import type { AssetDetail, AssetWhy, FreshnessPolicy, StaleCause } from "../api/types";
import { cronWords } from "../base/cron";
import { count, lengthOf, plural } from "../base/format";
import { Ago, AssetLink, DeviceLink, Status } from "../parts/bits";
import { toneOf } from "../base/words";

/** "warns after 1 h, fails after 2 h" */
export function policyWords(policy: FreshnessPolicy | undefined): string {
  if (!policy) return "";
  if (policy.fail_after_ms) return `${policy.warn_after_ms ? `warns after ${lengthOf(policy.warn_after_ms)}, ` : ""}fails after ${lengthOf(policy.fail_after_ms)}`;
  if (policy.cron) return `made within ${lengthOf(policy.lower_bound_ms ?? 0)} before ${cronWords(policy.cron) ?? policy.cron} ${policy.timezone ?? "UTC"}`;
  return "";
}

export function Cause({ cause, of }: { cause: StaleCause; of?: AssetWhy }) {
  if (cause.category === "CODE" && of) return <>has a new code version: <code>{of.code_version}</code> now, made with <code>{of.made_with ?? "none"}</code></>;
  if (cause.category === "DATA" && cause.dependency) return <><AssetLink name={cause.dependency} /> {cause.dependency_reason ?? cause.reason}</>;
  return <>{cause.reason}</>;
}

const STALENESS: Record<string, [string, string]> = { FRESH: ["fresh", "up to date"], STALE: ["stale", "stale"], MISSING: ["never made", "never made"], UNKNOWN: ["none", "by partitions"] };

export function Staleness({ of }: { of: AssetWhy | undefined }) {
  if (!of) return <span class="soft">–</span>;
  const [status, word] = STALENESS[of.staleness] ?? [of.staleness, of.staleness];
  const title = of.causes.map((cause) => [cause.dependency, cause.reason].filter(Boolean).join(" ")).join("\n");
  return <span title={title}><Status status={status} word={word} /></span>;
}

const FRESHNESS: Record<string, string> = { pass: "fresh", warn: "late", fail: "stale", unknown: "unknown" };

/** The state by the policy and when it changes by itself. */
export function Until({ of }: { of: AssetWhy | undefined }) {
  if (!of?.freshness) return <span class="soft">–</span>;
  const { state, until } = of.freshness;
  return <><Status status={FRESHNESS[state] ?? state} tone={toneOf(FRESHNESS[state] ?? state)} /> {until ? <span class="soft">changes <Ago at={until} /></span> : null}</>;
}

/** Why it is stale, over all devices: each reason once. */
export function StaleNotice({ asset, why }: { asset: AssetDetail; why: AssetWhy[] }) {
  const stale = why.filter((one) => one.staleness === "STALE");
  const first = stale[0];
  if (!first) return null;
  const reasons = new Map<string, { cause: StaleCause; of: AssetWhy; devices: string[] }>();
  for (const one of stale) {
    for (const cause of one.causes) {
      const key = `${cause.category} ${cause.dependency ?? ""} ${cause.reason} ${cause.category === "CODE" ? one.code_version ?? "" : ""}`;
      const known = reasons.get(key);
      if (known) known.devices.push(one.device);
      else reasons.set(key, { cause, of: one, devices: [one.device] });
    }
  }
  return (
    <div class="notice stale-notice">
      <Status status="stale" word={stale.length === 1 ? `Stale on ${first.device}` : `Stale on ${count(stale.length)} of ${plural(asset.devices, "device")}`} />
      <ul>
        {[...reasons.values()].slice(0, 8).map(({ cause, of, devices }) => (
          <li><Cause cause={cause} of={devices.length === 1 || cause.category === "CODE" ? of : undefined} />{stale.length > 1 ? <span class="soft"> on {devices.length === 1 ? <DeviceLink name={devices[0] ?? ""} /> : plural(devices.length, "device")}</span> : null}</li>
        ))}
      </ul>
      <p class="soft">It is made again by its schedule, or now: Materialize.</p>
    </div>
  );
}
