/**
 * The registry file of the upstream server, `CIANNA_models.xml`, for the observatory's clients: they know detectors only.
 * src/models/upstream.ts reads it.
 */
import { escapeXml } from '../../io/xml.js';
import type { DetectorCard } from './card.js';

/**
 * The registry document of these cards, one job element each. A single model has the job as its root, as upstream writes
 * it; several have uws:jobs, for upstream's client reads on only when the root's name has `uws` or `job` in it.
 */
export function generateUpstreamRegistry(cards: readonly DetectorCard[], server: RegistryServer = {}): string {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const spaces =
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
  const only = cards.length === 1 ? cards[0] : undefined;
  if (only) return head + jobElement(only, server, ` ${spaces} version="1.1"`);
  return `${head}<uws:jobs ${spaces} version="1.1">\n${cards.map((card) => jobElement(card, server, '')).join('')}</uws:jobs>\n`;
}

function jobElement(card: DetectorCard, server: RegistryServer, attributes: string): string {
  const parameters = Object.entries(upstreamParameters(card, server))
    .map(([id, value]) => `    <uws:parameter id="${id}">${escapeXml(value)}</uws:parameter>\n`)
    .join('');
  return (
    `<uws:job${attributes}>\n  <uws:jobId>${escapeXml(card.id)}</uws:jobId>\n  <uws:ownerId xsi:nil="true"/>\n` +
    `  <uws:phase>PENDING</uws:phase>\n  <uws:parameters>\n${parameters}  </uws:parameters>\n  <uws:results/>\n</uws:job>\n`
  );
}

/** What a server knows beside its cards; without it those parameters are left out. */
export interface RegistryServer {
  /** Absolute, without a slash at the end. */
  url?: string;
  maxBatch?: number;
}

function upstreamParameters(card: DetectorCard, { url, maxBatch }: RegistryServer): Record<string, string> {
  const it = card.detector;
  const plane = (px: number) => `${px}x${px}x1x1`;
  const name = card.aliases.find((alias) => alias.endsWith('.dat')) ?? `${card.id}.dat`;
  return {
    CIANNAVersion: card.cianna_version,
    ModelName: name,
    ModelId: card.id,
    ReleaseDate: card.released ?? '',
    OriginalInputDim: plane(card.tile),
    ...known('ReceptiveField', card.receptive_field),
    ...known('MaxBatchSize', maxBatch),
    ...known('ModelURL', url && `${url}/model-files/${encodeURIComponent(name)}`),
    YOLOGridElemDim: plane(it.grid_element),
    YOLOBoxCount: String(it.boxes),
    YOLOParamCount: String(it.parameters.length),
    YOLOGridCount: String(card.tile / it.grid_element),
    DataNormalization: 'Global',
    DataNormalizationType: card.normalisation.map((step) => step.op).join(', '),
    DataQuantization: 'float32',
    TrainingQuantization: 'FP32C_FP32A',
    BiasInit: String(card.input_bias),
    InferenceMode: 'Grid',
    InferenceQuantization: card.quantizations.join(', '),
    InferencePatchShift: String(card.tile - card.overlap),
    TrainingDatasetName: card.training.name,
    TrainingDatasetDescription: card.training.description,
    TrainingDatasetLocation: card.training.location ?? '',
    FirstNMSThresholds: it.first_iou.join(','),
    FirstNMSObjThresholds: it.first_objectness.join(','),
    ObjThresholds: it.objectness_threshold.join(','),
    // Upstream's name for the thresholds by prior box.
    ProbObjCases: it.objectness_threshold.join(','),
    ...known('BoxPriorClass', it.box_prior_class?.join(',')),
    SecondNMSThreshold: String(it.second_iou),
    ValMedLims: it.median_limit.join(','),
    ValMedObj: it.median_objectness.join(','),
  };
}

function known(id: string, value: string | number | undefined): Record<string, string> {
  return value === undefined || value === '' ? {} : { [id]: String(value) };
}
