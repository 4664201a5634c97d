// types.ts - what the API answers, as far as pages look at it. The whole: docs/reference/openapi.json.

export interface Problem { title: string; status: number; detail?: string; hint?: string; type?: string }
export interface Page<T> { items: T[]; next: string | null }

export interface Device {
  device: string; status: string; enrolment?: string; status_reason?: string; display_name?: string; serial_number?: string;
  labels?: Record<string, string>; since?: string; last_seen_at?: string; offline_reason?: string; version?: string;
  board?: string; assets?: number; failing?: number; runs_open?: number; events?: number; waiting_events?: number;
  lost_events?: number; clock_offset_ms?: number; definitions_hash?: string; definitions_at?: string; enrolled_at?: string;
  certificate_expires_at?: string; certificate_fingerprint?: string; refusal?: string;
}

export interface Desired {
  device: string; state: string; wanted: number; in_force: number; since?: string; reason?: string; issued_at?: string; told_at?: string;
  conflicts?: string; content?: Record<string, unknown>; content_in_force?: Record<string, unknown>;
}

export interface DeviceDetail extends Device {
  key_fingerprint?: string; status_since?: string; epoch?: string; boot_id?: string; clock_trusted?: boolean; refusal_at?: string;
  definitions_told?: string; starts?: number; clock_steps?: number; epochs?: number; health?: Health & { at?: string };
  certificate_cause?: string; certificate_issued_at?: string; cut_off?: number; quarantined?: number; desired?: Desired;
  bundle: { wanted?: string; current?: string; told?: string; status?: string; reason?: string; told_at?: string; deployment?: string };
  commands: { id: string; verb: string; status: string; given_at?: string; expires_at?: string; sent: number }[];
  pools: { pool: string; wanted: number; granted: number }[];
  alerts: { kind: string; opened_at?: string; detail: string }[];
}

export interface Health {
  buffer_events?: number; buffer_bytes?: number; buffer_quota_bytes?: number; disk_free_bytes?: number; disk_total_bytes?: number;
  database_bytes?: number; flash_used_percent?: number; definitions_refused?: string;
}

export interface Certificate { serial: string; state: string; cause: string; issued_at: string; expires_at: string; revoked_at?: string; fingerprint: string }

export interface DefinitionsChange {
  at: string; hash: string; in_force: boolean; epoch: string; seq: number; assets: number; added: string[]; changed: string[]; removed: string[];
  added_count: number; changed_count: number; removed_count: number;
}

export interface DeviceTimeline {
  device: string; since: string; until: string; cut: boolean;
  presence: { at: string; status: string; reason?: string }[];
  runs: { at?: string; until?: string; run: string; status: string; name?: string }[];
  definitions: { at: string; hash: string }[];
  deployments: { at: string; deployment: string; bundle: string; status: string }[];
  alerts: { at: string; until?: string; kind: string; detail?: string; alert: number }[];
  commands: { at: string; until?: string; command: string; verb: string; status: string }[];
  health: ({ at: string } & Health)[];
}

export interface Targets { to: string; devices: number; online: number; first: string[] }
export interface Bundle { bundle: string; made_at: string; files: number; bytes: number; source: string; deployments: number; targets: number; devices: number; commands: number; idle: boolean }
export interface BundleDetail extends Bundle { file_list: { path: string; size: number; sha256: string; executable: boolean }[] }
export interface BundleText { path: string; size: number; truncated: boolean; text?: string }
export interface Silence { silence: number; targets: string; kind?: string; reason?: string; until: string }

/** How many devices have it how fresh: "fresh", "late", "stale", "failed", "device away", "clock wrong", "never made". */
export type FreshnessCounts = Record<string, number>;

export interface Asset {
  asset: string; group?: string; kinds?: string[]; tags?: Record<string, string>; owners?: string[]; description?: string;
  external: boolean; devices: number; failing: number; materialized_at?: string; row_count?: number; materializations?: number;
  freshness?: FreshnessCounts;
}

export interface MetadataValue { type: string; raw_value: unknown }
export type Metadata = Record<string, MetadataValue>;
export interface RunError { code?: string; message?: string; hint?: string }

export interface AssetOnDevice {
  asset: string; device: string; defined: boolean; external: boolean; failing: boolean; group?: string; kinds?: string[];
  tags?: Record<string, string>; owners?: string[]; description?: string; code_version?: string; materializations?: number;
  failures?: number; materialized_at?: string; run?: string; row_count?: number; byte_count?: number; duration_ms?: number;
  data_version?: string; metadata?: Metadata; failed_at?: string; failed_run?: string; error?: RunError;
  freshness?: FreshnessCounts;
}

export interface Check {
  asset?: string; name: string; device: string; passed: boolean; severity: string; at: string; run?: string;
  metadata?: Metadata; description?: string;
}

export interface Neighbour { asset: string; crosses?: boolean }

export interface AssetDetail extends Asset {
  on_devices?: AssetOnDevice[]; check_results?: Check[]; definitions?: DefinedAs[]; upstream?: Neighbour[]; downstream?: Neighbour[]; [more: string]: unknown;
}

export interface Materialization {
  device: string; asset: string; seq?: number; at: string; run?: string; row_count?: number; rows_written?: number;
  byte_count?: number; duration_ms?: number; metadata?: Metadata; partition?: string; partition_end?: string;
}

export interface Run {
  run: string; device: string; status: string; job?: string; cause?: string; cause_name?: string; selection?: string;
  steps?: number; succeeded?: number; failed?: number; skipped?: number; enqueued_at?: string; started_at?: string;
  ended_at?: string; error?: RunError; tags?: Record<string, string>;
}

export interface Step {
  step: string; asset?: string; status: string; attempt?: number; started_at?: string; ended_at?: string; duration_ms?: number;
  retry_at?: string; error?: RunError; exit?: string; reason?: string;
}

export interface RunDetail extends Run { step_list?: Step[] }

export interface Event {
  seq: number; at: string; type: string; run?: string; step?: string; asset?: string; attempt?: number; status?: string;
  message?: string; level?: string; error?: RunError; metadata?: Metadata; reason?: string; [more: string]: unknown;
}

export interface Edge { upstream: string; downstream: string; crosses?: boolean; declared_by?: string[] }
export type GraphAsset = Omit<Asset, "asset"> & { key: string };
export interface Graph { nodes: GraphAsset[]; edges: Edge[] }

/** An event of the log, with what the hub knows of it around what the device wrote. */
export interface LogEvent { id: number; device: string; epoch: string; seq: number; type: string; at: string; received_at: string; event: Record<string, unknown> }

export interface Alert {
  alert: number; status: string; kind: string; device?: string; label?: string; value?: string; devices?: number;
  troubles?: number; since: string; told_at?: string; resolved_at?: string; detail?: string;
}

export interface Command {
  command: string; verb: string; args?: Record<string, unknown>; to: string; state: string; key?: string;
  given_at: string; given_by?: string; expires_at: string; withdrawn_at?: string; withdrawn_why?: string; devices: number; devices_at_once?: number;
  [counts: string]: unknown;
}

export interface Deployment {
  deployment: string; status: string; bundle?: string; source?: string; to?: string; made_at?: string; ended_at?: string;
  reason?: string; wave?: number; waves?: string; abort_if?: string; on_abort?: string; devices?: number; asked?: number; under_way?: number;
  healthy?: number; failed?: number; rolled_back?: number; away?: number;
}

export interface Tick {
  device: string; schedule?: string; sensor?: string; automation?: string; status: string; nominal?: string; at?: string; run?: string;
  reason?: string;
}

/** As a device tells it. */
export interface AssetDefinition {
  key: string; deps?: string[]; step?: string; metadata?: Record<string, string>; pool?: string; automation?: string; jobs?: string[];
  schedules?: string[]; sensors?: string[]; reads?: string[]; writes?: string[]; code_version?: string; owners?: string[];
  tags?: Record<string, string>; kinds?: string[]; group?: string; description?: string;
  checks?: { name: string; severity: string; blocking?: boolean; description?: string }[];
  partitions?: { kind: string; count?: number; set?: string; cron?: string; timezone?: string; start?: string; end?: string };
  freshness?: FreshnessPolicy;
}
export interface DefinedAs { version: string; devices: number; device: string; definition: AssetDefinition }
export interface FreshnessPolicy { warn_after_ms?: number; fail_after_ms?: number; cron?: string; timezone?: string; lower_bound_ms?: number }
export interface StaleCause { category: string; reason: string; dependency?: string; dependency_reason?: string }
export interface AssetWhy {
  device: string; staleness: string; causes: StaleCause[]; made_at?: string; code_version?: string; made_with?: string;
  freshness?: { state: string; policy: FreshnessPolicy; until?: string };
}
export interface AssetPartition { partition: string; status: string; at?: string; run?: string; made?: number; failed?: number; devices?: number }

/** What a job, a schedule or a sensor is, as a device tells it. */
export interface NamedDefinition {
  name: string; job?: string; select?: string; assets?: number; cron?: string; every_ms?: number; timezone?: string; missed?: string;
  splay_ms?: number; by_hub?: boolean; starts_paused?: boolean; type?: string; asset?: string; statuses?: string[]; jobs?: string[];
  min_interval_ms?: number; on_overlap?: string; max_parallel?: number; priority?: number; retries?: number; timeout_ms?: number;
}
interface NamedParts { job?: string; schedule?: string; sensor?: string; device: string; assets: number; version?: string; definition?: NamedDefinition; next?: string[]; last_run?: { run: string; device: string; status: string; at?: string } }
/** On one device. */
export interface Named extends NamedParts {
  state?: string; state_by?: string; state_account?: string; state_command?: string; state_reason?: string; state_since?: string; ticks?: number; started?: number;
  last_tick?: { status?: string; nominal?: string; at?: string; run?: string; reason?: string };
}
/** On all devices that define the same; `device` is one of them. */
export interface NamedFolded extends NamedParts { devices: number; paused?: number; ticked_at?: string; ticks?: number; started?: number; failed?: number }

export interface BackfillRun { run: string; status: string; partition?: string; partition_end?: string; partitions: number; enqueued_at?: string; started_at?: string; ended_at?: string }
export interface Backfill {
  backfill: string; device: string; status: string; selection?: string; reason?: string; command?: string; at?: string; begun_at?: string;
  first?: string; last?: string; per_run?: number; parent?: string; partitions: number; runs: number; done: number; failed: number;
  canceled: number; running: number; waiting: number; run_list?: BackfillRun[];
}

export interface Session { user?: string; role?: string; csrf_token?: string }
