/** What a worker has to know before it begins: given by the server over HTTP to whoever may work for it. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Config } from '../../config/schema.js';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import type { ModelCard } from '../../models/card.js';
import { loadRegistry } from '../../tasks/cards.js';
import { kSoftware } from '../../version.js';
import { shareMark, workSecret } from './attempts.js';
import type { BrokerAccess } from './switchboard.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const model = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** The text of its card, and the sum and size of its network file. */
  card: z.string().max(1 << 20),
  sha256,
  size: z.number().int().min(0),
  /** The text of its calibration for INT8; its card has the sum. Absent: it has none. */
  calibration: z
    .string()
    .max(64 << 20)
    .optional(),
});

export const kTermsSchema = z.strictObject({
  version: z.string(),
  broker: z.strictObject({ url: z.string(), user: z.string().optional(), password: z.string().optional() }),
  leaseMs: z.number().positive(),
  maxBatch: z.number().int().min(1),
  models: z.array(model).max(1000),
  /** Of all that decides results (version, settings, models), as beats say it. */
  digest: z.string(),
  /** Of its data folder, for whoever can read there (shareMark). */
  share: sha256,
  /** Section [detection] of the server's configuration. */
  detection: z.unknown(),
});
export type Terms = z.infer<typeof kTermsSchema>;

/** Throws OTF_CONFIG_INVALID. */
export async function termsOf(
  config: Config,
  broker: Pick<BrokerAccess, 'url' | 'user' | 'password'>,
): Promise<{ terms: Terms; cards: ModelCard[] }> {
  const { cards } = await loadRegistry(config.models.dir);
  const models: Terms['models'] = [];
  for (const card of cards) models.push(await offered(card));
  const { version } = kSoftware;
  const deciding = JSON.stringify([version, config.detection, models]);
  const digest = createHash('sha256').update(deciding).digest('hex');
  const terms = {
    version,
    broker,
    leaseMs: config.workers.lease_s * 1000,
    maxBatch: config.policy.max_batch,
    models,
    digest,
    share: shareMark(workSecret(config.storage.data_dir)),
    detection: config.detection,
  };
  return { terms, cards };
}

async function offered(of: ModelCard): Promise<Terms['models'][number]> {
  const { id, path, weightsPath, calibrationPath, sha256: sum } = of;
  try {
    const { size } = await stat(weightsPath);
    const calibration = calibrationPath === undefined ? {} : { calibration: await readFile(calibrationPath, 'utf8') };
    return { id, card: await readFile(path, 'utf8'), sha256: sum, size, ...calibration };
  } catch (thrown) {
    throw new OtfError('OTF_CONFIG_INVALID', `the model ${id} cannot be given to workers: ${systemReason(thrown)}`);
  }
}
