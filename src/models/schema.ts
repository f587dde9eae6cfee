/**
 * The shape of a model card, `models/<id>/model.toml`, but for the table of its kind. Every table is strict: a key the program does not know is an error,
 * because a misspelt threshold that is silently ignored changes a catalogue.
 */
import { z } from 'zod';

/** CIANNA's compute types (native/engine/engine.h): operands C, accumulator A. */
export const kComputeTypes = [
  'FP32C_FP32A',
  'TF32C_FP32A',
  'FP16C_FP32A',
  'FP16C_FP16A',
  'BF16C_FP32A',
  'INT8C_INT32A',
] as const;

/** Engines a card may demand. */
const kEngines = ['onednn', 'cuda', 'cianna', 'cianna:cuda', 'cianna:blas', 'cianna:naiv'] as const;

const text = z.string().min(1);
const finite = z.number();

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

/** What a kind of task has in the cards of its models: a table of its own, named as the kind is. */
export interface CardSection {
  schema: z.ZodType;
  /** What the table and the rest of the card must have in common; for tiles that is most of it. */
  check: (card: ModelCardFile, issue: (path: (string | number)[], message: string) => void) => void;
}

const fileName = z.string().regex(/^[^/\\\0]+$/, 'must be a file name beside the card');
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');

const kCommon = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be lower-case letters, digits, ".", "_" or "-" (64 at most)'),
  title: text,
  kind: z.string(),
  aliases: z.array(text).default([]),
  weights: fileName,
  sha256: digest,
  cianna_version: text,
  input_bias: finite,
  quantizations: z.array(z.enum(kComputeTypes)).min(1),
  /** The calibration of INT8, a file beside the card: what `models calibrate` writes. */
  int8: z.strictObject({ calibration: fileName, sha256: digest }).optional(),
  /** Absent: any engine will do. */
  engine: z.enum(kEngines).optional(),
  tile: z.int().min(1).max(65536),
  overlap: z.int().min(0),
  /** For the registry only: pixels of the image one output cell sees. */
  receptive_field: z.int().min(1).optional(),
  /** Of the pixels it was trained with, e.g. Jy/beam. Absent: pixels are taken as they are, with a warning. */
  unit: text.optional(),
  /** Of kinds whose pixels are normalised; those say that there must be one. */
  normalisation: z.array(normaliseStep).default([]),
  training: z.strictObject({ name: text, description: text, location: z.string().optional() }),
  licence: text,
  citation: text,
  released: z.iso.date().optional(),
});

/** What cards of every kind have. A card has one more table: that of its kind, under the kind's name. */
export type ModelCardFile = z.infer<typeof kCommon>;
export type NormalisationEntry = ModelCardFile['normalisation'][number];

/** Of cards of this kind. */
export function cardSchema(kind: string, section: CardSection) {
  return kCommon.extend({ kind: z.literal(kind), [kind]: section.schema }).check((context) => {
    const it = context.value as ModelCardFile;
    const issue = (path: (string | number)[], message: string) =>
      context.issues.push({ code: 'custom', path, message, input: it });
    if (it.overlap >= it.tile) issue(['overlap'], `must be below tile (${it.tile})`);
    if (!it.int8 && it.quantizations.includes('INT8C_INT32A'))
      issue(['quantizations'], 'INT8C_INT32A needs a calibration: make one with models calibrate');
    section.check(it, issue);
    const rescale = it.normalisation.findIndex((step) => step.op === 'rescale');
    const clip = it.normalisation.findIndex((step) => step.op.startsWith('clip'));
    if (rescale >= 0 && (clip < 0 || clip > rescale))
      issue(['normalisation', rescale], 'rescale needs a clip before it');
  });
}
