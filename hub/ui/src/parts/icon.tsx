// icon.tsx - drawings of one line, in the colour of the text. They always stand beside a word or have a label.

const PATHS: Record<string, string> = {
  overview: "M3 13h4v7H3zM10 4h4v16h-4zM17 9h4v11h-4z",
  assets: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  graph: "M4 5h6v5H4zM14 14h6v5h-6zM4 14h6v5H4zM10 7.5h3.5a3 3 0 0 1 3 3V14M10 16.5h4",
  runs: "M4 6h9M7 12h11M5 18h7",
  jobs: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  schedule: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 2",
  backfill: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  device: "M5 5h14v10H5zM9 19h6M12 15v4",
  deploy: "M12 20V9M7 13l5-5 5 5M5 4h14",
  command: "M5 7l5 5-5 5M12 18h7",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17v.5",
  report: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3",
  settings: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L21 21",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  good: "M5 12.5l4.5 4.5L19 7.5",
  bad: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  warn: "M12 5v8.5M12 17.5v1",
  busy: "M12 4a8 8 0 1 1-8 8",
  idle: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z",
  off: "M6 12h12",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  left: "M15 6l-6 6 6 6",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  again: "M5 12a7 7 0 1 1 2 5M5 12V7M5 12h5",
  stop: "M6 6h12v12H6z",
  tap: "M4 12h11M11 7l5 5-5 5M20 5v14",
  dbt: "M4 12l8-8 8 8-8 8zM12 8v8M8 12h8",
  sql: "M5 6c0-1.7 3.1-3 7-3s7 1.3 7 3-3.1 3-7 3-7-1.3-7-3zM5 6v12c0 1.7 3.1 3 7 3s7-1.3 7-3V6M5 12c0 1.7 3.1 3 7 3s7-1.3 7-3",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  external: "M13 5h6v6M19 5l-8 8M17 14v5H5V7h5",
  asset: "M5 5h14v14H5z",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  fold: "M12 3v5l-2.5-2.5M12 8l2.5-2.5M12 21v-5l-2.5 2.5M12 16l2.5 2.5M4 12h16",
  plus: "M12 5v14M5 12h14",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c0-4 3.6-6.5 8-6.5s8 2.5 8 6.5",
};

export type IconName = string;

export const iconPath = (name: IconName): string => PATHS[name] ?? PATHS.asset ?? "";

export function Icon({ name, size = 16, label }: { name: IconName; size?: number; label?: string }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
      stroke-linecap="round" stroke-linejoin="round" role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      <path d={PATHS[name] ?? PATHS.asset} />
    </svg>
  );
}
