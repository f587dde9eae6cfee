/** Who has which job, as the server counts it: roster, leases, careful jobs, reports, without a broker. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import type { Job } from '#otf/jobs/job.js';
import { Giving } from '#otf/run/remote/giving.js';
import type { Lease } from '#otf/run/remote/leases.js';
import type { Switchboard } from '#otf/run/remote/switchboard.js';
import type { Batch } from '#otf/run/runner.js';
import { kRoot } from './support/cli.js';
import { beat, job, rig, sha256 } from './support/worker-rig.js';

const kKey = 'm/FP32';
const batch = { id: 'b', place: 'one/cpu', key: kKey, reason: 'idle', startedMs: 0, jobs: [] } as Batch;

describe('The roster of workers', () => {
  it('offers the devices of those that live, have the models and take more', (t) => {
    const { roster, lease } = rig(t);
    roster.hear(beat('one'), 0);
    roster.hear(beat('two', { models: 'other' }), 0);
    roster.hear(beat('three', { leaving: true }), 0);
    const names = () => roster.places(new Set()).map(({ name, full }) => `${name} ${full ? 'full' : 'open'}`);
    assert.deepEqual(names(), ['one/cpu open']);
    // What is on its way there fills it before its beats can say so.
    const [first, second] = [lease('a'), lease('b')];
    assert.deepEqual(names(), ['one/cpu full']);
    for (const each of [first, second]) each.opened = true;
    assert.deepEqual(names(), ['one/cpu open']);
    lease('c').opened = true;
    assert.deepEqual(names(), ['one/cpu full'], 'what it has not begun could begin elsewhere');
    assert.equal(roster.places(new Set(['one']))[0]?.full, true);
    assert.equal(roster.places(new Set())[0]?.takes(kKey), true);
    assert.equal(roster.places(new Set())[0]?.takes('other/FP32'), false);
  });

  it('gives nothing to one that has too little disk, until it says otherwise', (t) => {
    const { roster } = rig(t);
    roster.hear(beat('one', { short: true }), 0);
    assert.deepEqual(roster.places(new Set()), []);
    roster.hear(beat('one'), 1);
    assert.deepEqual(
      roster.places(new Set()).map(({ name }) => name),
      ['one/cpu'],
    );
  });

  it('loses those it does not hear of, unless nobody could be heard', (t) => {
    const { roster } = rig(t);
    roster.hear(beat('one'), 0);
    roster.hear(beat('two'), 90);
    assert.deepEqual(roster.lost(150), ['one']);
    roster.excuse(1000);
    assert.deepEqual(roster.lost(1050), []);
    roster.deaf(70);
    assert.deepEqual(roster.lost(1170), [], 'nobody listened');
    assert.deepEqual(roster.lost(1171), ['two']);
  });

  it('knows the later of two of one name', (t) => {
    const { roster } = rig(t);
    roster.hear(beat('one', { startedMs: 5, instance: 'b' }), 0);
    assert.deepEqual(roster.hear(beat('one', { startedMs: 1, instance: 'a' }), 1), { replaced: false, outdated: true });
    assert.deepEqual(roster.hear(beat('one', { startedMs: 9, instance: 'c' }), 2), { replaced: true, outdated: false });
  });
});

describe('What workers say', () => {
  it('completes a job once its files are there as they were sent, and only once', async (t) => {
    const { lease, bring, completed, told, desk } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    const file = { file: 'x.vot', size: 4, sha256: sha256('text') };
    assert.deepEqual(await completed('a', attempt, [file]), { missing: ['x.vot'] });
    bring(attempt, 'x.vot', 'tex!');
    assert.deepEqual(await completed('a', attempt, [file]), { missing: ['x.vot'] }, 'of the size, but damaged');
    bring(attempt, 'x.vot', 'text');
    assert.deepEqual(await completed('a', attempt, [file]), { counts: true });
    assert.equal(told.filter((line) => line === 'completed a').length, 1);
    // The answer was lost on its way: the same again, and nothing happens twice.
    assert.deepEqual(await completed('a', attempt, [file]), { counts: true });
    assert.deepEqual(told, ['over a', 'completed a']);
    assert.throws(() => desk.input('a', attempt, 'x.vot'), { code: 'OTF_NOT_FOUND' });
  });

  it('refuses what comes late, is of another attempt, or of none', async (t) => {
    const { lease, leases, bring, completed, attempts, told, ledger, rows } = rig(
      t,
      job('a', 'EXECUTING'),
      job('b', 'ABORTED'),
    );
    const late = lease('a');
    ledger.lost(late, 'is gone');
    const now = lease('a');
    assert.deepEqual(await completed('a', late.attempt, [bring(late.attempt, 'x', 'old')]), { counts: false });
    assert.equal(leases.of('a'), now, 'whose it is now has it still');
    assert.deepEqual(await completed('b', attempts.new('b'), []), { counts: false });
    assert.deepEqual(await completed('a', attempts.new('b'), []), { counts: false });
    assert.deepEqual(await completed('a', 'a'.repeat(16), []), { counts: false });
    assert.ok(!told.some((line) => line.startsWith('completed')));
    assert.equal(rows.get('a')?.phase, 'QUEUED');
  });

  it('goes on with what was given out before a restart, unless somebody else has it', async (t) => {
    const { attempts, bring, completed, told, reports, roster, dropped, lease } = rig(t, job('a'), job('b'));
    const [attempt, other] = [attempts.new('a'), attempts.new('b')];
    lease('b', 'two/cpu');
    const jobs = [
      { job: 'a', attempt, place: 'cpu' },
      { job: 'b', attempt: other, place: 'cpu' },
    ];
    assert.equal(reports.beat(beat('one', { jobs }), 0), true);
    assert.equal(roster.size, 1);
    assert.deepEqual(dropped, ['one b']);
    assert.deepEqual(reports.elsewhere('a'), { attempt, place: 'one/cpu' });
    assert.deepEqual(await completed('a', attempt, [bring(attempt, 'x', 'new')]), { counts: true });
    assert.deepEqual(told, ['executing a', 'over a', 'completed a']);
  });

  it('loses what a worker knows no more, and at once what one had before it was started again', (t) => {
    const { reports, lease, told, leases, roster, tallies } = rig(
      t,
      job('a', 'EXECUTING'),
      job('b', 'EXECUTING'),
      job('c', 'EXECUTING'),
    );
    lease('a');
    lease('b', 'two/cpu');
    lease('c', 'two/cpu', { takenMs: undefined });
    for (let i = 0; i < 3; i++) {
      assert.ok(leases.of('a'));
      reports.beat(beat('one'), i);
    }
    assert.equal(leases.of('a'), undefined);
    reports.beat(beat('two'), 0);
    reports.beat(beat('two', { startedMs: 2, instance: 'b' }), 1);
    assert.deepEqual(told, [
      'lost a: the worker one does not know it any more',
      'over a',
      'lost b: the worker two was started again',
      'over b',
    ]);
    assert.ok(leases.of('c'), 'nobody has said to have it: it is still being given');
    const facts = roster.workers().map(({ name, node, held }) => `${name} on ${node} has ${held}`);
    assert.deepEqual(facts, ['one on h has 0', 'two on h has 1']);
    const none = { completed: 0, back: 0, refused: 0 };
    assert.deepEqual(tallies.of('one'), { ...none, lost: 1, swept: 1 });
    assert.deepEqual(tallies.of('two'), { ...none, lost: 1, swept: 0 });
  });

  it('lets no aborted job end, and counts what it took', async (t) => {
    const { reports, lease, bring, completed, told, dropped } = rig(t, job('a', 'ABORTED'));
    const { attempt } = lease('a', 'one/cpu', { abortedMs: 1 });
    reports.beat(beat('one', { jobs: [{ job: 'a', attempt, place: 'cpu' }] }), 0);
    assert.deepEqual(dropped, ['one a']);
    assert.deepEqual(await reports.executing({ job: 'a', attempt, worker: 'one', info: {} }), { go: false });
    assert.deepEqual(await completed('a', attempt, [bring(attempt, 'x', 'y')]), { counts: false });
    assert.deepEqual(told, ['over a']);
  });

  it('tells a worker that it may go on, however often it asks', async (t) => {
    const { reports, lease, told } = rig(t, job('a'));
    const { attempt } = lease('a', 'one/cpu', { takenMs: undefined });
    const asked = { job: 'a', attempt, worker: 'one', info: { batchSize: 2, strange: {} } };
    const go = { go: true, startedMs: 7, log: ['before'], baseUrl: 'http://s' };
    assert.deepEqual(await Promise.all([reports.executing(asked), reports.executing(asked)]), [go, go]);
    assert.deepEqual(told, ['executing a']);
  });

  it('passes over what it does not understand', async (t) => {
    const { reports, roster } = rig(t);
    for (const said of [undefined, 7, {}, { ...beat('one'), worker: 'a.b' }, { ...beat('one'), jobs: [{ job: 1 }] }]) {
      assert.equal(reports.beat(said, 0), false);
    }
    assert.equal(roster.size, 0);
    await assert.rejects(reports.end({ job: 'a' }));
    await assert.rejects(
      reports.end({ job: 'a', attempt: 'x', worker: 'one', end: { how: 'completed', files: [{ file: '../x' }] } }),
    );
  });
});

describe('A worker that was lost and is there again', () => {
  it('goes on with a job that waits to be given to one that has nothing else', async (t) => {
    const { careful, roster, leases, lease, ledger, reports, completed, bring, rows, told } = rig(
      t,
      job('a', 'EXECUTING'),
    );
    const { attempt } = lease('a');
    ledger.lost(leases.of('a') as Lease, 'is gone');
    careful.add({ job: job('a'), batch });
    for (const name of ['one', 'two']) reports.beat(beat(name), 0);
    const asked = { job: 'a', attempt, worker: 'one', info: {} };
    assert.equal(((await reports.executing(asked)) as { go: boolean }).go, true);
    assert.equal(careful.next(roster, leases), undefined, 'nobody else is to have it');
    assert.deepEqual(await completed('a', attempt, [bring(attempt, 'x', 'y')]), { counts: true });
    assert.equal(rows.get('a')?.phase, 'COMPLETED');
    assert.equal(told.filter((line) => line === 'completed a').length, 1);
  });

  it('is missed when it is gone again before a beat of it came', async (t) => {
    const { leases, lease, ledger, reports, roster, rows } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    ledger.lost(leases.of('a') as Lease, 'is gone');
    rows.set('a', job('a', 'QUEUED'));
    await reports.executing({ job: 'a', attempt, worker: 'one', info: {} });
    assert.equal(leases.ofWorker('one').length, 1);
    assert.deepEqual(roster.lost(performance.now()), []);
    roster.deaf(1000);
    assert.deepEqual(roster.lost(performance.now() + 1000), []);
    assert.deepEqual(roster.lost(performance.now() + 1200), ['one']);
    assert.deepEqual(roster.lost(performance.now() + 9000), []);
  });

  it('is not the one of a worker that has given it back, whatever its last beat said', async (t) => {
    const { lease, reports, rows, leases } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    reports.beat(beat('one', { jobs: [{ job: 'a', attempt, place: 'cpu' }] }), performance.now());
    const back = { job: 'a', attempt, worker: 'one', end: { how: 'back', reason: 'the worker one ends' } };
    assert.deepEqual(await reports.end(back), { counts: true });
    assert.equal(rows.get('a')?.phase, 'QUEUED');
    assert.equal(reports.elsewhere('a'), undefined);
    assert.deepEqual(await reports.executing({ job: 'a', attempt, worker: 'one', info: {} }), { go: false });
    assert.equal(leases.of('a'), undefined);
  });

  it('ends a job that was just then on its way back into the queue', async (t) => {
    const { leases, lease, ledger, reports, completed, bring, rows } = rig(t, job('a', 'EXECUTING'));
    const { attempt } = lease('a');
    ledger.lost(leases.of('a') as Lease, 'is gone');
    rows.set('a', job('a', 'EXECUTING'));
    const asked = { job: 'a', attempt, worker: 'one', info: {} };
    assert.equal(((await reports.executing(asked)) as { go: boolean }).go, true);
    rows.set('a', job('a', 'QUEUED'));
    assert.deepEqual(await completed('a', attempt, [bring(attempt, 'x', 'y')]), { counts: true });
    assert.equal(rows.get('a')?.phase, 'COMPLETED');
  });
});

describe('A job under which workers are lost', () => {
  it('has a worker to itself, and is to blame after the third', (t) => {
    const { careful, roster, leases, lease, ledger, told } = rig(t, job('a', 'EXECUTING'), job('b'), job('c'));
    roster.hear(beat('one'), 0);
    roster.hear(beat('two'), 0);
    ledger.lost(lease('a'), 'is gone');
    careful.add({ job: job('a'), batch });
    lease('b', 'one/cpu');
    lease('c', 'two/cpu');
    assert.equal(careful.next(roster, leases), undefined, 'no worker has nothing');
    const [closed] = careful.closed(roster, leases);
    assert.ok(closed, 'one of them gets nothing more');
    for (const each of leases.ofWorker(closed)) ledger.over(each);
    const next = careful.next(roster, leases);
    assert.equal(next?.place, `${closed}/cpu`);
    assert.deepEqual([...careful.closed(roster, leases)], [closed], 'nothing else goes there');
    ledger.lost(lease('a', next?.place), 'is gone');
    assert.deepEqual([...careful.closed(roster, leases)], []);
    ledger.lost(lease('a'), 'is gone');
    assert.match(told.at(-1) ?? '', /^failed a: 3 workers were lost while this job was being executed/);
    assert.match(told.at(-1) ?? '', /\(one is gone\nbefore\)$/, 'with the last words of its log');
    assert.equal(careful.losses('a'), 0, 'nothing of it is kept');
  });

  it('has a worker emptied for it that could take it, whoever else is there', (t) => {
    const { careful, roster, leases, lease } = rig(t);
    roster.hear(beat('good'), 0);
    roster.hear(beat('stale', { models: 'others' }), 0);
    roster.hear(beat('full', { short: true }), 0);
    const places = [{ name: 'cpu', tier: 0, takes: ['n'], holds: [], hungry: true, busy: false }];
    roster.hear(beat('unable', { places }), 0);
    lease('x', 'good/cpu');
    careful.add({ job: job('a'), batch });
    assert.deepEqual([...careful.closed(roster, leases)], ['good']);
    assert.equal(careful.next(roster, leases), undefined);
    leases.end(leases.of('x') as Lease);
    assert.equal(careful.next(roster, leases)?.place, 'good/cpu');
  });

  it('is not offered any more once the server ends, whoever does not answer', async (t) => {
    const { ledger, told } = rig(t, job('a'));
    let isClosed = false;
    let asked = 0;
    const ask = async () => {
      isClosed = ++asked === 3;
      throw new OtfError('OTF_SERVER_UNREACHABLE', 'the connection is closed');
    };
    const board = { ask } as unknown as Switchboard;
    const giving = new Giving({ ledger, board: () => board, there: () => false, closed: () => isClosed });
    await giving.give(job('a'), batch, 'one/cpu');
    assert.equal(asked, 3);
    assert.deepEqual(told, [], 'it is in the queue as far as its row says');
  });

  it('is not to blame for workers that never had it', (t) => {
    const { careful, ledger, lease, told } = rig(t, job('a'));
    ledger.lost(lease('a', 'one/cpu', { takenMs: undefined }), 'is gone');
    assert.equal(careful.losses('a'), 0);
    assert.deepEqual(told, ['lost a: one is gone', 'over a']);
  });
});

describe('The desk of the workers', () => {
  it('gives files to whoever was given the job, and takes none of a strange name', async (t) => {
    const upload = {
      kind: 'upload',
      file: 'upload-1-0',
      name: 'f',
      mime: 'x',
      size: 3,
      sha256: 'c'.repeat(64),
    } as const;
    const own = { ...job('a', 'EXECUTING'), parameters: { inputs: { IMAGE: [upload] }, asked: {} } } as Job;
    const { desk, dir, attempts, lease } = rig(t, own, job('b', 'EXECUTING'));
    writeFileSync(join(dir, upload.file), 'abc');
    const { attempt } = lease('a');
    assert.deepEqual(desk.input('a', attempt, upload.file), { path: join(dir, upload.file), sha256: upload.sha256 });
    const refused = { code: 'OTF_NOT_FOUND' };
    assert.throws(() => desk.input('a', attempts.new('a'), upload.file), refused, 'of another attempt');
    assert.throws(() => desk.input('a', attempts.new('b'), upload.file), refused);
    assert.throws(() => desk.input('a', attempt, '../otf.sqlite'), refused);
    assert.throws(() => desk.input('b', attempt, upload.file), refused);
    for (const name of [upload.file, '../x', '.x', 'a/b', '']) {
      assert.throws(() => desk.assertExpected('a', attempt, name), { code: 'OTF_BAD_REQUEST' }, name);
    }
    desk.assertExpected('a', attempt, 'catalogue.vot');
  });
});

describe('A server that runs its jobs itself', () => {
  it('loads nothing of a broker: one file knows the library, and loads it when it is asked to', () => {
    const sources = readdirSync(join(kRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    );
    const naming = sources.filter((file) => readFileSync(join(kRoot, 'src', file), 'utf8').includes("'@nats-io/"));
    assert.deepEqual(naming, ['run/remote/switchboard.ts']);
    const text = readFileSync(join(kRoot, 'src/run/remote/switchboard.ts'), 'utf8');
    assert.doesNotMatch(text, /from '@nats-io/);
  });
});
