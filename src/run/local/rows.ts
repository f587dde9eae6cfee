/** Waiting for rows of an image that is on its way, with a task that has begun. */
import type { MemoryBudget } from './memory.js';
import type { TaskRun } from './task.js';

/** Who sends them slower than this is not waited for: everything else the task holds is wanted by others. */
const kRowsMs = 30_000;

/** What is read for tiles from `next` on is here, or would not come. False: the task has ended. */
export async function rowsHere(task: TaskRun, next: number, memory: MemoryBudget): Promise<boolean> {
  const { arrival } = task;
  if (!arrival) return !task.ended;
  await task.findNeeded(next);
  await arrival.reach(task.neededBytes, kRowsMs);
  if (task.ended || task.holdsMemory) return !task.ended;
  const held = memory.takeSpare(task.bytes);
  if (held) task.holdMemory(held);
  else arrival.callOff('memory for images is short');
  return !task.ended;
}
