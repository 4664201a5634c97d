// labels.ts - labels as people type them. Pure; the hub judges keys and values.

/** "site=berlin line=2" as {site: "berlin", line: "2"}; null when a word is no label. */
export function readLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const cut = word.indexOf("=");
    if (cut < 1 || cut === word.length - 1) return null;
    labels[word.slice(0, cut)] = word.slice(cut + 1);
  }
  return labels;
}
