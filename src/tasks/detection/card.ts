/** The table `detector` of a model card, and the card as the native detector takes it. */
import { z } from 'zod';
import type { DetectorConfig, DetectorParameter, NormaliseStep } from '../../engine/addon.js';
import { OtfError } from '../../errors/catalogue.js';
import type { ModelCard } from '../../models/card.js';
import type { CardSection, ModelCardFile, NormalisationEntry } from '../../models/schema.js';

const text = z.string().min(1);
const finite = z.number();
const fraction = finite.min(0).max(1);

/** One predicted quantity. `log`: limits are natural logarithms. cos and sin together give the position angle. */
const parameter = z.discriminatedUnion('scale', [
  z
    .strictObject({
      scale: z.enum(['log', 'linear']),
      column: z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a lower-case column name'),
      unit: z.string(),
      ucd: text,
      description: text,
      max: finite,
      min: finite,
    })
    .refine((entry) => entry.min < entry.max, { error: 'min must be below max' }),
  z.strictObject({ scale: z.enum(['cos', 'sin']), column: text }),
]);

const kDetectorTable = z
  .strictObject({
    grid_element: z.int().min(1).max(4096),
    boxes: z.int().min(1).max(256),
    objectness_threshold: z.array(fraction).min(1),
    /** For the registry only: upstream's class of each prior box. */
    box_prior_class: z.array(z.int().min(0).max(255)).optional(),
    min_box: finite.min(0),
    median_limit: z.array(finite),
    median_objectness: z.array(finite),
    first_iou: z.array(finite).min(1),
    first_objectness: z.array(finite).min(1),
    second_iou: finite.min(-1).max(1),
    drop_edge_tiles: z.int().min(0).max(16),
    /** Measured detections below it go; absent = none does. */
    min_snr: finite.min(0).max(1000).optional(),
    /** Of detections that are measured and cut at min_snr or above, which then tells sources from noise. */
    measured_objectness_threshold: z.array(fraction).min(1).optional(),
    parameters: z.array(parameter).max(16),
  })
  .check((context) => {
    const it = context.value;
    const issue = (key: string, message: string) =>
      context.issues.push({ code: 'custom', path: [key], message, input: it });
    if (it.objectness_threshold.length !== it.boxes) {
      issue('objectness_threshold', `must have one value per box: ${it.boxes}, not ${it.objectness_threshold.length}`);
    }
    const measured = it.measured_objectness_threshold;
    if (measured && measured.length !== it.boxes) {
      issue('measured_objectness_threshold', `must have one value per box: ${it.boxes}, not ${measured.length}`);
    }
    if (measured && !it.min_snr) issue('measured_objectness_threshold', 'needs a min_snr above 0');
    if (it.box_prior_class && it.box_prior_class.length !== it.boxes) {
      issue('box_prior_class', `must have one value per box: ${it.boxes}, not ${it.box_prior_class.length}`);
    }
    if (it.median_limit.length !== it.median_objectness.length)
      issue('median_objectness', 'must be as long as median_limit');
    if (it.first_iou.length !== it.first_objectness.length) issue('first_objectness', 'must be as long as first_iou');
    const columns = it.parameters.map((entry) => entry.column);
    if (new Set(columns).size !== columns.length) issue('parameters', 'a column is given twice');
    const scales = it.parameters.map((entry) => entry.scale);
    for (const scale of ['cos', 'sin'] as const) {
      if (scales.filter((s) => s === scale).length > 1)
        issue('parameters', `more than one parameter has scale "${scale}"`);
    }
    if (scales.includes('cos') !== scales.includes('sin'))
      issue('parameters', 'cos and sin are given together or not at all');
  });

type DetectorTable = z.infer<typeof kDetectorTable>;
type ParameterEntry = DetectorTable['parameters'][number];

export type DetectorCardFile = ModelCardFile & { detector: DetectorTable };
export type DetectorCard = ModelCard & DetectorCardFile;

export const kDetectorKind = 'detector';

export const kDetectorSection: CardSection = {
  schema: kDetectorTable,
  check: (card, issue) => {
    const { grid_element } = (card as DetectorCardFile).detector;
    if (card.normalisation.length === 0) issue(['normalisation'], 'must have a step, e.g. { op = "rescale" }');
    for (const key of ['tile', 'overlap'] as const) {
      if (card[key] % grid_element !== 0) issue([key], `must be a multiple of grid_element (${grid_element})`);
    }
  },
};

/** A card of this kind has been read with its table. Throws OTF_MODEL_UNSUPPORTED for one of another kind. */
export function detectorCard(card: ModelCard): DetectorCard {
  if (card.kind === kDetectorKind) return card as DetectorCard;
  throw new OtfError('OTF_MODEL_UNSUPPORTED', `model ${card.id} is no detector`);
}

export function detectorCards(cards: readonly ModelCard[]): DetectorCard[] {
  return cards.filter((card): card is DetectorCard => card.kind === kDetectorKind);
}

/** Of a run: what is cut by its SNR may be less sure of its box. `minSnr` undefined = not measured. */
export function objectnessThresholds({ detector }: DetectorCardFile, minSnr: number | undefined): number[] {
  const { objectness_threshold, measured_objectness_threshold, min_snr = 0 } = detector;
  const decides = minSnr !== undefined && minSnr >= min_snr;
  return (decides ? measured_objectness_threshold : undefined) ?? objectness_threshold;
}

/** The card as the native detector takes it (native/detect/detector.h). */
export function toDetectorConfig(card: DetectorCardFile): DetectorConfig {
  const it = card.detector;
  return {
    tilePx: card.tile,
    overlapPx: card.overlap,
    gridElementPx: it.grid_element,
    normalise: card.normalisation.map(toNormaliseStep),
    objectnessThreshold: it.objectness_threshold,
    minBoxPx: it.min_box,
    medianLimit: it.median_limit,
    medianObjectness: it.median_objectness,
    firstIou: it.first_iou,
    firstObjectness: it.first_objectness,
    secondIou: it.second_iou,
    dropEdgeTiles: it.drop_edge_tiles,
    parameters: it.parameters.map(toDetectorParameter),
    ...(card.unit === undefined ? {} : { unit: card.unit }),
  };
}

export function toNormaliseStep(step: NormalisationEntry): NormaliseStep {
  if ('min' in step) return { op: step.op, a: step.min, b: step.max };
  return { op: step.op, a: 'k' in step ? step.k : 0, b: 0 };
}

function toDetectorParameter(entry: ParameterEntry): DetectorParameter {
  const { column, scale } = entry;
  return 'max' in entry ? { column, scale, max: entry.max, min: entry.min } : { column, scale, max: 1, min: 0 };
}
