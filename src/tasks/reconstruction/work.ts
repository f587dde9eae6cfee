/** A reconstruction in a worker thread. */
import { addon, type FoundReconstruction, type OpenReconstructionRequest } from '../../engine/addon.js';
import { votable } from '../../results/votable.js';
import type { InputSource } from '../files.js';
import { kNativeTiles } from '../native-tiles.js';
import type { EndRequest, Found, OpenedTask, OpenRequest, TaskWork } from '../work.js';
import { reconstructorCard, toReconstructorConfig } from './card.js';
import { reconstructionContent } from './content.js';
import type { ReconstructionFormat } from './formats.js';
import { lightCurvesDocument } from './light-curves.js';
import { kThresholdSnr, printReconstruction, type ReconstructionAsked, readPositions } from './parameters.js';
import { makeReconstructionRecord, type ReconstructionRecord, reconstructionFacts } from './record.js';
import { lightCurveSheet } from './sheet.js';

/** The other workers and the engine have the rest of the machine. */
const kThreads = 1;
const kToldElsewhere = new Set(
  'software software_commit created job_id model model_sha256 engine device quantization input input_sha256'.split(' '),
);
const kImages = new Map([
  ['reconstructed.fits', 'reconstructed'],
  ['residual.fits', 'residual'],
  ['snr_max.fits', 'snr_max'],
]);

interface Plan {
  asked: Record<string, string>;
  notes: string[];
}

export const kReconstructionWork: TaskWork = {
  ...kNativeTiles,
  openModel: (card) =>
    addon.openReconstructionModel({
      weights: card.weightsPath,
      reconstructor: toReconstructorConfig(reconstructorCard(card)),
    }),
  closeModel: (model) => addon.closeReconstructionModel(model as number),
  open: (request) => openReconstruction(request, { method: 'network', threads: kThreads }),
  finish: finishReconstruction,
  content: (record, format, filter) =>
    reconstructionContent(record as ReconstructionRecord, format as ReconstructionFormat, filter),
  upgrades: [],
};

/** `more`: what a command decides and a job does not. */
export function openReconstruction(
  { job, model, inputs, folder = '', rawOutput }: OpenRequest,
  more: Pick<OpenReconstructionRequest, 'method' | 'threads'>,
): OpenedTask {
  const asked = job.parameters.asked as ReconstructionAsked;
  const { threshold = kThresholdSnr, positions = '', band } = asked;
  const opened = addon.openReconstruction({
    model: model as number,
    cube: nativeFiles(inputs.IMAGE),
    psf: nativeFiles(inputs.PSF),
    band: (band ?? 1) - 1,
    threshold,
    positions: readPositions(positions),
    folder,
    ...more,
    ...(rawOutput === undefined ? {} : { rawOutput }),
  });
  const { width, height, depth } = opened.item;
  const plan: Plan = {
    asked: Object.fromEntries(printReconstruction(asked).map(([name, value]) => [name.toLowerCase(), value])),
    notes:
      opened.bands > 1 && band === undefined
        ? [`the cube has ${opened.bands} bands: the first was reconstructed (BAND)`]
        : [],
  };
  return {
    handle: opened.task,
    items: opened.tiles,
    bytes: opened.bytes,
    decodes: opened.decodes,
    item: { width, height, depth, valuesIn: opened.valuesIn, valuesOut: opened.valuesOut },
    plan,
  };
}

function nativeFiles(sources: readonly InputSource[] = []) {
  return sources.map(({ path, name }) => ({ path, label: name }));
}

/** A method without a network has no engine. */
type RecordRequest = Pick<EndRequest, 'handle' | 'threads' | 'plan' | 'inputs' | 'card' | 'items' | 'jobId'> &
  Partial<Pick<EndRequest, 'engine'>>;

/** What the native side has found, with what it cannot know. */
export function reconstructionRecord(request: RecordRequest, method: string): ReconstructionRecord {
  const found = addon.finishTask(request.handle as number, request.threads) as FoundReconstruction;
  const { notes } = request.plan as Plan;
  const file = (name: string) => {
    const [first, ...rest] = request.inputs[name] ?? [];
    const more = rest.length > 0 ? ` and ${rest.length} more` : '';
    return { name: `${first?.name ?? ''}${more}`, sha256: rest.length > 0 ? undefined : first?.sha256 };
  };
  return makeReconstructionRecord({
    card: reconstructorCard(request.card),
    method,
    ...(request.engine === undefined ? {} : { engine: request.engine }),
    input: file('IMAGE'),
    psf: file('PSF'),
    found: { ...found, warnings: [...notes, ...found.warnings] },
    tiles: request.items,
    createdAt: new Date(),
    ...(request.jobId === undefined ? {} : { jobId: request.jobId }),
  });
}

function finishReconstruction(request: EndRequest): Found {
  const record = reconstructionRecord(request, 'network');
  const { found } = record;
  const facts = reconstructionFacts(record).filter(({ name }) => !kToldElsewhere.has(name));
  const { engine } = request;
  const sheet = lightCurveSheet(record);
  const count = found.sources.name.filter((name) => name === '').length;
  return {
    record,
    count,
    endedMs: record.createdAt.getTime(),
    summary: `${count} sources in ${found.cube.frames} frames`,
    warnings: found.warnings,
    asked: (request.plan as Plan).asked,
    parameters: {
      ...Object.fromEntries(facts.map(({ name, value }) => [name, value])),
      quantization_asked: engine.asked,
      quantization: engine.effective,
    },
    aboutInputs: {},
    files: [
      {
        id: 'lightcurves',
        file: 'lightcurves.vot',
        mime: 'application/x-votable+xml;serialization=TABLEDATA',
        pieces: votable(lightCurvesDocument(record), 'TABLEDATA'),
      },
      ...(sheet ? [{ id: 'sheet', file: 'lightcurves.png', mime: 'image/png', pieces: [sheet] }] : []),
      ...found.files.map((file) => ({
        id: kImages.get(file) ?? file,
        file,
        mime: 'application/fits',
        temporary: file,
      })),
    ],
  };
}
