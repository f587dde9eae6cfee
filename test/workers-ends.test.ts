/** How runs end that workers tell of, as the server counts it, without a broker. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Job } from '#otf/jobs/job.js';
import { beat, job, rig } from './support/worker-rig.js';

describe('The end of a run, as a worker tells it', () => {
  it('is none when its files come twice, or a result is none of them, as it was sent', async (t) => {
    const { lease, reports, bring, told } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    const sent = bring(attempt, 'x.vot', 'catalogue');
    const result = { ...sent, id: 'catalogue', mime: 'application/x-votable+xml' };
    const end = (files: unknown[], results: unknown[]) =>
      reports.end({
        job: 'a',
        attempt,
        worker: 'one',
        end: { how: 'completed', results, info: {}, endedMs: 1, files },
      });
    await assert.rejects(end([sent, sent], []), /each file comes once/);
    for (const other of [{ file: 'y.vot' }, { size: 1 }, { sha256: '0'.repeat(64) }]) {
      await assert.rejects(end([sent], [{ ...result, ...other }]), /each result is one of them/);
    }
    assert.deepEqual(told, []);
    assert.deepEqual(await end([sent], [result]), { counts: true });
  });

  it('takes no place of what the job was given', async (t) => {
    const image = { kind: 'upload', file: 'input-1.fits', name: 'field.fits', size: 1, sha256: '0'.repeat(64) };
    const given = { ...job('a', 'EXECUTING'), parameters: { inputs: { IMAGE: [image] }, asked: {} } } as unknown as Job;
    const { lease, completed, bring, dir } = rig(t, given);
    const { attempt } = lease('a', 'one/cpu', { job: given });
    const sent = bring(attempt, 'input-1.fits', 'another sky');
    await assert.rejects(completed('a', attempt, [sent]), { code: 'OTF_BAD_REQUEST' });
    assert.equal(readdirSync(dir).includes('input-1.fits'), false);
  });
});

describe('The end of a run and its files in one body', () => {
  const texts = { 'x.vot': 'catalogue', 'job.log': '' };

  it('counts once, however often it comes, and leaves nothing of other attempts', async (t) => {
    const { lease, bring, desk, dir, endOf, told, ledger, rows } = rig(t, job('a', 'EXECUTING'));
    const late = lease('a');
    bring(late.attempt, 'x.vot', 'of a worker that was lost');
    ledger.lost(late, 'is gone');
    rows.set('a', job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    assert.deepEqual(await desk.end('a', endOf('a', late.attempt, texts)), { counts: false }, 'somebody else has it');
    const body = endOf('a', attempt, texts);
    const answers = await Promise.all([desk.end('a', body), desk.end('a', body)]);
    assert.deepEqual(answers, [{ counts: true }, { counts: true }]);
    assert.deepEqual(await desk.end('a', body), { counts: true }, 'the answer was lost on its way');
    assert.equal(told.filter((line) => line === 'completed a').length, 1);
    const there = readdirSync(dir).filter((name) => name !== 'worker.secret');
    assert.deepEqual(there.sort(), ['job.log', 'x.vot']);
    assert.equal(readFileSync(join(dir, 'x.vot'), 'utf8'), 'catalogue');
  });

  it('keeps its files when it comes again while a slow disk has the first, whoever else comes or looks then', async (t) => {
    const rigged = rig(t, job('a', 'EXECUTING'));
    const { lease, leases, attempts, desk, dir, disk, endOf, told, reports, dropped } = rigged;
    const { attempt } = lease('a');
    let resolve = (): void => undefined;
    disk.synced = new Promise((done) => {
      resolve = done;
    });
    const first = desk.end('a', endOf('a', attempt, texts));
    while (!told.includes('completed a')) await turn();
    assert.equal(leases.of('a'), undefined, 'its place is free while its row is kept');
    const other = attempts.new('a');
    const later = [desk.end('a', endOf('a', attempt, texts)), desk.end('a', endOf('a', other, { 'x.vot': 'another' }))];
    const asked = { job: 'a', attempt: other, worker: 'two', info: {} };
    assert.deepEqual(await reports.executing(asked), { go: false });
    reports.beat(beat('one', { jobs: [{ job: 'a', attempt, place: 'cpu' }] }), 1);
    assert.deepEqual(dropped, [], 'whoever waits for its answer is let wait');
    await turn();
    resolve();
    assert.deepEqual(await Promise.all([first, ...later]), [{ counts: true }, { counts: true }, { counts: false }]);
    assert.equal(told.filter((line) => line === 'completed a').length, 1);
    assert.equal(readFileSync(join(dir, 'x.vot'), 'utf8'), 'catalogue');
    assert.equal(reports.ends('a'), false);
  });

  it('is asked for again while its job is being deleted, and is no fault of the server', async (t) => {
    const { lease, leases, desk, dir, disk, endOf, told } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    disk.deleting.add('a');
    renameSync(dir, `${dir}-aside`);
    await assert.rejects(desk.end('a', endOf('a', attempt, texts)), { code: 'OTF_SHORTAGE', message: /being deleted/ });
    renameSync(`${dir}-aside`, dir);
    disk.deleting.delete('a');
    assert.ok(leases.of('a'), 'it may be there again');
    assert.deepEqual(await desk.end('a', endOf('a', attempt, texts)), { counts: true });
    assert.ok(told.includes('completed a'));
  });

  it('is wanted again where it came damaged, and nothing of it is kept', async (t) => {
    const { lease, leases, desk, dir, endOf, told } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    const body = endOf('a', attempt, texts);
    const damaged = Buffer.from(body);
    damaged[body.length - 1] = 0;
    assert.deepEqual(await desk.end('a', damaged), { missing: ['x.vot'] });
    assert.deepEqual(readdirSync(dir), ['worker.secret']);
    assert.ok(leases.of('a'));
    assert.deepEqual(told, []);
    assert.deepEqual(await desk.end('a', body), { counts: true });
  });

  it('is refused when it is cut short, of another job, or has a file that no run leaves', async (t) => {
    const { lease, desk, endOf, dir } = rig(t, job('a', 'EXECUTING'), job('b', 'EXECUTING'));
    const { attempt } = lease('a');
    const body = endOf('a', attempt, texts);
    const bad = { code: 'OTF_BAD_REQUEST' };
    for (const length of [0, 3, 4, 50, body.length - 1]) {
      await assert.rejects(desk.end('a', body.subarray(0, length)), bad, `${length} bytes`);
    }
    await assert.rejects(desk.end('a', Buffer.concat([body, Buffer.from('x')])), bad);
    await assert.rejects(desk.end('b', body), bad);
    await assert.rejects(desk.end('a', endOf('a', attempt, { '../x': '' })), bad);
    const large = { code: 'OTF_TOO_LARGE', message: /^x\.fits is larger than 1 MB.*workers\.max_result_mb/ };
    await assert.rejects(desk.end('a', endOf('a', attempt, { 'x.fits': '.'.repeat(2 ** 20 + 1) })), large);
    assert.deepEqual(readdirSync(dir), ['worker.secret']);
  });
});
