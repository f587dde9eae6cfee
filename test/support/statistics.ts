/** The kind of test/statistics, as a part of a copy of the program. */
import { appendFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kRoot } from './cli.js';
import { copyProgram } from './program-copy.js';
import { tempDir } from './server.js';

/** Boxes and cells of the demonstration network, whatever they mean here. */
const kOutputs = 65 * 16 * 16;

/** A copy of the program that knows the kind. */
export async function statisticsProgram(t: TestContext): Promise<string> {
  const root = await copyProgram(t);
  await cp(join(kRoot, 'dist/test/statistics'), join(root, 'dist/tasks/statistics'), { recursive: true });
  await appendFile(join(root, 'dist/tasks/kinds.js'), "\nexport { kStatistics } from './statistics/kind.js';\n");
  return root;
}

/** The demonstration model, and its network once more as a model of the kind. */
export async function statisticsModels(t: TestContext): Promise<string> {
  const dir = await tempDir(t);
  const demo = join(kRoot, 'models/demo-continuum');
  await symlink(demo, join(dir, 'demo-continuum'));
  await mkdir(join(dir, 'pixels'));
  for (const name of ['weights.dat', 'int8-ranges.txt']) await symlink(join(demo, name), join(dir, 'pixels', name));
  const card = await readFile(join(demo, 'model.toml'), 'utf8');
  const own = card
    .slice(0, card.indexOf('[detector]'))
    .replace('id = "demo-continuum"', 'id = "pixels"')
    .replace('kind = "detector"', 'kind = "statistics"')
    .replace(/^aliases = .*$/m, '')
    .replace(/^overlap = .*$/m, 'overlap = 0');
  const training = card.slice(card.indexOf('[training]'));
  await writeFile(join(dir, 'pixels/model.toml'), `${own}\n[statistics]\noutputs = ${kOutputs}\n\n${training}`);
  return dir;
}
