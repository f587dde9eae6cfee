/** Names of compute types: CIANNA's own, and the short ones people type. */
import { OtfError } from '../errors/catalogue.js';
import { kComputeTypes, type ModelCardFile } from './schema.js';

const kShortNames = new Map([
  ['FP32', 'FP32C_FP32A'],
  ['TF32', 'TF32C_FP32A'],
  ['FP16', 'FP16C_FP32A'],
  ['BF16', 'BF16C_FP32A'],
  ['INT8', 'INT8C_INT32A'],
]);

/** CIANNA's name for what was asked, in any case. Throws OTF_QUANTIZATION_UNKNOWN. */
export function quantizationName(asked: string): string {
  const upper = asked.toUpperCase();
  const name = kShortNames.get(upper) ?? upper;
  if (kComputeTypes.some((known) => known === name)) return name;
  throw new OtfError('OTF_QUANTIZATION_UNKNOWN', `unknown compute type "${asked}": ${kComputeTypes.join(', ')}`);
}

/** What this model runs in: the asked type if the card offers it, the card's first without a wish. */
export function chooseQuantization(card: ModelCardFile, asked: string | undefined): string {
  const first = card.quantizations[0] ?? 'FP32C_FP32A';
  if (asked === undefined) return first;
  const name = quantizationName(asked);
  if (card.quantizations.some((offered) => offered === name)) return name;
  const offered = card.quantizations.join(', ');
  const how = name === 'INT8C_INT32A' ? '; INT8 needs a calibration (cianna-otf models calibrate)' : '';
  throw new OtfError(
    'OTF_QUANTIZATION_UNKNOWN',
    `model ${card.id} cannot run as "${asked}": its card offers ${offered}${how}`,
  );
}

/** `preferred` where the card offers it, else the card's first: for what nobody asked for in particular. */
export function preferQuantization(card: ModelCardFile, preferred: string): string {
  return card.quantizations.find((offered) => offered === preferred) ?? chooseQuantization(card, undefined);
}
