/** A detection in a worker thread. */
import { type DetectOutcome, type FoundDetection, type ImageSummary, native } from '../../engine/addon.js';
import { toOtfError } from '../../errors/catalogue.js';
import { networkOf } from '../../models/card.js';
import { kNativeTiles } from '../native-tiles.js';
import { engineOf } from '../run-facts.js';
import type { EndRequest, Found, OpenedTask, OpenRequest, TaskWork } from '../work.js';
import { filesBeside } from './beside.js';
import { detectorCard, toDetectorConfig } from './card.js';
import { detectionContent } from './content.js';
import type { DetectionFormat } from './formats.js';
import { kDetection } from './kind.js';
import { cardOfRun, chosenRequest, type DetectionRequest, nativeImages, withoutRegion } from './request.js';
import { makeRunRecord, type RunRecord, runFacts } from './run-record.js';

/** Facts of the run that the provenance records have elsewhere. */
const kToldElsewhere = new Set(
  'software software_commit created job_id model model_sha256 engine device quantization input input_sha256 input_size primary_beam'.split(
    ' ',
  ),
);

export const kDetectionWork: TaskWork = {
  ...kNativeTiles,
  openModel: (card) =>
    native().openDetectionModel({ ...networkOf(card), detector: toDetectorConfig(detectorCard(card)) }),
  closeModel: (model) => native().closeDetectionModel(model as number),
  open: openDetection,
  finish: finishDetection,
  content: (record, format, filter) => detectionContent(record as RunRecord, format as DetectionFormat, filter),
  upgrades: [],
};

function openDetection(asking: OpenRequest): OpenedTask {
  const { job, model, inputs, rawOutput } = asking;
  const images = nativeImages(job.parameters, inputs);
  const open = (request: DetectionRequest): OpenedTask => {
    const { task, tiles, bytes, decodes, valuesIn, valuesOut } = native().openDetection({
      ...images,
      model: model as number,
      ...request.native,
      ...(rawOutput === undefined ? {} : { rawOutput }),
    });
    const { draws } = request.plan;
    const tile = draws && { ...kDetection.itemShape(asking.card), draws, valuesIn, valuesOut };
    return { handle: task, items: tiles, bytes, decodes, plan: request.plan, ...(tile ? { item: tile } : {}) };
  };
  const chosen = chosenRequest(asking);
  try {
    return open(chosen);
  } catch (thrown) {
    const whole = toOtfError(thrown).code === 'OTF_ROI_OUTSIDE' ? withoutRegion(job.parameters, chosen) : undefined;
    if (!whole) throw thrown;
    return open(whole);
  }
}

async function finishDetection(request: EndRequest): Promise<Found> {
  const { inputs, jobId } = request;
  const plan = request.plan as DetectionRequest['plan'];
  const { origins, asked, notes } = plan;
  const outcome = detectOutcome(request, notes);
  const { name = '', sha256, size, modified } = inputs.IMAGE?.[0] ?? {};
  const record = makeRunRecord({
    card: cardOfRun(detectorCard(request.card), plan),
    outcome,
    createdAt: new Date(),
    input: { name, sha256, size, modified },
    primaryBeam: inputs.BEAM?.[0]?.name,
    jobId,
    origins,
    measure: plan.measure,
    mask: plan.mask,
    draws: plan.draws,
    mocks: plan.mocks,
  });
  const engine = engineOf(request);
  const facts = runFacts(record).filter((fact) => !kToldElsewhere.has(fact.name));
  const wcs = wcsText(outcome.image);
  const files = await filesBeside(record, request);
  return {
    record,
    endedMs: record.createdAt.getTime(),
    count: outcome.counts.final,
    summary: `${outcome.counts.final} sources in ${request.items} tiles`,
    warnings: outcome.image.warnings,
    asked,
    parameters: {
      ...Object.fromEntries(facts.map((fact) => [fact.name, fact.value])),
      quantization_asked: engine.asked,
      quantization: engine.effective,
    },
    aboutInputs: wcs === undefined ? {} : { IMAGE: { wcs } },
    files,
  };
}

/** What the native side has found, with what it cannot know. `notes`: warnings beside its own. */
export function detectOutcome(request: EndRequest, notes: readonly string[]): DetectOutcome {
  const { engineBytes, inferSeconds, wallSeconds } = request;
  const engine = engineOf(request);
  const found = native().finishTask(request.handle as number, request.threads) as FoundDetection;
  return {
    ...found,
    image: { ...found.image, warnings: [...notes, ...found.image.warnings] },
    times: { ...found.times, infer: inferSeconds, wall: wallSeconds },
    memory: { engineBytes, peakRssBytes: process.resourceUsage().maxRSS * 1024 },
    engine,
  };
}

/** One line: frame, projection, centre, scale; undefined = no celestial WCS. */
function wcsText({ wcs }: ImageSummary): string | undefined {
  if (!wcs) return undefined;
  const frame = wcs.equinox > 0 ? `${wcs.system} ${wcs.equinox}` : wcs.system;
  const centre = `centre ${wcs.centreRaDeg.toFixed(6)} ${wcs.centreDecDeg.toFixed(6)} deg`;
  return `${frame} ${wcs.projection}, ${centre}, ${(wcs.pixelScaleDeg * 3600).toPrecision(4)} arcsec per pixel`;
}
