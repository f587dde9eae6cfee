/** `pilots --slurm`: workers of a server in allocations of a real Slurm, with one cancelled and one node killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { kProgram, runCli } from './support/cli.js';
import { atEnd } from './support/endings.js';
import { field, tempDir } from './support/server.js';
import { kNoSlurm, TestSlurm } from './support/slurm.js';
import { until } from './support/until.js';
import { kNoBroker, startSite } from './support/workers.js';

const kPatienceS = 120;

interface Keeper {
  said: string[];
  code: () => number | null;
  end: () => Promise<number | null>;
}

function keep(t: TestContext, slurm: TestSlurm, dir: string, args: string[], env: Record<string, string> = {}): Keeper {
  const child = spawn(process.execPath, [kProgram, 'pilots', '--slurm', '--every', '1', ...args], {
    cwd: dir,
    env: { ...process.env, ...slurm.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.on('data', (data) => said.push(String(data)));
  atEnd(t, () => child.kill('SIGKILL'));
  const end = () =>
    new Promise<number | null>((resolve) => {
      child.once('exit', (code) => resolve(code));
      child.kill('SIGTERM');
    });
  return { said, code: () => child.exitCode, end };
}

function pilotsOf(slurm: TestSlurm): string[] {
  const lines = slurm
    .call('squeue', '-h', '-r', '-t', 'R', '-n', 'cianna-otf-pilot', '-o', '%F_%K %N')
    .trim()
    .split('\n');
  return lines.filter((line) => line !== '');
}

describe('pilots', { skip: kNoSlurm ?? kNoBroker }, () => {
  it('are as many as there is work for, survive the loss of one and of a node, and give their nodes back', async (t) => {
    const dir = await tempDir(t);
    const slurm = await TestSlurm.start(t, 3);
    const { server } = await startSite(t);
    const image = await field(dir, 1500, 4);
    const args = [
      '--server',
      server.url,
      '--max',
      '3',
      '--jobs-per-pilot',
      '4',
      '--idle',
      '5',
      '--cache',
      join(dir, 'cache'),
    ];
    const keeper = keep(t, slurm, dir, [...args, '--', '-p', 'gpu', '--gres=gpu:1']);
    const ids = await Promise.all(Array.from({ length: 30 }, () => server.submit({}, image)));
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await server.text('/metrics'))?.[1]);
    const three = async () => {
      assert.equal(keeper.code(), null, keeper.said.join(''));
      return (await metric('otf_workers')) === 3;
    };
    await until(three, 'there are no three workers', kPatienceS);
    assert.equal(pilotsOf(slurm).length, 3, 'no more than --max');
    const [first, second] = pilotsOf(slurm).map((line) => line.split(' ') as [string, string]);
    slurm.call('scancel', first?.[0] ?? '');
    await slurm.killNode(second?.[1] ?? '');
    const catalogues = new Set<string>();
    for (const id of ids) {
      await server.until(id, 'COMPLETED');
      catalogues.add(await server.text(`/jobs/${id}/results/csv`));
    }
    assert.equal(catalogues.size, 1);
    // At once, or in two steps where it looked while the jobs came.
    const asked = [...keeper.said.join('').matchAll(/(\d+) more pilots: Slurm job \d+/g)].map(([, count]) =>
      Number(count),
    );
    assert.ok(asked.length > 0 && asked.every((count) => count >= 1 && count <= 3), keeper.said.join(''));
    const begun = asked.findIndex((_, at) => asked.slice(0, at + 1).reduce((sum, count) => sum + count, 0) === 3);
    assert.notEqual(begun, -1, keeper.said.join(''));
    // With nothing to do they end; the node that is down holds none that runs.
    const left = () => pilotsOf(slurm).filter((line) => !line.endsWith(` ${second?.[1]}`));
    await until(() => left().length === 0, 'pilots do not end', kPatienceS);
    assert.equal(await keeper.end(), 0);
  });

  it('are not asked for again and again when they end at once, and a wrong word to sbatch is said', async (t) => {
    const dir = await tempDir(t);
    const slurm = await TestSlurm.start(t, 1);
    const { server } = await startSite(t);
    const args = ['--server', server.url, '--min', '1', '--max', '1'];
    const wrong = runCli(['pilots', '--slurm', ...args, '--', '-p', 'nowhere'], dir, slurm.env);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /invalid partition/i);
    // Instead of Apptainer: it fails as it does for an image that is none.
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'apptainer'), '#!/bin/sh\necho "$@" >> apptainer.log\nexit 255\n');
    await chmod(join(bin, 'apptainer'), 0o755);
    await writeFile(join(dir, 'otf.sif'), '');
    const path = `${bin}:${process.env.PATH}`;
    const keeper = keep(t, slurm, dir, [...args, '--image', 'otf.sif', '--', `--chdir=${dir}`], { PATH: path });
    await until(() => keeper.said.join('').includes('end as soon as they begin'), keeper.said.join(''), kPatienceS);
    assert.match(keeper.said.join(''), /\(FAILED, NonZeroExitCode\): see .*pilot-\d+_0\.out; the next in 5 s/);
    assert.equal((keeper.said.join('').match(/more pilots: /g) ?? []).length, 1);
    assert.equal(await keeper.end(), 0);
    const [called = ''] = (await readFile(join(dir, 'apptainer.log'), 'utf8')).split('\n');
    assert.match(called, /^run --nv .*\/otf\.sif worker --name pilot-\d+-0 --server http/);
    assert.ok((await readdir(join(dir, 'pilots'))).some((name) => name.startsWith('pilot-')));
  });

  it('want the token in a file, for Slurm shows its scripts', async (t) => {
    const dir = await tempDir(t);
    const { code, stderr } = runCli(['pilots', '--slurm', '--token', 'secret'], dir);
    assert.equal(code, 2);
    assert.match(stderr, /--token-file/);
    assert.match(runCli(['pilots'], dir).stderr, /which batch system: --slurm/);
  });
});
