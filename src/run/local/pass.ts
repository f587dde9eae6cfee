/** What a forward pass is made of: pieces of tasks, one after another in a slot. */
import type { SlotsHandle } from '../../engine/addon.js';
import type { Piece as TaskPiece } from '../../tasks/work.js';
import type { TaskRun } from './task.js';

export interface Piece {
  task: TaskRun;
  first: number;
  count: number;
  item: number;
}

export interface Pass {
  slot: number;
  pieces: Piece[];
}

export function itemsOf(pass: Pass): number {
  const last = pass.pieces.at(-1);
  return last ? last.item + last.count : 0;
}

/** Tiles that follow those of the piece before are told apart by nobody. */
export function addPiece(pass: Pass, piece: Piece): void {
  const last = pass.pieces.at(-1);
  if (last?.task === piece.task && last.first + last.count === piece.first) last.count += piece.count;
  else pass.pieces.push(piece);
}

export function pieceOf(piece: Piece, slot: number, slots: SlotsHandle): TaskPiece & { kind: string } {
  const { task, first, count, item } = piece;
  // Closed meanwhile: 0 names no task, and the failure is that of a task that has ended.
  return { kind: task.job.kind, handle: task.opened?.handle ?? 0, first, count, slots, slot, item };
}
