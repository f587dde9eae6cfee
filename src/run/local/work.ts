/** What the workers are asked to do and what they answer: plain values only, tensors stay in shared memory. */
import type { CopyItemsRequest } from '../../engine/addon.js';
import type { UnpackLimits } from '../../fetch/unpack.js';
import type { FolderRef } from '../../io/folder.js';
import type { ModelCard } from '../../models/card.js';
import type { ResultFile, RowFilter } from '../../tasks/files.js';
import type {
  Finished,
  FinishRequest,
  OpenedModel,
  OpenedTask,
  OpenRequest,
  Piece,
  TaskHandle,
} from '../../tasks/work.js';
import type { WorkFailure } from '../../threads/answer.js';

/** Of the kind: src/tasks/work.ts says what each does. */
interface OfKind {
  kind: string;
}

export type KindPiece = OfKind & Piece;
/** Undefined: it was done. */
export type PieceAnswer = WorkFailure | undefined;

export interface Work {
  openModel: (card: ModelCard) => Promise<OpenedModel & { weightsBytes: number }>;
  /** One that takes at most `readNow` bytes is prepared at once: `ready` items (a small image is worth no second visit). */
  openTask: (request: OpenRequest & OfKind & { readNow: number }) => Promise<OpenedTask & { ready: number }>;
  prepare: (request: OfKind & { handle: TaskHandle }) => Promise<number>;
  fill: (pieces: readonly KindPiece[]) => Promise<PieceAnswer[]>;
  consume: (pieces: readonly KindPiece[]) => Promise<PieceAnswer[]>;
  copy: (request: CopyItemsRequest) => void;
  hash: (path: string) => Promise<{ sha256: string; size: number }>;
  unpack: (request: { from: string; to: string; label: string; limits: UnpackLimits }) => Promise<number>;
  finish: (request: FinishRequest) => Promise<Finished>;
  /** The result of a finished job in another format, or some of its rows. */
  represent: (
    request: OfKind & { folder: FolderRef; format: string; filter?: RowFilter | undefined },
  ) => Promise<ResultFile>;
}

export interface WorkOrder<S extends keyof Work> {
  stage: S;
  request: Parameters<Work[S]>[0];
}
