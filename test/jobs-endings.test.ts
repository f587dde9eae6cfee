/** How the run of the server before this one ended, and which of its jobs are to blame for it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { afterEnd } from '#otf/jobs/attempts.js';
import type { JobInfo } from '#otf/jobs/job.js';
import { beginRun, type Ending, endingOf, endRun, runFault, runRecordPath } from '#otf/jobs/run-record.js';
import { tempDir } from './service/bench.js';
import { storedJob } from './support/stored-job.js';

const kNow = { boot: 'b1', oomKills: 3 };
const line = (facts: object) => `${JSON.stringify({ pid: 7, ...kNow, ...facts })}\n`;

describe('The end of the run before', () => {
  it('is told by what it left', () => {
    const cases: [string | undefined, Ending][] = [
      [undefined, 'in order'],
      [line({}), 'outside'],
      [line({ boot: 'b0' }), 'outside'],
      [line({ oomKills: 2 }), 'itself'],
      [line({ oomKills: -1 }), 'itself'],
      [`${line({})}signal 11\n`, 'itself'],
      [`${line({ boot: 'b0' })}fault\n`, 'itself'],
      ['signal 06\n', 'unknown'],
      ['', 'unknown'],
      ['{"pid":', 'unknown'],
      ['{"pid":1,"boot":"","oomKills":3}\n', 'unknown'],
    ];
    for (const [text, ending] of cases) assert.equal(endingOf(text, kNow).ending, ending, JSON.stringify(text));
    assert.equal(endingOf(line({}), { ...kNow, boot: '' }).ending, 'unknown');
  });

  it('is written down where it can be found', async (t) => {
    const dir = await tempDir(t);
    assert.equal(beginRun(dir).ending, 'in order');
    assert.equal(beginRun(dir).ending, 'outside');
    runFault(dir);
    assert.match(await readFile(runRecordPath(dir), 'utf8'), /\nfault\n$/);
    assert.equal(beginRun(dir).words, 'crashed (fault)');
    endRun(dir);
    assert.ok(!existsSync(runRecordPath(dir)));
    runFault(`${dir}/nowhere`);
  });

  it('is said to be unwritable where it is, in words of the catalogue', async (t) => {
    const dir = await tempDir(t);
    mkdirSync(runRecordPath(dir));
    assert.throws(() => beginRun(dir), {
      name: 'OtfError',
      message: /^the server cannot write its files: it is a directory$/,
    });
  });
});

describe('A job that was being executed', () => {
  const executing = (info: JobInfo) => ({ ...storedJob(1, 'EXECUTING'), info });

  it('is to blame for three ends that may be its doing', () => {
    assert.deepEqual(afterEnd(executing({ attempts: 1 }), 'itself').info, { attempts: 1 });
    assert.equal(afterEnd(executing({ attempts: 2 }), 'unknown').phase, 'QUEUED');
    for (const ending of ['itself', 'unknown', 'in order'] as const) {
      assert.equal(afterEnd(executing({ attempts: 3 }), ending).phase, 'ERROR', ending);
    }
  });

  it('is not for those from outside, unless they never miss it', () => {
    assert.deepEqual(afterEnd(executing({ attempts: 1 }), 'outside').info, { interruptions: 1 });
    assert.deepEqual(afterEnd(executing({ attempts: 3 }), 'elsewhere').info, {});
    assert.deepEqual(afterEnd(executing({ attempts: 3 }), 'outside').info, { attempts: 2, interruptions: 1 });
    let job = executing({ attempts: 1 });
    let ends = 0;
    for (; job.phase !== 'ERROR' && ends < 50; ends++) {
      const after = afterEnd(job, 'outside');
      job = after.phase === 'ERROR' ? after : executing({ ...after.info, attempts: (after.info.attempts ?? 0) + 1 });
    }
    assert.equal(ends, 13);
    assert.match(job.failure?.message ?? '', /ended 13 times/);
  });
});
