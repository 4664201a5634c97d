// bundles.tsx - the bundles on the hub's shelf: folders of definitions, packed and signed, and what is in one.
import { useList, useQuery } from "../api/query";
import type { Bundle, BundleDetail, BundleText } from "../api/types";
import { bytes, count, plural } from "../base/format";
import { withQuery } from "../base/keys";
import { Ago, At, Card, Empty, Facts, Filter, Head, Show, Status } from "../parts/bits";
import { Table, type Column } from "../parts/table";
import { go, Link, useParam } from "../shell/router";
import { useMay } from "../shell/session";
import { askDeploy } from "./deployments";

export const BundleLink = ({ hash, isThis = false }: { hash: string; isThis?: boolean }) =>
  <Link to={`/bundles/${hash}`} class="thing mono" title={hash}>{hash.slice(0, 12)}{isThis ? <span class="soft"> (this one)</span> : null}</Link>;

const keptFor = (b: Bundle): string => [
  b.deployments ? plural(b.deployments, "open deployment") : "", b.targets ? `${plural(b.targets, "device")} that should have it` : "", b.devices ? `${plural(b.devices, "device")} that ${b.devices === 1 ? "has" : "have"} or had it` : "",
  b.commands ? plural(b.commands, "command") : "",
].filter(Boolean).join(", ") || (b.idle ? "nobody needs it" : "being one of the newest");

export function Bundles({ onDeploy }: { onDeploy?: (bundle: string) => void }) {
  const answer = useList<Bundle>("/bundles", ["deployment"], { pageSize: 200, everyMs: 30_000 });
  const columns: Column<Bundle>[] = [
    { name: "Bundle", cell: (b) => <BundleLink hash={b.bundle} /> },
    { name: "Packed", by: (b) => b.made_at, cell: (b) => <Ago at={b.made_at} /> },
    { name: "Files", by: (b) => b.files, kind: "number", cell: (b) => count(b.files) },
    { name: "Size", by: (b) => b.bytes, kind: "number", isExtra: true, cell: (b) => bytes(b.bytes) },
    { name: "Kept for", kind: "wide", cell: (b) => <span class="soft">{keptFor(b)}</span> },
    { name: "From", isExtra: true, cell: (b) => <span class="soft" title={b.source}>{b.source}</span> },
    { name: "", cell: (b) => onDeploy ? <button type="button" class="small" onClick={() => onDeploy(b.bundle)}>Roll out…</button> : null },
  ];
  return (
    <Show answer={answer} what="bundles">
      {(rows) => rows.length ? <Table label="Bundles" rows={rows} columns={columns} rowKey={(b) => b.bundle} onEnd={answer.more} onRow={(b) => go(`/bundles/${b.bundle}`)} />
        : <Empty title="No bundle is on the shelf."><p>A folder of definitions is packed, signed and rolled out on the hub; then it is here:</p><pre>selvedge-hub deploy ./definitions --to 'label:site=berlin'</pre></Empty>}
    </Show>
  );
}

type File = BundleDetail["file_list"][number];
const filesOf = (bundle: string, mayRead: boolean): Column<File>[] => [
  { name: "File", by: (f) => f.path, kind: "wide", cell: (f) => mayRead ? <Link to={withQuery(`/bundles/${bundle}`, { file: f.path })}><code>{f.path}</code></Link> : <code>{f.path}</code> },
  { name: "Size", by: (f) => f.size, kind: "number", cell: (f) => bytes(f.size) },
  { name: "May be run", isExtra: true, cell: (f) => f.executable ? "yes" : "" },
  { name: "SHA-256", isExtra: true, cell: (f) => <code title={f.sha256}>{f.sha256.slice(0, 16)}</code> },
];

function FileView({ bundle, path, onClose }: { bundle: string; path: string; onClose: () => void }) {
  const answer = useQuery<BundleText>(withQuery(`/bundles/${encodeURIComponent(bundle)}/file`, { path }), []);
  return (
    <Card title={<code>{path}</code>} side={<button type="button" class="small" onClick={onClose}>Close</button>}>
      <Show answer={answer} what="the file">
        {(file) => file.text === undefined ? <p class="quiet-words soft">It is no text: {bytes(file.size)}.</p>
          : file.text === "" ? <p class="quiet-words soft">It is empty.</p>
          : <div class="output-box"><pre class="output" tabIndex={0} aria-label={`What is in ${path}`}>{file.text}</pre>{file.truncated ? <p class="soft">Its first 256 KiB of {bytes(file.size)}.</p> : null}</div>}
      </Show>
    </Card>
  );
}

export function BundlePage({ hash }: { hash: string }) {
  const answer = useQuery<BundleDetail>(`/bundles/${encodeURIComponent(hash)}`, ["deployment"]);
  const [find, setFind] = useParam("find");
  const [file, setFile] = useParam("file");
  const may = useMay("operator");
  return (
    <Show answer={answer} what="the bundle">
      {(bundle) => {
        const rows = bundle.file_list.filter((f) => f.path.toLowerCase().includes(find.toLowerCase()));
        return (
          <>
            <Head title={<>Bundle <span class="mono">{bundle.bundle.slice(0, 12)}</span></>} icon="deploy" sub={bundle.idle ? <Status status="off" word="nobody needs it" /> : <span class="soft">Kept for {keptFor(bundle)}</span>}>
              {may ? <button type="button" class="primary" onClick={() => askDeploy(bundle.bundle)}>Roll out…</button> : null}
            </Head>
            <Facts rows={[["Hash", <code class="wrap">{bundle.bundle}</code>], ["Packed", <At at={bundle.made_at} />], ["From", bundle.source], ["Holds", `${plural(bundle.files, "file")}, ${bytes(bundle.bytes)}`]]} />
            {file && may ? <FileView bundle={bundle.bundle} path={file} onClose={() => setFile("")} /> : null}
            <Card title="Files" kind="list" side={<Filter value={find} onInput={setFind} placeholder="Part of a name" label="Filter files" />}>
              {rows.length ? <Table label="Files of this bundle" rows={rows} columns={filesOf(bundle.bundle, may)} rowKey={(f) => f.path} /> : <p class="quiet-words soft">No file matches.</p>}
            </Card>
          </>
        );
      }}
    </Show>
  );
}
