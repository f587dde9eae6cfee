/** The server's models, in a folder of this machine: cards as they are there, network files by their sum, fetched once. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import { Content } from '../../models/remote/content.js';
import { parseModelCard } from '../../tasks/cards.js';
import type { Terms } from '../remote/terms.js';
import type { Front } from './front.js';

const kCard = 'model.toml';

/** The folder. Throws what Front.download does, OTF_MODEL_CHECKSUM, OTF_MODEL_CARD_INVALID, OTF_OUTPUT_UNWRITABLE. */
export async function bringModels(terms: Terms, front: Front, cache: string, signal: AbortSignal): Promise<string> {
  const content = new Content(join(cache, 'files'));
  const dir = join(cache, 'models', createHash('sha256').update(terms.digest).digest('hex').slice(0, 16));
  if (await isThere(dir)) return dir;
  const fresh = `${dir}.${process.pid}`;
  try {
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    for (const { id, card, sha256, size, calibration } of terms.models) {
      const { weights, int8, id: named } = parseModelCard(card, `the card of ${id}`);
      if (named !== id || weights.includes('/')) {
        throw new OtfError('OTF_MODEL_CARD_INVALID', `the server's card of ${id} is of ${named}, ${weights}`);
      }
      const wanted = { sha256, size };
      const path = await content.get(sha256, (to) => front.download(`/work/models/${id}`, to, wanted, { signal }));
      await mkdir(join(fresh, id));
      await writeFile(join(fresh, id, kCard), card);
      await sameFile(path, join(fresh, id, weights));
      if (int8) await writeFile(join(fresh, id, int8.calibration), calibration ?? '');
    }
    await rename(fresh, dir).catch(async (thrown) => {
      // Another worker of this machine was quicker.
      if (!(await isThere(dir))) throw thrown;
    });
    return dir;
  } catch (thrown) {
    if (thrown instanceof OtfError) throw thrown;
    if (signal.aborted) throw signal.reason;
    throw new OtfError('OTF_OUTPUT_UNWRITABLE', `cannot keep the models in ${cache}: ${systemReason(thrown)}`, {
      cause: thrown,
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** A second name where that can be. */
async function sameFile(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_FICLONE));
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
