/** The part of a kind's work that is the same for all whose tiles are native (native/task/tile_task.h). */
import { native } from '../engine/addon.js';
import type { Piece, TaskWork } from './work.js';

function nativePiece({ handle, ...piece }: Piece) {
  return { ...piece, task: handle as number };
}

export const kNativeTiles: Pick<TaskWork, 'prepare' | 'bytesFor' | 'fill' | 'consume' | 'close'> = {
  prepare: (handle) => native().prepareTiles(handle as number),
  bytesFor: (handle, item) => native().bytesForTiles(handle as number, item),
  fill: (piece) => native().fillTiles(nativePiece(piece)),
  consume: (piece) => native().consumeTiles(nativePiece(piece)),
  close: (handle) => {
    native().cancelTask(handle as number);
    native().closeTask(handle as number);
  },
};
