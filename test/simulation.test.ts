/** Histories of a whole server; `npm run simulate-faults -- --seeds N` goes through as many as one wants. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot } from './support/cli.js';

/**
 * The clock was set while a job ran that had begun before the first look at those that run: it was aborted. A row that could not be
 * set back on a disk with errors was a job after the next start.
 */
const kOnceFound = ['20750', '40943'];

function simulate(...args: string[]) {
  const program = join(kRoot, 'dist/test/simulation/main.js');
  const ran = spawnSync(process.execPath, ['--enable-source-maps', program, ...args], { encoding: 'utf8' });
  return { status: ran.status, text: `${ran.stdout}${ran.stderr}` };
}

describe('A server, whatever happens to it', () => {
  it('keeps its promises in every history, and a seed is one history', () => {
    const { status, text } = simulate('--seeds', '5', '--twice');
    assert.equal(status, 0, text);
    assert.match(text, /^5 histories, .*COMPLETED \d+/m);
  });

  it('keeps them in 500 histories', () => {
    const { status, text } = simulate('--seeds', '500');
    assert.equal(status, 0, text);
    assert.match(text, /^500 histories, .*COMPLETED \d+/m);
  });

  it('keeps them in histories in which it once did not', () => {
    for (const seed of kOnceFound) {
      const { status, text } = simulate('--seeds', '1', '--from', seed);
      assert.equal(status, 0, text);
    }
  });

  it('keeps them with workers on other machines, whose networks are cut and whose broker goes away', () => {
    const { status, text } = simulate('--seeds', '20', '--workers', '3');
    assert.equal(status, 0, text);
    assert.match(text, /^20 histories, .*COMPLETED \d+.*workers killed \d+/m);
  });

  it('starts from any state of the disk that a cut may leave', () => {
    const { status, text } = simulate('--pictures', '2');
    assert.equal(status, 0, text);
    assert.match(text, /pictures of the disk: 6, before 2 of \d+ changes/);
  });

  it('is caught when it does not: on a disk that syncs nothing jobs are lost', () => {
    const { status, text } = simulate('--seeds', '12', '--lies');
    assert.equal(status, 1, text);
    assert.match(text, /FAULT [^\n]*\n {2}again: npm run simulate-faults -- --seeds 1 --from \d+ --say/);
  });
});
