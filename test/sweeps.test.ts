/** Some points of each sweep; `npm run sweeps` goes through all of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kRoot, scratchDir } from './support/cli.js';
import { spread } from './support/spread.js';
import { sweepAllocations } from './sweeps/allocations.js';
import { sweepDetect, verdict } from './sweeps/detect.js';
import { FaultState, kShim } from './sweeps/faults.js';
import { sweepServer } from './sweeps/server.js';

/** The first and the last, and for `detect`, which is over sooner, one in between. */
const [kMost, kMostOfServer] = [3, 2];
const kAtOnce = 2;
/** Of a hundred starts. */
const kStartsMs = 120_000;
const skip = existsSync(kShim) ? false : 'the native tests are not built';

describe('The n-th of them fails', { skip }, () => {
  const scratch = scratchDir();
  for (const kind of ['write', 'sync', 'allocation'] as const)
    it(`${kind}: detect gives the right catalogue or one line, and no half of a file`, async (t) => {
      assert.deepEqual(await sweepDetect(scratch, kind, kMost, kAtOnce, (line) => t.diagnostic(line)), []);
    });
  it('sync: a server keeps what it acknowledged, and works afterwards', async (t) => {
    assert.deepEqual(await sweepServer(scratch, 'sync', kMostOfServer, 1, (line) => t.diagnostic(line)), []);
  });
  it('allocation: a server and its engine go on', async (t) => {
    assert.deepEqual(await sweepAllocations(scratch, kMost, 1, (line) => t.diagnostic(line)), []);
  });

  it('allocation: an engine that cannot be started keeps nothing', async () => {
    const state = new FaultState(scratch, { kind: 'allocation', at: 0 });
    const program = join(kRoot, 'dist/test/sweeps/engine-starts.js');
    const env = { ...process.env, ...state.env };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], {
      env,
      encoding: 'utf8',
      timeout: kStartsMs,
    });
    assert.deepEqual([status, signal, stderr], [0, null, '']);
    assert.ok(Number(stdout) > 10, stdout);
  });
});

describe('A sweep', () => {
  it('takes all points, or some with both ends', () => {
    assert.deepEqual(spread(3, 5), [1, 2, 3]);
    assert.deepEqual(spread(101, 5), [1, 26, 51, 76, 101]);
  });

  it('knows a wrong end when it sees one', () => {
    const right = Buffer.from('1\n');
    const found = new Map([['found', right]]);
    assert.equal(verdict({ code: 0, stderr: '', left: found }, right), undefined);
    assert.equal(verdict({ code: 1, stderr: 'cianna-otf: the disk is full\n', left: new Map() }, right), undefined);
    for (const wrong of [
      { code: 0, stderr: '', left: new Map() },
      { code: 0, stderr: '', left: new Map([['found', Buffer.from('2\n')]]) },
      { code: 0, stderr: '', left: new Map([...found, ['found.tmp', right]]) },
      { code: 1, stderr: 'cianna-otf: the disk is full\n', left: found },
      { code: 1, stderr: 'cianna-otf: internal error: x\n', left: new Map() },
      { code: 1, stderr: 'Error: x\n    at y\n', left: new Map() },
      { code: 'SIGSEGV', stderr: '', left: new Map() },
    ])
      assert.ok(verdict(wrong, right), JSON.stringify(wrong));
  });
});
