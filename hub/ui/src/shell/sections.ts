// sections.ts - the pages that the menu leads to: address, name, drawing.
export const SECTIONS: { name: string; links: [string, string, string][] }[] = [
  { name: "Data", links: [["/", "Overview", "overview"], ["/assets", "Assets", "assets"], ["/graph", "Graph", "graph"], ["/runs", "Runs", "runs"]] },
  { name: "Automation", links: [["/jobs", "Jobs", "jobs"], ["/schedules", "Schedules", "schedule"], ["/backfills", "Backfills", "backfill"]] },
  { name: "Fleet", links: [["/devices", "Devices", "device"], ["/deployments", "Deployments", "deploy"], ["/commands", "Commands", "command"], ["/pools", "Pools", "file"]] },
  { name: "Health", links: [["/alerts", "Alerts", "alert"], ["/reports", "Reports", "report"], ["/settings", "Settings", "settings"]] },
];

/** Tabs of pages that people look for by name. */
export const TABS: [string, string, string][] = [
  ["/schedules?tab=sensors", "Sensors", "schedule"], ["/schedules?tab=ticks", "Ticks", "schedule"], ["/deployments?tab=bundles", "Bundles", "deploy"], ["/devices?tab=desired", "Desired state", "device"],
  ["/alerts?show=silences", "Silences", "alert"],
];
