/** The set-up: what cannot work is refused in one line, a failed step says where all of its output is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { kRoot } from './support/cli.js';
import { tempDir } from './support/server.js';

const kScripts = join(kRoot, 'scripts/setup');
const kDebian12 = { platform: 'linux', arch: 'x64', node: '20.19.2', glibc: '2.36' };

describe('the set-up', () => {
  it('refuses in one line, with what to do, what cannot work on this machine', async () => {
    const { obstacle } = await import(pathToFileURL(join(kScripts, 'machine.mjs')).href);
    const refused = (change: object): string => obstacle({ ...kDebian12, ...change });
    for (const fine of [
      {},
      { node: '20.17.0' },
      { node: '22.3.0', glibc: '2.41' },
      { node: '24.1.0', glibc: '2.38' },
    ]) {
      assert.equal(refused(fine), null, JSON.stringify(fine));
    }
    for (const node of ['22.23.3', '24.21.0']) {
      const major = node.slice(0, 2);
      assert.equal(
        refused({ node }),
        `Node ${major} needs glibc 2.38 and this machine has 2.36: install Node 20, or use Debian 13, Ubuntu 24.04 or later`,
      );
    }
    assert.match(refused({ glibc: '2.4' }), /^Node 20 needs glibc 2.27 and this machine has 2.4: use Debian 13/);
    for (const node of ['18.20.1', '20.16.0', '21.7.3', '23.11.1', '25.1.0']) {
      assert.equal(refused({ node }), `Node ${node} is not supported: install Node 24, 22 or 20 (20.17 or later)`);
    }
    assert.match(refused({ glibc: undefined }), /not glibc/);
    assert.match(refused({ arch: 'arm64' }), /only Linux on x86-64/);
  });

  it('keeps all the output of a failed step and names the file', async () => {
    const step = pathToFileURL(join(kScripts, 'step.mjs')).href;
    const noise = 'for i in $(seq 100); do echo "line $i"; done; echo "[ 45%] Building"; echo wrong >&2; exit 3';
    const script = `const { runQuietly, step } = await import('${step}');
      await step('a step', () => runQuietly('sh', ['-c', ${JSON.stringify(noise)}], 'the step of a test'));`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const log = join(kRoot, 'build/logs/the-step-of-a-test.log');
    const kept = await readFile(log, 'utf8');
    await rm(log);
    assert.equal(status, 1);
    assert.ok(stderr.trimEnd().endsWith(`setup: the step of a test failed (exit 3); all it said is in ${log}`), stderr);
    assert.match(stderr, /^line 1$/m);
    assert.match(stderr, /^wrong$/m);
    assert.doesNotMatch(stderr, /line 50/);
    assert.match(kept, /line 50/);
  });
});

describe('npm run setup -- --link', () => {
  it('puts the command into a folder, says when that is not on the PATH, and moves nothing of others', async (t) => {
    const { isLinked, linkCommand } = (await import(pathToFileURL(join(kScripts, 'link.mjs')).href)) as {
      isLinked: (dir: string) => Promise<boolean>;
      linkCommand: (dir: string) => Promise<string>;
    };
    const dir = join(await tempDir(t), 'bin');
    assert.equal(await isLinked(dir), false);
    assert.match(await linkCommand(dir), /cianna-otf; .*bin is not on your PATH/);
    assert.equal(await isLinked(dir), true);
    const { status, stdout } = spawnSync(join(dir, 'cianna-otf'), ['--version'], { cwd: '/', encoding: 'utf8' });
    assert.deepEqual([status, /^\d+\.\d+/.test(stdout)], [0, true]);
    assert.match(await linkCommand(dir), /cianna-otf/, 'a second time');
    await rm(join(dir, 'cianna-otf'));
    await writeFile(join(dir, 'cianna-otf'), 'mine');
    await assert.rejects(linkCommand(dir), /is there and is no link/);
  });
});
