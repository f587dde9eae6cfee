/** A reconstruction in a worker thread. */
import { type FoundReconstruction, native } from '../../engine/addon.js';
import { networkOf } from '../../models/card.js';
import { kDatalinkType } from '../../results/datalink.js';
import { votable } from '../../results/votable.js';
import type { InputSource } from '../files.js';
import { kNativeTiles } from '../native-tiles.js';
import type { EndRequest, Found, OpenedTask, OpenRequest, TaskWork } from '../work.js';
import { reconstructorCard, toReconstructorConfig } from './card.js';
import { sourceNames } from './columns.js';
import { lightCurveOf, reconstructionContent } from './content.js';
import type { ReconstructionFormat } from './formats.js';
import { lightCurvesDocument } from './light-curves.js';
import { kLightCurvesResult, sourceLinks } from './links.js';
import {
  kThresholdSnr,
  type Method,
  printReconstruction,
  type ReconstructionAsked,
  readPositions,
} from './parameters.js';
import { makeReconstructionRecord, type ReconstructionRecord, reconstructionFacts } from './record.js';
import { lightCurveSheet } from './sheet.js';
import { withBands, withDurations, withFlags, withRuns } from './upgrades.js';

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
  method: Method;
}

export const kReconstructionWork: TaskWork = {
  ...kNativeTiles,
  openModel: (card) =>
    native().openReconstructionModel({
      ...networkOf(card),
      reconstructor: toReconstructorConfig(reconstructorCard(card)),
    }),
  closeModel: (model) => native().closeReconstructionModel(model as number),
  open: (request) => openReconstruction(request, kThreads),
  finish: finishReconstruction,
  content: (record, format, filter) =>
    reconstructionContent(record as ReconstructionRecord, format as ReconstructionFormat, filter),
  part: (record, name, format) => lightCurveOf(record as ReconstructionRecord, name, format),
  upgrades: [withBands, withFlags, withRuns, withDurations],
};

export function openReconstruction(
  { job, model, inputs, folder = '', rawOutput }: OpenRequest,
  threads: number,
): OpenedTask {
  const asked = job.parameters.asked as ReconstructionAsked;
  const { method = 'network', static: staticPart = 'none', threshold = kThresholdSnr, positions = '', band } = asked;
  const [times] = nativeFiles(inputs.TIMES);
  const [truth] = nativeFiles(inputs.TRUTH);
  const opened = native().openReconstruction({
    model: model as number,
    cube: nativeFiles(inputs.IMAGE),
    psf: nativeFiles(inputs.PSF),
    ...(times === undefined ? {} : { times }),
    ...(truth === undefined ? {} : { truth }),
    ...(band === undefined ? {} : { band: band - 1 }),
    method,
    staticPart,
    threshold,
    positions: readPositions(positions),
    folder,
    threads,
    ...(rawOutput === undefined ? {} : { rawOutput }),
  });
  const { width, height, depth } = opened.item;
  const plan: Plan = {
    asked: Object.fromEntries(printReconstruction(asked).map(([name, value]) => [name.toLowerCase(), value])),
    method,
  };
  return {
    handle: opened.task,
    // The classical ways need no network: all of them is done at the end.
    items: method === 'network' ? opened.tiles : 0,
    bytes: opened.bytes,
    decodes: opened.decodes,
    item: { width, height, depth, valuesIn: opened.valuesIn, valuesOut: opened.valuesOut },
    plan,
  };
}

function nativeFiles(sources: readonly InputSource[] = []) {
  return sources.map(({ path, name }) => ({ path, label: name }));
}

type RecordRequest = Pick<EndRequest, 'handle' | 'threads' | 'plan' | 'inputs' | 'card' | 'items' | 'jobId' | 'engine'>;

/** What the native side has found, with what it cannot know. */
export async function reconstructionRecord(request: RecordRequest): Promise<ReconstructionRecord> {
  const { method } = request.plan as Plan;
  if (method !== 'network') await native().runClassical(request.handle as number);
  const found = native().finishTask(request.handle as number, request.threads) as FoundReconstruction;
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
    ...(request.inputs.TIMES?.length ? { times: file('TIMES') } : {}),
    ...(request.inputs.TRUTH?.length ? { truth: file('TRUTH') } : {}),
    found,
    tiles: method === 'network' ? request.items : 0,
    createdAt: new Date(),
    ...(request.jobId === undefined ? {} : { jobId: request.jobId }),
  });
}

async function finishReconstruction(request: EndRequest): Promise<Found> {
  const record = await reconstructionRecord(request);
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
      ...(engine && { quantization_asked: engine.asked, quantization: engine.effective }),
    },
    aboutInputs: {},
    files: [
      {
        id: kLightCurvesResult,
        file: 'lightcurves.vot',
        mime: 'application/x-votable+xml;serialization=TABLEDATA',
        pieces: votable(lightCurvesDocument(record), 'TABLEDATA'),
      },
      ...(request.jobUrl === undefined
        ? []
        : [
            {
              id: 'links',
              file: 'links.vot',
              mime: kDatalinkType,
              pieces: [sourceLinks(sourceNames(record), request.jobUrl)],
            },
          ]),
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
