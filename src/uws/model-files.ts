/** GET /model-files/NAME: what older clients read first. Names are looked up, never made into paths. */
import { stat } from 'node:fs/promises';
import { OtfError } from '../errors/catalogue.js';
import type { Handler } from './context.js';
import { text } from './exchange.js';

const kRegistryFile = 'CIANNA_models.xml';

export const getModelFile: Handler = async ({ models, config }, request) => {
  const name = request.variables[0] ?? '';
  if (name === kRegistryFile)
    return text(200, 'application/xml', models.registryXml({ url: request.origin, maxBatch: config.policy.max_batch }));
  const card = models.byFileName(name);
  if (!card) throw new OtfError('OTF_NOT_FOUND', 'no such model file');
  const found = await stat(card.weightsPath).catch(() => undefined);
  if (!found) throw new OtfError('OTF_NOT_FOUND', 'the network file of this model is missing on the server');
  const mime = 'application/octet-stream';
  return { kind: 'file', path: card.weightsPath, mime, size: found.size, etag: card.sha256, headers: {} };
};
