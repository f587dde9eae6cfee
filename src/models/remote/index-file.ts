/**
 * An index of models that lie elsewhere: a JSON document (docs/models.md, Models from elsewhere), or the observatory's
 * CIANNA_models.xml, which names network files without cards and checksums.
 */
import { z } from 'zod';
import { OtfError } from '../../errors/catalogue.js';
import { parseUpstreamRegistry } from '../upstream.js';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
const file = z.strictObject({
  /** Absolute, or from where the index lies. */
  url: z.string().min(1).max(4096),
  size: z.int().min(1),
  sha256: digest,
});
const entry = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be the id of a model card'),
  version: z.string().min(1).max(64),
  title: z.string().max(300).default(''),
  /** model.toml, and the network file its `sha256` names. */
  card: file,
  weights: file,
  /** Of models that have INT8: the calibration the card names. */
  calibration: file.optional(),
  licence: z.string().min(1).max(300),
  doi: z.string().max(300).optional(),
  /** What it was trained on, for people: frequency, pixel size, unit, ... */
  trained: z.record(z.string().max(100), z.string().max(300)).default({}),
});
const index = z.strictObject({ format: z.literal('cianna-otf-models/1'), models: z.array(entry).max(10_000) });

export interface RemoteFile {
  url: string;
  /** Undefined in an index that does not say it. */
  size?: number;
  sha256?: string;
}

export interface RemoteModel {
  id: string;
  version: string;
  title: string;
  /** Undefined where the index has network files only. */
  card?: RemoteFile;
  weights: RemoteFile;
  calibration?: RemoteFile;
  licence: string;
  doi?: string;
  trained: Readonly<Record<string, string>>;
}

/** `from`: the address of the index, which relative ones begin at. Throws OTF_MODEL_INDEX. */
export function parseIndex(text: string, from: string): RemoteModel[] {
  if (text.trimStart().startsWith('<')) return fromUpstream(text, from);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken(from, 'it is neither JSON nor XML');
  }
  const checked = index.safeParse(value);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw broken(from, `${issue?.path.join('.')}: ${issue?.message.replace(/^Invalid input: /, '')}`);
  }
  const { models } = checked.data;
  const twice = models.find(({ id, version }, at) =>
    models.some((other, later) => later > at && other.id === id && other.version === version),
  );
  if (twice) throw broken(from, `${twice.id} ${twice.version} is there twice`);
  return models.map(({ doi, calibration, ...each }) => ({
    ...each,
    ...(doi === undefined ? {} : { doi }),
    ...(calibration ? { calibration: { ...calibration, url: absolute(calibration.url, from) } } : {}),
    card: { ...each.card, url: absolute(each.card.url, from) },
    weights: { ...each.weights, url: absolute(each.weights.url, from) },
  }));
}

function fromUpstream(xml: string, from: string): RemoteModel[] {
  return parseUpstreamRegistry(xml, from).flatMap(({ name, parameters: of }) => {
    const id = (of.ModelId ?? name).toLowerCase().replace(/\.dat$/, '');
    if (!of.ModelURL || !entry.shape.id.safeParse(id).success) return [];
    const trained: [string, string][] = of.TrainingDatasetName ? [['dataset', of.TrainingDatasetName]] : [];
    return {
      ...{ id, version: of.ReleaseDate || 'unknown', title: name, licence: 'unknown' },
      weights: { url: absolute(of.ModelURL, from) },
      trained: Object.fromEntries(trained),
    };
  });
}

/** The one of this id and version; without a version the last of the id in the index. Throws OTF_MODEL_UNKNOWN. */
export function findRemote(models: readonly RemoteModel[], name: string): RemoteModel {
  const [id = '', version] = name.split('@');
  const found = models
    .filter((model) => model.id === id && (version === undefined || model.version === version))
    .at(-1);
  if (found) return found;
  const known = models.map((model) => `${model.id}@${model.version}`).join(', ') || 'none';
  throw new OtfError('OTF_MODEL_UNKNOWN', `the index has no model ${name}: it has ${known.slice(0, 500)}`);
}

function absolute(url: string, from: string): string {
  if (URL.canParse(url, from)) return new URL(url, from).href;
  throw broken(from, `"${url.slice(0, 100)}" is no address`);
}

function broken(from: string, why: string): OtfError {
  return new OtfError('OTF_MODEL_INDEX', `${from} is no index of models: ${why}`);
}
