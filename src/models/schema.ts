/**
 * The shape of a model card, `models/<id>/model.toml`. Every table is strict: a key the program does not know is an error,
 * because a misspelt threshold that is silently ignored changes a catalogue.
 */
import { z } from 'zod';

/** CIANNA's compute types (native/engine/engine.h): operands C, accumulator A. */
export const kComputeTypes = ['FP32C_FP32A', 'TF32C_FP32A', 'FP16C_FP32A', 'FP16C_FP16A', 'BF16C_FP32A'] as const;

/** Engines a card may demand. */
const kEngines = ['onednn', 'cianna', 'cianna:cuda', 'cianna:blas', 'cianna:naiv'] as const;

const text = z.string().min(1);
const finite = z.number();
const fraction = finite.min(0).max(1);

/** One normalisation step with its arguments, e.g. { op = "clip", min = 4e-7, max = 4e-5 }. See docs/detection.md, step 2. */
const limits = { min: finite, max: finite };
const normaliseStep = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('clip'), ...limits }),
    z.strictObject({ op: z.literal('clip_percentile'), min: finite.min(0).max(100), max: finite.min(0).max(100) }),
    z.strictObject({ op: z.literal('clip_sigma'), ...limits }),
    z.strictObject({ op: z.literal('rescale') }),
    z.strictObject({ op: z.literal('linear'), k: finite }),
    z.strictObject({ op: z.literal('sqrt'), k: finite }),
    z.strictObject({ op: z.literal('log1p'), k: finite }),
    z.strictObject({ op: z.literal('tanh'), k: finite }),
  ])
  .refine((step) => !('min' in step) || step.min < step.max, { error: 'min must be below max' });

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

const detector = z
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
    parameters: z.array(parameter).max(16),
  })
  .check((context) => {
    const it = context.value;
    const issue = (key: string, message: string) =>
      context.issues.push({ code: 'custom', path: [key], message, input: it });
    if (it.objectness_threshold.length !== it.boxes) {
      issue('objectness_threshold', `must have one value per box: ${it.boxes}, not ${it.objectness_threshold.length}`);
    }
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

export const kModelCardSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be lower-case letters, digits, ".", "_" or "-" (64 at most)'),
    title: text,
    kind: z.literal('detector'),
    aliases: z.array(text).default([]),
    weights: z.string().regex(/^[^/\\\0]+$/, 'must be a file name beside the card'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
    cianna_version: text,
    input_bias: finite,
    quantizations: z.array(z.enum(kComputeTypes)).min(1),
    /** Absent: any engine will do. */
    engine: z.enum(kEngines).optional(),
    tile: z.int().min(1).max(65536),
    overlap: z.int().min(0),
    /** For the registry only: pixels of the image one output cell sees. */
    receptive_field: z.int().min(1).optional(),
    /** Of the pixels it was trained with, e.g. Jy/beam. Absent: pixels are taken as they are, with a warning. */
    unit: text.optional(),
    normalisation: z.array(normaliseStep).min(1),
    detector,
    training: z.strictObject({ name: text, description: text, location: z.string().optional() }),
    licence: text,
    citation: text,
    released: z.iso.date().optional(),
  })
  .check((context) => {
    const it = context.value;
    const issue = (path: (string | number)[], message: string) =>
      context.issues.push({ code: 'custom', path, message, input: it });
    if (it.overlap >= it.tile) issue(['overlap'], `must be below tile (${it.tile})`);
    if (it.tile % it.detector.grid_element !== 0)
      issue(['tile'], `must be a multiple of grid_element (${it.detector.grid_element})`);
    if (it.overlap % it.detector.grid_element !== 0)
      issue(['overlap'], `must be a multiple of grid_element (${it.detector.grid_element})`);
    const rescale = it.normalisation.findIndex((step) => step.op === 'rescale');
    const clip = it.normalisation.findIndex((step) => step.op.startsWith('clip'));
    if (rescale >= 0 && (clip < 0 || clip > rescale))
      issue(['normalisation', rescale], 'rescale needs a clip before it');
  });

export type ModelCardFile = z.infer<typeof kModelCardSchema>;
export type NormalisationEntry = ModelCardFile['normalisation'][number];
export type ParameterEntry = ModelCardFile['detector']['parameters'][number];
