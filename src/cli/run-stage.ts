/** `run --in PREFIX --out PREFIX`: a job for every image below the one, its results below the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { rulesOf } from '../jobdir/description.js';
import type { RanFolder } from '../jobdir/run.js';
import { isDone } from '../jobdir/state.js';
import { warn } from './failure.js';

export type Fields = Record<string, string>;

/** NAME=VALUE, one after the other. */
export function field(text: string, before: Fields | undefined): Fields {
  const [, name = '', value = ''] = /^([A-Za-z][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Expected NAME=VALUE.');
  if (['IMAGE', 'RESULTS_TO'].includes(name.toUpperCase()))
    throw new InvalidArgumentError(`${name} is what --in and --out say.`);
  return { ...before, [name.toUpperCase()]: value };
}

/** `work` runs folders and says how it went. Throws what keeps them from being run. */
export async function runStage(
  { in: from, out: to, set: fields = {} }: { in: string; out?: string | undefined; set?: Fields | undefined },
  config: Config,
  work: (dirs: string[]) => Promise<readonly RanFolder[]>,
): Promise<readonly RanFolder[]> {
  if (to === undefined) throw new OtfError('OTF_USAGE', '--in goes with --out: where the results are to be');
  const { isFolder, makeFolders } = await import('../jobdir/prefix.js');
  const here = isFolder(to);
  const dir = here ? resolve(to) : await mkdtemp(join(tmpdir(), 'cianna-otf-run-'));
  let unsent = false;
  try {
    const dirs = await makeFolders({ from, to, fields, work: dir }, await rulesOf(config));
    const ran = await work(dirs);
    unsent = !here && ran.some(({ state }) => state.phase === 'COMPLETED' && !isDone(state));
    // A folder that goes is nobody's business: what it was for has a name.
    return here ? ran : ran.map((each) => ({ ...each, dir: relative(dir, each.dir) }));
  } finally {
    if (unsent) warn(`what could not be sent is in ${dir}`);
    else if (!here) await rm(dir, { recursive: true, force: true });
  }
}
