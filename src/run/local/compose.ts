/**
 * Which tiles share the next forward pass. Half of it goes to the oldest task, so that a large one always moves, however
 * many small ones come; the other half to those with the fewest tiles left: they are soon done, and their results are
 * written while the network runs on. Each task's tiles stay together: a piece costs a call of native code on its way in
 * and another on its way out.
 */

/** A task as far as this is concerned. */
export interface Fillable {
  /** Tiles that no pass has yet; 0 = none, or the task has ended. */
  readonly tilesToFill: number;
  /** Of them, those whose pixels are in memory. */
  readonly readyTiles: number;
}

export interface Share<T> {
  task: T;
  count: number;
}

/** What else goes into a pass that has `filled` tiles; nothing when it is as large as it shall be. `tasks`: the oldest first. */
export function composePass<T extends Fillable>(tasks: readonly T[], batch: number, filled = 0): Share<T>[] {
  const left = tasks.reduce((sum, task) => sum + task.tilesToFill, filled);
  // The passes still needed are made equally large: eight tiles and then one leave half of the processors idle.
  let room = left === 0 ? 0 : Math.ceil(left / Math.ceil(left / batch)) - filled;
  const counts = new Map<T, number>();
  const give = (task: T, most: number) => {
    const has = counts.get(task) ?? 0;
    const count = Math.min(task.readyTiles - has, most);
    if (count > 0) counts.set(task, has + count);
    room -= count;
    return count;
  };
  let old = Math.floor(room / 2);
  for (const task of tasks) old -= give(task, old);
  const soonest = [...tasks].sort((a, b) => a.tilesToFill - b.tilesToFill);
  for (const task of soonest) give(task, room);
  return [...counts].map(([task, count]) => ({ task, count }));
}
