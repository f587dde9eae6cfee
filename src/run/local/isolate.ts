/**
 * A forward pass that survives the death of its engine. Several may be under way then, so each is tried again alone
 * (deaths from outside, such as a kill, hit nobody twice), then halves of its tasks apart, so that only the task that
 * kills the engine fails, with the last words of whatever died.
 */
import { EngineDied } from '../../engine/process.js';
import type { OtfError } from '../../errors/catalogue.js';
import { toOtfError } from '../../errors/catalogue.js';
import type { Pass, Piece } from './pass.js';
import type { TaskRun } from './task.js';

/** Items of `pieces` lie in the slot one after another from item 0. */
export type Forward = (slot: number, pieces: readonly Piece[]) => Promise<void>;

export interface PassActions {
  forward: Forward;
  copy: (fromSlot: number, toSlot: number, piece: Piece, toItem: number) => Promise<void>;
  consume: (slot: number, pieces: readonly Piece[]) => Promise<void>;
  failed: (task: TaskRun, error: OtfError) => void;
  log: (task: TaskRun, level: 'info' | 'warn', message: string) => void;
  /** Not beside any other pass. */
  alone: (work: () => Promise<Piece[]>) => Promise<Piece[]>;
}

/** A pass is tried alone this often as a whole; more often when the engine was killed from outside (or for lack of memory). */
const kAttempts = 1;
const kKilledAttempts = 3;

/** Gives the pieces whose output is in the pass's slot; others have been consumed from the spare slot, or failed. */
export async function forwardSurviving(pass: Pass, spareSlot: number, actions: PassActions): Promise<Piece[]> {
  const pieces = await compacted(pass.slot, pass.slot, pass.pieces, actions);
  if (pieces.length === 0) return [];
  try {
    await actions.forward(pass.slot, pieces);
    return pieces;
  } catch (thrown) {
    const error = toOtfError(thrown);
    if (!(error instanceof EngineDied)) return refused(pieces, error, actions);
    return actions.alone(() => again(pass.slot, spareSlot, pieces, error, actions));
  }
}

async function again(
  slot: number,
  spare: number,
  before: readonly Piece[],
  death: EngineDied,
  actions: PassActions,
): Promise<Piece[]> {
  let pieces: readonly Piece[] = before;
  for (let attempt = 1, error = death; ; ) {
    for (const { task } of pieces) actions.log(task, 'warn', `${error.message}; the tiles are run again`);
    const moved = await compacted(slot, slot, pieces, actions);
    if (moved.length === 0) return [];
    pieces = moved;
    try {
      await forwardAlone(slot, moved, actions);
      return moved;
    } catch (thrown) {
      const why = toOtfError(thrown);
      if (!(why instanceof EngineDied)) return refused(moved, why, actions);
      error = why;
    }
    if (attempt++ >= (error.killed ? kKilledAttempts : kAttempts)) {
      await halves(tasksOf(pieces), slot, spare, error, actions);
      return [];
    }
  }
}

/** An engine that lives and says no, or cannot be started at all: trying parts of the pass would not help. */
function refused(pieces: readonly Piece[], error: OtfError, actions: PassActions): [] {
  for (const { task } of pieces) actions.failed(task, error);
  return [];
}

async function halves(
  groups: Piece[][],
  slot: number,
  spare: number,
  error: OtfError,
  actions: PassActions,
): Promise<void> {
  const [only] = groups;
  if (only && groups.length === 1) {
    for (const { task } of only) actions.failed(task, error);
    return;
  }
  const middle = groups.length >> 1;
  for (const half of [groups.slice(0, middle), groups.slice(middle)]) {
    const pieces = await compacted(slot, spare, half.flat(), actions);
    if (pieces.length === 0) continue;
    try {
      await forwardAlone(spare, pieces, actions);
      await actions.consume(spare, pieces);
    } catch (thrown) {
      const why = toOtfError(thrown);
      if (why instanceof EngineDied) await halves(half, slot, spare, why, actions);
      else refused(pieces, why, actions);
    }
  }
}

/** A pass that had begun before it could know that this one is to be alone may be what the engine died of. */
async function forwardAlone(slot: number, pieces: readonly Piece[], actions: PassActions): Promise<void> {
  for (;;) {
    try {
      return await actions.forward(slot, pieces);
    } catch (thrown) {
      if (!(thrown instanceof EngineDied) || thrown.alone) throw thrown;
    }
  }
}

function tasksOf(pieces: readonly Piece[]): Piece[][] {
  const groups = new Map<TaskRun, Piece[]>();
  for (const piece of pieces) groups.set(piece.task, [...(groups.get(piece.task) ?? []), piece]);
  return [...groups.values()];
}

/** Pieces of tasks that go on, moved together: what a dead task left must not be run. */
async function compacted(from: number, to: number, pieces: readonly Piece[], actions: PassActions): Promise<Piece[]> {
  const moved: Piece[] = [];
  let item = 0;
  for (const piece of pieces) {
    if (piece.task.ended) continue;
    if (from !== to || piece.item !== item) await actions.copy(from, to, piece, item);
    moved.push({ ...piece, item });
    item += piece.count;
  }
  return moved;
}
