// lines.ts - long texts, cut to what a page can show. Pure.

/** The newest lines of a text, and how many are left out before them. */
export function lastLines(text: string, most: number): [string, number] {
  let at = text.length;
  for (let lines = 0; at > 0; at--) if (text[at - 1] === "\n" && at < text.length && ++lines === most) break;
  if (at === 0) return [text, 0];
  let left = 0;
  for (let i = text.indexOf("\n"); i !== -1 && i < at; i = text.indexOf("\n", i + 1)) left++;
  return [text.slice(at), left];
}
