// differ_notice.tsx - devices define one thing in different ways, and in what these differ.
import { membersThatDiffer } from "../base/differs";
import { Status } from "../parts/bits";

export function DifferNotice({ of }: { of: (object | undefined)[] }) {
  if (of.length < 2) return null;
  const names = membersThatDiffer(of);
  return (
    <p class="notice">
      <Status status="conflict" word={`Devices define it in ${of.length} different ways`} />
      {names.length ? <span class="soft">; they differ in {names.map((name, i) => <>{i ? ", " : ""}<code>{name}</code></>)}</span> : null}
    </p>
  );
}
