// test.mjs - bundles test/NAME.test.ts (all without a name) and runs them with node's own test runner. Usage: node test.mjs [NAME...]
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const names = process.argv.slice(2);
const files = readdirSync("test").filter((file) => file.endsWith(".test.ts") && (names.length === 0 || names.includes(file.replace(".test.ts", ""))));
if (files.length === 0) throw new Error(`no test is called ${names.join(", ")}`);
const out = mkdtempSync(join(tmpdir(), "selvedge-ui-"));
try {
  await build({
    entryPoints: files.map((file) => join("test", file)), outdir: out, outExtension: { ".js": ".mjs" }, bundle: true, platform: "node", format: "esm",
    target: "node18", preserveSymlinks: true, logLevel: "warning",
  });
  const made = readdirSync(out).map((file) => join(out, file));
  const done = spawnSync(process.execPath, ["--test", ...made], { stdio: "inherit" });
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
