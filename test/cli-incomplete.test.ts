/** The program where a part of it is not there: what needs it says so in one line, and the rest works. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { copyProgram } from './support/program-copy.js';
import { startTestServer } from './support/server.js';

function run(root: string, args: string[]): { code: number | null; stderr: string } {
  const program = join(root, 'bin/cianna-otf.js');
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { code: status, stderr };
}

/** Exit code 1 and one line of standard error. */
function refusal(root: string, args: string[]): string {
  const { code, stderr } = run(root, args);
  assert.equal(code, 1, args.join(' '));
  assert.match(stderr, /^cianna-otf: [^\n]+\n$/);
  return stderr;
}

describe('without the native part', () => {
  it('what needs no pixels works', async (t) => {
    const root = await copyProgram(t, ['models', 'node_modules']);
    const server = await startTestServer(t);
    for (const args of [
      ['--help'],
      ['models', 'list'],
      ['jobs', '--server', server.url],
      ['completion', 'bash'],
      ['submit', '--help'],
    ]) {
      const { code, stderr } = run(root, args);
      assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    }
  });

  it('what does says that it is not built, or that it cannot be loaded', async (t) => {
    const root = await copyProgram(t, ['models', 'node_modules']);
    const data = join(root, 'data');
    for (const args of [['detect', 'x.fits'], ['engines'], ['serve', '--port', '0', '--data-dir', data]])
      assert.match(refusal(root, args), /native part: it is not built: run `npm run setup`/);
    await mkdir(join(root, 'build/Release'), { recursive: true });
    await writeFile(join(root, 'build/Release/cianna_otf.node'), 'cut');
    assert.match(refusal(root, ['engines']), /native part: [^\n]*file too short: run `npm run setup`/);
  });
});

describe('without what it is made of', () => {
  it('says what is missing', async (t) => {
    const root = await copyProgram(t, ['models']);
    assert.match(refusal(root, ['--help']), /cannot be loaded: Cannot find package '[^\n]*: run `npm run setup`/);
    await rm(join(root, 'dist'), { recursive: true });
    assert.match(refusal(root, ['--help']), /not built yet: run `npm run setup`/);
  });
});
