/** The demonstration model without its normalisation: pixels reach the debug engine as they are. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kRoot } from './cli.js';
import { tempDir } from './server.js';

/** A folder of models. */
export async function crashModels(t: TestContext): Promise<string> {
  const models = join(await tempDir(t), 'models');
  const from = join(kRoot, 'models/demo-continuum');
  await mkdir(join(models, 'demo-continuum'), { recursive: true });
  const card = await readFile(join(from, 'model.toml'), 'utf8');
  const plain = card.replace(/^normalisation = \[[^\]]*\]/m, 'normalisation = [{ op = "linear", k = 1.0 }]');
  assert.notEqual(plain, card);
  await writeFile(join(models, 'demo-continuum/model.toml'), plain);
  for (const name of ['weights.dat', 'int8-ranges.txt'])
    await writeFile(join(models, 'demo-continuum', name), await readFile(join(from, name)));
  return models;
}
