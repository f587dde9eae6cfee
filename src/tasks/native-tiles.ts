/** The part of a kind's work that is the same for all whose tiles are native (native/task/tile_task.h). */
import { addon } from '../engine/addon.js';
import type { Piece, TaskWork } from './work.js';

function nativePiece({ handle, ...piece }: Piece) {
  return { ...piece, task: handle as number };
}

export const kNativeTiles: Pick<TaskWork, 'prepare' | 'bytesFor' | 'fill' | 'consume' | 'close'> = {
  prepare: (handle) => addon.prepareTiles(handle as number),
  bytesFor: (handle, item) => addon.bytesForTiles(handle as number, item),
  fill: (piece) => addon.fillTiles(nativePiece(piece)),
  consume: (piece) => addon.consumeTiles(nativePiece(piece)),
  close: (handle) => {
    addon.cancelTask(handle as number);
    addon.closeTask(handle as number);
  },
};
