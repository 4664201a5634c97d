// build.mjs - bundles the UI: hashed names, gzip, and with --c FILE a table of C that the hub serves from.
// Usage: node build.mjs --out DIR [--c FILE] [--dev]. Prints the size of what a browser loads, in bytes of gzip.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

// What a browser loads at first may not grow beyond this without somebody deciding so: docs/decisions/0021-web-ui.md.
const BUNDLE_MAX = 120 * 1024;

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

function options(argv) {
  const found = { out: "dist", c: "", isDev: false };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === "--out") found.out = argv[++i];
    else if (argv[i] === "--c") found.c = argv[++i];
    else if (argv[i] === "--dev") found.isDev = true;
    else throw new Error(`unknown argument ${argv[i]}`);
  }
  return found;
}

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 12);
const typeOf = (path) => TYPES[path.slice(path.lastIndexOf("."))] ?? "application/octet-stream";

// The licence texts of all packages of which something is in the bundle.
function licences(metafile) {
  const names = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (found) names.add(found[1]);
  }
  let text = "The web user interface of Selvedge contains the packages below.\n";
  for (const name of [...names].sort()) {
    const dir = join("node_modules", name);
    const about = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
    const file = readdirSync(dir).find((entry) => /^licen[sc]e/i.test(entry));
    if (!file) throw new Error(`${name} comes without a licence text`);
    text += `\n${"-".repeat(72)}\n${name} ${about.version} (${about.license})\n\n${readFileSync(join(dir, file), "utf8").trim()}\n`;
  }
  return text;
}

async function bundle(isDev) {
  const common = {
    bundle: true, write: false, minify: !isDev, format: "esm", target: ["es2020"], charset: "utf8", metafile: true,
    preserveSymlinks: true, jsx: "automatic", jsxImportSource: "preact", legalComments: "none", outdir: "out",
  };
  const worker = await build({ ...common, entryPoints: ["src/graph/layout_worker.ts"] });
  const workerText = worker.outputFiles[0].contents;
  const workerPath = `/static/layout-${hash(workerText)}.js`;
  const main = await build({
    ...common, entryPoints: ["src/main.tsx", "src/style/main.css"],
    define: { LAYOUT_WORKER: JSON.stringify(workerPath) },
  });
  const script = main.outputFiles.find((f) => f.path.endsWith(".js")).contents;
  const style = main.outputFiles.find((f) => f.path.endsWith(".css")).contents;
  return { files: new Map([[workerPath, workerText]]), script, style, text: licences(main.metafile) };
}

// An array of C, twenty bytes a line.
function bytes(name, content) {
  let text = `static const unsigned char ${name}[${content.length}] = {\n`;
  for (let i = 0; i < content.length; i += 20) {
    text += `    ${Array.from(content.subarray(i, i + 20)).join(", ")},\n`;
  }
  return text + "};\n";
}

function cTable(files) {
  const paths = [...files.keys()].sort();
  let text = "/* Made by hub/ui/build.mjs; not to be edited. */\n#include \"hub/http/assets.h\"\n\n";
  let table = "";
  paths.forEach((path, i) => {
    const file = files.get(path);
    text += bytes(`file_${i}`, file.gzip) + "\n";
    table += `    {"${path}", "${file.type}", "\\"${file.etag}\\"", file_${i}, sizeof(file_${i}), ${file.isImmutable}},\n`;
  });
  return `${text}const struct http_asset http_assets[] = {\n${table}};\nconst size_t http_assets_count = ${paths.length};\n`;
}

const wanted = options(process.argv.slice(2));
const made = await bundle(wanted.isDev);
const scriptPath = `/static/main-${hash(made.script)}.js`;
const stylePath = `/static/main-${hash(made.style)}.css`;
made.files.set(scriptPath, made.script);
made.files.set(stylePath, made.style);
const icon = readFileSync("src/icon.svg");
const iconPath = `/static/icon-${hash(icon)}.svg`;
made.files.set(iconPath, icon);
made.files.set("/licences.txt", Buffer.from(made.text));
const page = readFileSync("src/index.html", "utf8")
  .replace("{{script}}", scriptPath).replace("{{style}}", stylePath).replace("{{icon}}", iconPath);
made.files.set("/index.html", Buffer.from(page));

rmSync(wanted.out, { recursive: true, force: true });
const files = new Map();
let total = 0;
for (const [path, content] of made.files) {
  const gzip = gzipSync(content, { level: 9 });
  files.set(path, { type: typeOf(path), etag: hash(content), gzip, isImmutable: path.startsWith("/static/") });
  mkdirSync(dirname(join(wanted.out, path)), { recursive: true });
  writeFileSync(join(wanted.out, path), content);
  if (path !== "/licences.txt") total += gzip.length;
}
if (wanted.c) {
  const text = cTable(files);
  // Left alone when nothing changed, so that nothing is compiled again.
  if (!existsSync(wanted.c) || readFileSync(wanted.c, "utf8") !== text) writeFileSync(wanted.c, text);
}
console.log(`ui: ${files.size} files, ${total} bytes gzip (script ${gzipSync(made.script, { level: 9 }).length})`);
if (!wanted.isDev && total > BUNDLE_MAX) {
  console.error(`ui: more than ${BUNDLE_MAX} bytes; see docs/decisions/0021-web-ui.md`);
  process.exit(1);
}
