// fold.ts - rows that say the same, as one.

export interface Folded<T> { row: T; times: number; last: T }

/** In the order of the first of each, which is `row`; `last` is the last one. `key` says what is the same. */
export function fold<T>(rows: T[], key: (row: T) => string): Folded<T>[] {
  const folded = new Map<string, Folded<T>>();
  for (const row of rows) {
    const known = folded.get(key(row));
    if (known) {
      known.times++;
      known.last = row;
    } else {
      folded.set(key(row), { row, times: 1, last: row });
    }
  }
  return [...folded.values()];
}
