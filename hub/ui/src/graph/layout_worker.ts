// layout_worker.ts - lays graphs out beside the page, so that it never stands still.
import { layout, type LayoutInput } from "./layout";

self.addEventListener("message", (event: MessageEvent<{ id: number; input: LayoutInput }>) => {
  const result = layout(event.data.input);
  (self as unknown as Worker).postMessage({ id: event.data.id, result });
});
