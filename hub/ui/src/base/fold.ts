// fold.ts - rows that say the same one after the other, as one.

export interface Folded<T> { row: T; times: number; last: T }

/** `row` is the first of each, `last` the last one; `key` says what is the same. */
export function fold<T>(rows: T[], key: (row: T) => string): Folded<T>[] {
  const folded: Folded<T>[] = [];
  let before = "";
  for (const row of rows) {
    const now = key(row);
    const open = folded[folded.length - 1];
    if (open && now === before) {
      open.times++;
      open.last = row;
    } else {
      folded.push({ row, times: 1, last: row });
    }
    before = now;
  }
  return folded;
}
