/**
 * A forward pass that survives the death of its engine: the same pass once more (deaths from outside, such as a kill, hit
 * nobody twice), then halves of its tasks apart, so that only the task that kills the engine fails, with the last words
 * of whatever died.
 */
import { EngineDied } from '../engine/process.js';
import type { OtfError } from '../errors/catalogue.js';
import { toOtfError } from '../errors/catalogue.js';
import type { Pass, Piece } from './stream.js';
import type { TaskRun } from './task.js';

/** Items of `pieces` lie in the slot one after another from item 0. */
export type Forward = (slot: number, pieces: readonly Piece[]) => Promise<void>;

export interface PassActions {
  forward: Forward;
  copy: (fromSlot: number, toSlot: number, piece: Piece, toItem: number) => Promise<void>;
  consume: (slot: number, pieces: readonly Piece[]) => Promise<void>;
  failed: (task: TaskRun, error: OtfError) => void;
  log: (task: TaskRun, level: 'info' | 'warn', message: string) => void;
  /** One at a time: there is one spare slot. */
  apart: (work: () => Promise<void>) => Promise<void>;
}

/** A pass is tried this often as a whole; more often when the engine was killed from outside (or for lack of memory). */
const kAttempts = 2;
const kKilledAttempts = 4;

/** Gives the pieces whose output is in the pass's slot; others have been consumed from the spare slot, or failed. */
export async function forwardSurviving(pass: Pass, spareSlot: number, actions: PassActions): Promise<Piece[]> {
  let pieces: Piece[] = pass.pieces;
  for (let attempt = 1; ; attempt++) {
    pieces = await compacted(pass.slot, pass.slot, pieces, actions);
    if (pieces.length === 0) return [];
    try {
      await forwardUndisturbed(pass.slot, pieces, actions);
      return pieces;
    } catch (thrown) {
      const error = toOtfError(thrown);
      if (!(error instanceof EngineDied)) return refused(pieces, error, actions);
      if (attempt >= (error.killed ? kKilledAttempts : kAttempts)) {
        await actions.apart(() => halves(tasksOf(pieces), pass.slot, spareSlot, error, actions));
        return [];
      }
      for (const { task } of pieces) actions.log(task, 'warn', `${error.message}; the tiles are run again`);
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
      await forwardUndisturbed(spare, pieces, actions);
      await actions.consume(spare, pieces);
    } catch (thrown) {
      const why = toOtfError(thrown);
      if (why instanceof EngineDied) await halves(half, slot, spare, why, actions);
      else refused(pieces, why, actions);
    }
  }
}

/** Again when the engine died of another pass before this one began. */
async function forwardUndisturbed(slot: number, pieces: readonly Piece[], actions: PassActions): Promise<void> {
  for (;;) {
    try {
      return await actions.forward(slot, pieces);
    } catch (thrown) {
      if (!(thrown instanceof EngineDied && thrown.bystander)) throw thrown;
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
