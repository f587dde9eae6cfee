/** How commands answer to being called wrongly: exit 2, one line, and help with an example everywhere. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { kCommands } from '#otf/cli/main.js';
import { runCli, scratchDir } from './support/cli.js';

const dir = scratchDir();

describe('help', () => {
  const commands = [
    'demo',
    'detect',
    'infer',
    'models list',
    'models show',
    'models check',
    'engines',
    'simulate',
    ...['engine', 'cianna', 'detect', 'server', 'http', 'results'].map((name) => `bench ${name}`),
  ];
  for (const command of commands) {
    it(`${command} --help shows an example`, () => {
      const { code, stdout } = runCli([...command.split(' '), '--help'], dir);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`Example:\\n {2}cianna-otf ${command}`));
    });
  }

  it('a command is found under the names by which its file is loaded', async () => {
    for (const { names, load } of kCommands) {
      const root = new Command();
      (await load())(root);
      assert.deepEqual(root.commands.map((command) => command.name()).sort(), [...names].sort());
    }
  });

  it('help of bench lists the benchmarks, however it is asked for', () => {
    for (const args of [['bench'], ['bench', '--help'], ['help', 'bench']]) {
      const { stdout, stderr } = runCli(args, dir);
      assert.match(stdout + stderr, /^ {2}engine .*\n(.*\n)*? {2}http /m);
    }
  });

  it('the program without arguments shows its help and exits 2', () => {
    const { code, stdout, stderr } = runCli([], dir);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^Usage: cianna-otf/);
  });
});

const kWrong: Record<string, [args: string[], says: RegExp]> = {
  'an unknown command': [['detcet', 'a.fits'], /unknown command 'detcet'.*detect/],
  'an unknown option': [['detect', 'a.fits', '--fromat', 'csv'], /unknown option '--fromat'.*--format/],
  'a missing image': [['detect'], /missing required argument 'image'/],
  'two images': [['detect', 'a.fits', 'b.fits'], /too many arguments/],
  'an unknown format': [['detect', 'a.fits', '--format', 'xls'], /xls.*votable/],
  'a box of three numbers': [['detect', 'a.fits', '--box', '1,2,3'], /--box.*X,Y,W,H/],
  'a box without size': [['detect', 'a.fits', '--box', '1,2,0,5'], /--box.*W=0: not a whole number from 1/],
  'a box of words': [['detect', 'a.fits', '--box', '1,2,x,5'], /--box/],
  'an impossible declination': [['detect', 'a.fits', '--roi', '150,-91,10,10'], /--roi.*DEC/],
  'a box and a region': [['detect', 'a.fits', '--roi', '1,1,9,9', '--box', '1,1,9,9'], /give the region once/],
  'a batch of none': [['detect', 'a.fits', '--batch', '0'], /--batch.*from 1/],
  'FITS on standard output': [['detect', 'a.fits', '--format', 'fits', '-o', '-'], /standard output/],
  'infer without input': [['infer', '--model', 'a.dat', '--output', 'o.npy'], /--input/],
  'one repeat': [['infer', '--model', 'a', '--input', 'b', '--output', 'c', '--monte-carlo', '1'], /from 2/],
  'a negative noise': [['simulate', '-o', 'x', '--noise', '-1'], /--noise/],
  'a time that people do not write so': [['wait', 'j1', '--timeout', '0x10'], /--timeout.*number from/],
  'a size that is no number': [['simulate', '-o', 'x', '--size', '1e3x'], /--size/],
  'an unknown benchmark case': [['bench', 'detect', '--case', 'huge'], /demo-2048/],
};

describe('wrong usage: exit 2, one line on stderr, nothing written', () => {
  for (const [name, [args, says]] of Object.entries(kWrong)) {
    it(name, () => {
      const { code, stdout, stderr } = runCli(args, dir);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^cianna-otf: [^\n]+\n$/);
      assert.match(stderr, says);
      assert.deepEqual(readdirSync(dir), []);
    });
  }
});

describe('a pipe that closes early', () => {
  it('is no error', async () => {
    const { spawnSync } = await import('node:child_process');
    const { kRoot } = await import('./support/cli.js');
    const command = `set -o pipefail; node ${kRoot}/bin/cianna-otf.js models list --xml | head -c 10 > /dev/null; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    assert.deepEqual([stdout.trim(), stderr], ['0', '']);
  });
});
