/** Reading a model card and turning it into what the native side needs. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { OtfError, systemReason } from '../errors/catalogue.js';
import { sha256File } from '../io/checksum.js';
import { type CardSection, cardSchema, type ModelCardFile } from './schema.js';

/** A validated card and where it lies. Keys are spelt as in the file. */
export interface ModelCard extends ModelCardFile {
  /** The card's own path. */
  path: string;
  /** The network file beside it; whether it exists is not checked on reading. */
  weightsPath: string;
  /** The calibration of INT8 beside it, as unchecked. */
  calibrationPath?: string;
}

/** What cards may have beside what all have, by kind (src/tasks/registry.ts). */
export type CardSections = ReadonlyMap<string, CardSection>;

/** Throws OTF_MODEL_CARD_INVALID with the file, the key and what is wrong with it. */
export async function readCard(path: string, sections: CardSections): Promise<ModelCard> {
  let source: string;
  try {
    source = await readFile(path, 'utf8');
  } catch (thrown) {
    throw new OtfError('OTF_MODEL_CARD_INVALID', `cannot read model card ${path}: ${systemReason(thrown)}`);
  }
  const card = parseCard(source, path, sections);
  const beside = (name: string) => join(dirname(path), name);
  return {
    ...{ ...card, path, weightsPath: beside(card.weights) },
    ...(card.int8 ? { calibrationPath: beside(card.int8.calibration) } : {}),
  };
}

/** Parse and check the text of a card; `label` stands in messages. */
export function parseCard(source: string, label: string, sections: CardSections): ModelCardFile {
  let raw: unknown;
  try {
    raw = parse(source);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = (thrown.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new OtfError('OTF_MODEL_CARD_INVALID', `${label}, line ${thrown.line}: ${reason}`);
  }
  const kind = (raw as { kind?: unknown }).kind;
  const section = typeof kind === 'string' ? sections.get(kind) : undefined;
  if (typeof kind !== 'string' || !section) {
    const known = [...sections.keys()].map((name) => `"${name}"`).join(', ');
    throw new OtfError('OTF_MODEL_CARD_INVALID', `${label}: kind: expected ${known}`);
  }
  const checked = cardSchema(kind, section).safeParse(raw);
  if (checked.success) return checked.data as ModelCardFile;
  throw new OtfError('OTF_MODEL_CARD_INVALID', `${label}: ${describeIssues(checked.error.issues)}`);
}

/** "detector.min_box: expected number, received string; tile: ..." */
function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) => {
      const where = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
      if (issue.code === 'unrecognized_keys') {
        const inside = where === '' ? '' : ` in ${where.slice(1)}`;
        return `unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}${inside}`;
      }
      const message = issue.message.replace(/^Invalid input: /, '').replace(/received undefined$/, 'but it is missing');
      return `${where.replace(/^\./, '')}: ${message}`;
    })
    .join('; ');
}

/** What the native side opens of a model: it refuses files that are others than the card names. */
export function networkOf(card: ModelCard) {
  const calibration = calibrationOf(card);
  return {
    ...{ weights: card.weightsPath, sha256: card.sha256, inputBias: card.input_bias },
    ...(calibration ? { calibration: calibration.path, calibrationSha256: calibration.sha256 } : {}),
  };
}

/** Of INT8, if the card has one. */
export function calibrationOf({ calibrationPath: path, int8 }: ModelCard) {
  return path === undefined || !int8 ? undefined : { path, sha256: int8.sha256 };
}

/**
 * Throws OTF_MODEL_CHECKSUM when the weights and the calibration are not those the card names, OTF_MODEL_UNREADABLE when they
 * are not there.
 */
export async function verifyWeights(card: ModelCard): Promise<void> {
  await verify(card, card.weightsPath, card.sha256, 'fetch the weights again or correct the card');
  const calibration = calibrationOf(card);
  if (calibration) await verify(card, calibration.path, calibration.sha256, 'make it again with models calibrate');
}

async function verify(card: ModelCard, path: string, sha256: string, remedy: string): Promise<void> {
  let actual: string;
  try {
    actual = await sha256File(path);
  } catch (thrown) {
    throw new OtfError('OTF_MODEL_UNREADABLE', `model ${card.id}: ${(thrown as Error).message}`, { cause: thrown });
  }
  if (actual === sha256) return;
  throw new OtfError(
    'OTF_MODEL_CHECKSUM',
    `model ${card.id}: ${path} has sha256 ${actual.slice(0, 12)}..., the card says ${sha256.slice(0, 12)}...: ${remedy}`,
  );
}
