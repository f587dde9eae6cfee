/** One reconstruction in this process, from files to a record: what `reconstruct` does. */
import { basename } from 'node:path';
import { type EngineRequest, native } from '../../engine/addon.js';
import { toOtfError } from '../../errors/catalogue.js';
import { sha256File } from '../../io/checksum.js';
import { networkOf, verifyWeights } from '../../models/card.js';
import { chooseEngine } from '../../models/engine-choice.js';
import { chooseQuantization } from '../../models/quantization.js';
import type { InputSource } from '../files.js';
import { kNoDefaults, type Progress } from '../kind.js';
import type { ReconstructorCard } from './card.js';
import { kReconstruction } from './kind.js';
import type { ReconstructionAsked } from './parameters.js';
import type { ReconstructionRecord } from './record.js';

export interface ReconstructTask {
  /** One cube, or single-epoch images in the order of time; paths are of files that can be read as they are. */
  cube: Pick<InputSource, 'path' | 'name'>[];
  psf: Pick<InputSource, 'path' | 'name'>[];
  times?: Pick<InputSource, 'path' | 'name'> | undefined;
  /** Of a simulation. */
  truth?: Pick<InputSource, 'path' | 'name'> | undefined;
  asked: ReconstructionAsked;
  card: ReconstructorCard;
  /** For the images; '' = they are not written. */
  folder: string;
  /** `quantization` absent: the card's first. */
  engine: Omit<EngineRequest, 'quantization'> & { quantization?: string | undefined };
}

export interface Reconstructed {
  record: ReconstructionRecord;
  /** Seconds. */
  inferSeconds: number;
  wallSeconds: number;
  engineBytes: number;
}

/** The same steps as in a server's worker threads, on the same native task. Throws OtfError. */
export async function runReconstruction(
  task: ReconstructTask,
  onProgress: (progress: Progress) => void,
): Promise<Reconstructed> {
  const { card } = task;
  const quantization = chooseQuantization(card, task.engine.quantization);
  const engine = { ...task.engine, name: chooseEngine(card, task.engine.name), quantization };
  await verifyWeights(card);
  const addon = native();
  const { kReconstructionWork: work, openReconstruction, reconstructionRecord } = await import('./work.js');
  const one = async (file: ReconstructTask['times']) => (file ? await sources([file]) : []);
  const inputs = {
    IMAGE: await sources(task.cube),
    PSF: await sources(task.psf),
    TIMES: await one(task.times),
    TRUTH: await one(task.truth),
  };
  const started = performance.now();
  const { model } = work.openModel(card);
  try {
    const job = { style: 'standard', quantization, parameters: { inputs: {}, asked: { ...task.asked } } };
    const open = { job, card, model, inputs, defaults: kNoDefaults, folder: task.folder };
    const { handle, items, plan } = openReconstruction(open, engine.threads);
    try {
      const weights = networkOf(card);
      const run =
        items === 0
          ? undefined
          : await addon.runTask({ task: handle as number, model: weights, engine }, (done, total) =>
              onProgress({ done, total, unit: kReconstruction.unit }),
            );
      const { inferSeconds = 0, engineBytes = 0 } = run ?? {};
      const seconds = () => (performance.now() - started) / 1000;
      const end = { engine: run?.engine, handle, card, plan, inputs, items, threads: engine.threads };
      const record = await reconstructionRecord(end);
      return { record, inferSeconds, engineBytes, wallSeconds: seconds() };
    } finally {
      work.close(handle);
    }
  } catch (thrown) {
    throw toOtfError(thrown);
  } finally {
    work.closeModel(model);
  }
}

async function sources(files: ReconstructTask['cube']): Promise<InputSource[]> {
  return Promise.all(
    files.map(async ({ path, name }) => ({ path, name: basename(name), size: 0, sha256: await sha256File(path) })),
  );
}
