/**
 * `npm run toil`: the workflow for fields in CWL by Debian's toil on a Slurm of its own, as LOFAR's pipelines are run. Minutes, so
 * no test: exit code 1 when a catalogue is not the one `detect` gives, or Slurm was not asked.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { kRoot, runOk } from '../support/cli.js';
import { endAll, standInContext } from '../support/endings.js';
import { tempDir } from '../support/server.js';
import { kNoSlurm, TestSlurm } from '../support/slurm.js';

const kSeeds = [1, 2, 3];
const kSizePx = 512;
/** simulate, detect, score. */
const kSteps = 3;
/** What the tools ask for (ResourceRequirement), twice. */
const kNodeMb = 4096;

const kLimitMs = 3_600_000;

const context = standInContext();
try {
  if (kNoSlurm !== undefined) throw new Error(kNoSlurm);
  for (const fault of await run(context)) {
    process.stdout.write(`FAULT ${fault}\n`);
    process.exitCode = 1;
  }
} finally {
  await endAll(context);
}

async function run(t: TestContext): Promise<string[]> {
  const dir = await tempDir(t);
  const slurm = await TestSlurm.start(t, 2, kNodeMb);
  const bin = join(dir, 'bin');
  await Promise.all(['bin', 'work'].map((name) => mkdir(join(dir, name))));
  await symlink(join(kRoot, 'bin/cianna-otf.js'), join(bin, 'cianna-otf'));
  const order = join(dir, 'order.json');
  await writeFile(order, JSON.stringify({ seeds: kSeeds, size: kSizePx }));
  const env = [`PATH=${bin}:${process.env.PATH}`, `SLURM_CONF=${slurm.env.SLURM_CONF}`];
  const [store, work, out] = ['store', 'work', 'out'].map((name) => join(dir, name));
  const options = ['--batchSystem', 'slurm', '--jobStore', `${store}`, '--workDir', `${work}`, '--outdir', `${out}`];
  const began = performance.now();
  const { code, stderr } = await command('env', [
    ...[...env, 'toil-cwl-runner', ...options, '--preserve-environment', 'PATH', 'SLURM_CONF', '--'],
    ...[join(kRoot, 'workflows/cwl/fields.cwl'), order],
  ]);
  const took = ((performance.now() - began) / 1000).toFixed(0);
  if (code !== 0) return [`toil-cwl-runner ended with ${code}: ${stderr.slice(-2000)}`];
  const completed = await readFile(join(slurm.dir, 'log/jobcomp.txt'), 'utf8');
  const jobs = completed.split('\n').filter((line) => line.includes('JobState=COMPLETED')).length;
  process.stdout.write(`${kSeeds.length} fields in ${took} s, ${jobs} jobs of Slurm\n`);
  const faults = jobs < kSeeds.length * kSteps ? [`Slurm has run ${jobs} jobs`] : [];
  const made = await readdir(`${out}`);
  for (const seed of kSeeds) {
    runOk(['simulate', '-o', `sim-${seed}`, '--size', String(kSizePx), '--seed', String(seed)], dir);
    runOk(['detect', `sim-${seed}/field.fits`, '-o', `own-${seed}.vot`], dir);
    const own = rows(await readFile(join(dir, `own-${seed}.vot`), 'utf8'));
    const name = `field-${seed}.vot`;
    if (!made.includes(name) || own === '' || rows(await readFile(join(`${out}`, name), 'utf8')) !== own)
      faults.push(`${name} is not what detect gives`);
  }
  return faults;
}

function command(program: string, args: string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: kLimitMs, maxBuffer: 1 << 28 }, (_, __, stderr) => {
      resolve({ code: child.exitCode ?? 1, stderr });
    });
  });
}

function rows(votable: string): string {
  return /<TABLEDATA>[\s\S]*<\/TABLEDATA>/.exec(votable)?.[0] ?? '';
}
