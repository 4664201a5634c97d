// asset_devices.ts - the devices of an asset: its own answer has the first hundred.
import { useList } from "../api/query";
import type { AssetDetail, AssetOnDevice } from "../api/types";
import { count, plural } from "../base/format";
import { keyPath, withQuery } from "../base/keys";

export const devicesPath = (asset: string, isFailing = false): string => withQuery(`/assets/${keyPath(asset)}/devices`, { failing: isFailing && "true" });

/** By name; a thousand are enough to choose from. */
export function useDevicesOf(asset: AssetDetail): AssetOnDevice[] {
  const known = asset.on_devices ?? [];
  const { value } = useList<AssetOnDevice>(asset.devices > known.length ? devicesPath(asset.asset) : null, ["asset"], { pageSize: 1000, only: asset.asset });
  return value ?? known;
}

/** "a, b and 3 more", of `all` devices. */
export function named(rows: AssetOnDevice[], all: number): string {
  const names = rows.slice(0, 5).map((row) => row.device);
  if (names.length === 0) return plural(all, "device");
  return names.join(", ") + (all > names.length ? ` and ${count(all - names.length)} more` : "");
}
