/** Runs in the worker threads: prepare and finish. May block; the event loop of the server is elsewhere. */
import { stat } from 'node:fs/promises';
import { native } from '../../engine/addon.js';
import { unpack } from '../../fetch/unpack.js';
import { sha256File } from '../../io/checksum.js';
import { folderAt } from '../../io/folder.js';
import { verifyWeights } from '../../models/card.js';
import { finish } from '../../tasks/finish.js';
import { kindNamed, workOf } from '../../tasks/registry.js';
import { writeRepresentation } from '../../tasks/table-files.js';
import { answerOf, failureOf, type WorkAnswer } from '../../threads/answer.js';
import type { KindPiece, PieceAnswer, Work, WorkOrder } from './work.js';

const openModel: Work['openModel'] = async (card) => {
  await verifyWeights(card);
  const { size } = await stat(card.weightsPath);
  return { ...(await workOf(card.kind)).openModel(card), weightsBytes: size };
};

const openTask: Work['openTask'] = async ({ kind, readNow, ...request }) => {
  const work = await workOf(kind);
  const opened = work.open(request);
  if (opened.items === 0 || opened.decodes || opened.bytes > readNow) return { ...opened, ready: 0 };
  try {
    return { ...opened, ready: work.prepare(opened.handle) };
  } catch (thrown) {
    work.close(opened.handle);
    throw thrown;
  }
};

const kWork: Work = {
  openModel,
  openTask,
  prepare: async ({ kind, handle }) => (await workOf(kind)).prepare(handle),
  fill: (pieces) => each(pieces, ({ kind, ...piece }) => workOf(kind).then((work) => work.fill(piece))),
  consume: (pieces) => each(pieces, ({ kind, ...piece }) => workOf(kind).then((work) => work.consume(piece))),
  copy: (request) => native().copyItems(request),
  hash: async (path) => ({ sha256: await sha256File(path), size: (await stat(path)).size }),
  unpack: ({ from, to, label, limits }) => unpack(from, to, label, limits),
  finish,
  represent: ({ kind, folder, format, filter }) =>
    writeRepresentation(folderAt(folder), format, kindNamed(kind), filter),
};

export default function work<S extends keyof Work>({
  stage,
  request,
}: WorkOrder<S>): Promise<WorkAnswer<Awaited<ReturnType<Work[S]>>>> {
  const run = kWork[stage] as (request: Parameters<Work[S]>[0]) => Awaited<ReturnType<Work[S]>>;
  return answerOf(() => run(request));
}

/** Pieces of several tasks in one visit: what goes wrong with one is no other's. */
async function each(pieces: readonly KindPiece[], act: (piece: KindPiece) => Promise<void>): Promise<PieceAnswer[]> {
  const answers: PieceAnswer[] = [];
  for (const piece of pieces) answers.push(await act(piece).then(() => undefined, failureOf));
  return answers;
}
