// main.tsx - the pages and their addresses.
import { Component, render } from "preact";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { shortId } from "./base/format";
import { keyOf } from "./base/keys";
import { GraphPage } from "./graph/graph_page";
import { AlertsPage } from "./pages/alerts";
import { AssetPage } from "./pages/asset";
import { AssetsPage } from "./pages/assets";
import { JobsPage, PoolsPage, SchedulesPage } from "./pages/automation";
import { BackfillPage, BackfillsPage } from "./pages/backfill";
import { BundlePage } from "./pages/bundles";
import { CommandPage, CommandsPage } from "./pages/commands";
import { DeploymentPage, DeploymentsPage } from "./pages/deployments";
import { DevicePage } from "./pages/device";
import { DevicesPage } from "./pages/devices";
import { NamedPage } from "./pages/job";
import { OverviewPage } from "./pages/overview";
import { ReportsPage } from "./pages/reports";
import { RunPage } from "./pages/run";
import { RunsPage } from "./pages/runs";
import { SettingsPage } from "./pages/settings";
import { Failure, Missing } from "./parts/bits";
import { SessionGate } from "./shell/session";
import { Shell } from "./shell/shell";
import { usePlace, useRoute, type Route } from "./shell/router";

const ROUTES: Route[] = [
  { path: "/", title: "Overview", page: () => <OverviewPage /> },
  { path: "/assets", title: "Assets", page: () => <AssetsPage /> },
  { path: "/assets/*", title: "Asset", page: (parts) => <AssetPage name={keyOf(parts)} /> },
  { path: "/graph", title: "Graph", page: () => <GraphPage /> },
  { path: "/runs", title: "Runs", page: () => <RunsPage /> },
  { path: "/runs/:/:", title: "Run", page: ([device, id]) => <RunPage device={device ?? ""} id={id ?? ""} /> },
  { path: "/jobs", title: "Jobs", page: () => <JobsPage /> },
  { path: "/jobs/:", title: "Job", page: ([name]) => <NamedPage kind="job" name={name ?? ""} /> },
  { path: "/schedules", title: "Schedules and sensors", page: () => <SchedulesPage /> },
  { path: "/schedules/:", title: "Schedule", page: ([name]) => <NamedPage kind="schedule" name={name ?? ""} /> },
  { path: "/sensors/:", title: "Sensor", page: ([name]) => <NamedPage kind="sensor" name={name ?? ""} /> },
  { path: "/backfills", title: "Backfills", page: () => <BackfillsPage /> },
  { path: "/backfills/:/:", title: "Backfill", page: ([device, id]) => <BackfillPage device={device ?? ""} id={id ?? ""} /> },
  { path: "/devices", title: "Devices", page: () => <DevicesPage /> },
  { path: "/devices/:", title: "Device", page: ([name]) => <DevicePage name={name ?? ""} /> },
  { path: "/deployments", title: "Deployments", page: () => <DeploymentsPage /> },
  { path: "/deployments/:", title: "Deployment", page: ([id]) => <DeploymentPage id={id ?? ""} /> },
  { path: "/bundles/:", title: "Bundle", page: ([hash]) => <BundlePage hash={hash ?? ""} /> },
  { path: "/commands", title: "Commands", page: () => <CommandsPage /> },
  { path: "/commands/:", title: "Command", page: ([id]) => <CommandPage id={id ?? ""} /> },
  { path: "/pools", title: "Pools", page: () => <PoolsPage /> },
  { path: "/alerts", title: "Alerts", page: () => <AlertsPage /> },
  { path: "/reports", title: "Report", page: () => <ReportsPage /> },
  { path: "/settings", title: "Settings", page: () => <SettingsPage /> },
];

/** What a page throws is told in its place; the rest of the window stays usable. */
class Guard extends Component<{ children: ComponentChildren }, { error: Error | null }> {
  state = { error: null as Error | null };

  componentDidCatch(error: Error) {
    console.error(error);
    this.setState({ error });
  }

  render() {
    if (!this.state.error) return this.props.children;
    return <Failure error={new Error(`This page could not be drawn: ${this.state.error.message}`)} onRetry={() => this.setState({ error: null })} />;
  }
}

function App() {
  const { path } = usePlace();
  const found = useRoute(ROUTES);
  useEffect(() => {
    const name = found?.params.map((part) => (/^[0-9a-f-]{32,}$/.test(part) ? shortId(part) : part)).join("/") ?? "";
    document.title = `${name ? `${name} · ` : ""}${found?.route.title ?? (path === "/setup" ? "The first password" : "Not found")} · Selvedge`;
  }, [found, path]);
  return (
    <SessionGate>
      <Shell>
        <Guard key={path}>
          {found ? found.route.page(found.params) : <Missing words={`there is no page ${path}`} />}
        </Guard>
      </Shell>
    </SessionGate>
  );
}

const place = document.getElementById("app");
if (place) {
  place.textContent = "";
  render(<App />, place);
}
