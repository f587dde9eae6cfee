/** src/slurm without a Slurm: what its words mean, how many pilots there should be, and the scripts it is given. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import { type FolderState, writeState } from '#otf/jobdir/state.js';
import { lookAt } from '#otf/slurm/jobs.js';
import { missingPilots, Pilots } from '#otf/slurm/pilots.js';
import { Slurm } from '#otf/slurm/program.js';
import { isActive, parseQueue, tasksOf } from '#otf/slurm/queue.js';
import { batchScript, quoted } from '#otf/slurm/script.js';
import { standingOf } from '#otf/slurm/standing.js';
import { tempDir } from './support/server.js';

const kState: FolderState = {
  ...{ version: 1, id: 'a', phase: 'QUEUED', description: '', losses: 0, host: 'h', pid: 1 },
  updatedAt: '2026-01-01T00:00:00.000Z',
} as FolderState;

const job = (state: string, reason = '') => ({ id: '7', name: 'otf-a', state, reason, nodes: 'n1', restarts: 0 });

describe('the queue of Slurm', () => {
  it('is read as 22.05 writes it, and as 24.11 does', () => {
    const common = { job_id: 12, name: 'x', nodes: 'n1', restart_cnt: 1 };
    const older = { ...common, job_state: 'RUNNING', state_reason: 'None', array_job_id: 0, array_task_id: null };
    const no = { set: false, infinite: false, number: 0 };
    const newer = {
      ...common,
      job_state: ['RUNNING', 'COMPLETING'],
      array_job_id: { ...no, set: true },
      array_task_id: no,
    };
    const read = parseQueue(JSON.stringify({ meta: {}, jobs: [older, newer] }));
    const expected = { id: '12', name: 'x', state: 'RUNNING', reason: '', nodes: 'n1', restarts: 1 };
    assert.deepEqual(read, [expected, { ...expected, state: 'COMPLETING' }]);
  });

  it('has each task of an array as a job, those that wait together, too', () => {
    const task = { job_id: 5, name: 'p', job_state: 'RUNNING', array_job_id: 3, array_task_id: 0 };
    const rest = {
      job_id: 3,
      name: 'p',
      job_state: 'PENDING',
      array_job_id: 3,
      array_task_id: null,
      array_task_string: '1-2,5',
    };
    const read = parseQueue(JSON.stringify({ jobs: [task, rest] }));
    assert.deepEqual(
      read.map(({ id, state }) => [id, state]),
      [
        ['3_0', 'RUNNING'],
        ['3_1', 'PENDING'],
        ['3_2', 'PENDING'],
        ['3_5', 'PENDING'],
      ],
    );
    assert.deepEqual(tasksOf('0-8:4,11%2'), [0, 4, 8, 11]);
    assert.equal(tasksOf('0-4000000000').length, 100_001, 'no more memory than a queue takes');
  });

  it('is refused with a word where it is something else', () => {
    assert.throws(() => parseQueue('slurm_load_jobs error'), /no JSON/);
    assert.throws(() => parseQueue('{"jobs":[{"job_id":"x"}]}'), /jobs\.0\.job_id/);
  });

  it('has states that nobody knows as jobs that are not over', () => {
    assert.ok(isActive({ state: 'POWER_UP_NODE' }));
    assert.ok(!isActive({ state: 'TIMEOUT' }));
  });
});

describe('folders that have ended', () => {
  it('are known without Slurm, which may not be here', async (t) => {
    const dir = await tempDir(t);
    const slurm = new Slurm();
    slurm.queue = async () => {
      throw new OtfError('OTF_USAGE', 'squeue is not here');
    };
    await writeState(dir, { ...kState, phase: 'ABORTED' });
    assert.equal((await lookAt(slurm, [dir]))[0]?.standing.phase, 'ABORTED');
    await writeState(dir, kState);
    await assert.rejects(lookAt(slurm, [dir]), /squeue is not here/);
  });
});

describe('how a job in a folder stands', () => {
  const table: [string, Partial<FolderState>, ReturnType<typeof job> | undefined, string, RegExp?][] = [
    ['what the folder says goes first', { phase: 'COMPLETED' }, job('FAILED'), 'COMPLETED'],
    [
      'an error of the folder',
      { phase: 'ERROR', error: { type: 'fatal', message: 'no image' } },
      undefined,
      'ERROR',
      /^no image$/,
    ],
    ['not known to Slurm: no failure', { phase: 'EXECUTING' }, undefined, 'EXECUTING', /says nothing/],
    [
      'is done, and its results are on their way',
      { phase: 'COMPLETED', delivery: { state: 'waiting', files: 0 } },
      job('RUNNING'),
      'EXECUTING',
      /on their way/,
    ],
    [
      'ended before all was sent',
      { phase: 'COMPLETED', delivery: { state: 'waiting', files: 0 } },
      job('TIMEOUT'),
      'ERROR',
      /run it again/,
    ],
    [
      'could not send what it left',
      { phase: 'COMPLETED', delivery: { state: 'failed', files: 1, message: 'no room' } },
      undefined,
      'ERROR',
      /^no room$/,
    ],
    ['waits', {}, job('PENDING', 'Resources'), 'QUEUED', /^Resources$/],
    ['begins anew elsewhere', { phase: 'EXECUTING' }, job('REQUEUED', 'BeginTime'), 'QUEUED', /BeginTime/],
    ['runs', { phase: 'EXECUTING' }, job('RUNNING'), 'EXECUTING'],
    ['has started, and has not said so', {}, job('RUNNING'), 'QUEUED'],
    ['was cancelled', {}, job('CANCELLED'), 'ABORTED', /job 7 was cancelled/],
    [
      'took too long',
      { note: 'cut short by SIGUSR1' },
      job('TIMEOUT', 'TimeLimit'),
      'ERROR',
      /time limit \(TimeLimit; cut short/,
    ],
    [
      'died',
      { phase: 'EXECUTING' },
      job('FAILED', 'NonZeroExitCode'),
      'ERROR',
      /ended as FAILED on n1 \(NonZeroExitCode\)/,
    ],
    ['lost its node for good', { phase: 'EXECUTING' }, job('NODE_FAIL'), 'ERROR', /NODE_FAIL on n1/],
    ['ended well, and the folder does not know', {}, job('COMPLETED'), 'ERROR', /file system that the nodes share/],
  ];
  for (const [name, state, found, phase, why] of table) {
    it(name, () => {
      const standing = standingOf({ ...kState, ...state }, found);
      assert.equal(standing.phase, phase);
      if (why) assert.match(standing.why ?? '', why);
    });
  }
});

describe('pilots', () => {
  it('are as many as jobs need, between two limits, and those that wait count', () => {
    const limits = { min: 1, max: 5, jobsPerPilot: 4 };
    const missing = (waiting: number, executing: number, there: number) =>
      missingPilots({ waiting, executing }, there, limits);
    assert.deepEqual(
      [missing(0, 0, 0), missing(0, 0, 1), missing(1, 4, 1), missing(100, 8, 2), missing(3, 0, 5)],
      [1, 0, 1, 3, 0],
    );
    assert.equal(missingPilots({ waiting: 0, executing: 0 }, 0, { ...limits, min: 0 }), 0);
  });

  /** Those that are asked for wait so long, work so long and fail; gives when each array was asked for, in s. */
  async function asked(waitS: number, workS: number, untilS: number) {
    const stop = new AbortController();
    const [begun, said]: [number[], string[]] = [[], []];
    let nowS = 0;
    const stateOf = (ageS: number) => (ageS < waitS ? 'PENDING' : ageS < waitS + workS ? 'RUNNING' : 'FAILED');
    const slurm = {
      queue: async () => begun.map((atS, n) => ({ ...job(stateOf(nowS - atS)), id: `${n}_0`, name: 'p' })),
      submit: async () => String(begun.push(nowS) - 1),
    } as unknown as Slurm;
    const load = async () => {
      nowS += 5;
      if (nowS >= untilS) stop.abort();
      return { waiting: 1, executing: 0 };
    };
    const given = { worker: [], sbatch: [], idleS: 60, logs: '', stepMs: 0, drainS: 60, name: 'p' };
    const launch = { command: ['otf'], env: {} } as unknown as ConstructorParameters<typeof Pilots>[0]['launch'];
    const limits = { min: 1, max: 1, jobsPerPilot: 1 };
    const say = (line: string) => said.push(line);
    await new Pilots({ ...given, slurm, load, limits, launch, say, stop: stop.signal, now: () => nowS * 1000 }).keep();
    return { begun, said: said.filter((line) => line.includes('end as soon as they begin')) };
  }

  it('are asked for less and less often when they end at once, however long they had waited', async () => {
    const { begun, said } = await asked(35, 5, 600);
    assert.ok(begun.length >= 3 && said.length >= 2, JSON.stringify(begun));
    const apart = begun.slice(1).map((atS, n) => atS - (begun[n] ?? 0));
    assert.ok((apart.at(-1) ?? 0) >= (apart[0] ?? 0) + 20, JSON.stringify(begun));
  });

  it('are asked for again at once when they have worked for a while', async () => {
    const { begun, said } = await asked(35, 40, 600);
    assert.deepEqual(said, []);
    assert.ok(begun.length >= 6, JSON.stringify(begun));
  });
});

describe('batch scripts', () => {
  const odd = '/a b/it\'s $HOME `x` "y"\\';

  it('hand each argument on as it is', () => {
    const script = batchScript({ command: ['printf', '%s\\n'], binds: [], env: { ODD: odd } }, [odd, '-x', '$(id)']);
    assert.equal(execFileSync('sh', { input: script, encoding: 'utf8' }), `${odd}\n-x\n$(id)\n`);
    const shown = batchScript({ command: ['printenv', 'ODD'], binds: [], env: { ODD: odd } }, []);
    assert.equal(execFileSync('sh', { input: shown, encoding: 'utf8' }), `${odd}\n`);
    assert.equal(quoted('-p'), '-p');
  });

  it("know the batch system's own numbers, and no other variables", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the script
    const given = ['pilot-${SLURM_ARRAY_JOB_ID}-${SLURM_ARRAY_TASK_ID}', '${SLURM_JOB_ID}; id', '${HOME}'];
    const script = batchScript({ command: ['printf', '%s\\n'], binds: [], env: {} }, given);
    const env = { ...process.env, SLURM_ARRAY_JOB_ID: '4', SLURM_ARRAY_TASK_ID: '1', SLURM_JOB_ID: '5' };
    const said = execFileSync('sh', { input: script, encoding: 'utf8', env });
    assert.equal(said, `pilot-4-1\n${given[1]}\n${given[2]}\n`);
  });

  it('start the Apptainer image with the folders it has to see', () => {
    const launch = { command: ['node', 'x.js'], image: '/sw/otf.sif', binds: ['/scratch/a b'], env: {} };
    assert.match(
      batchScript(launch, ['run', '/scratch/a b']),
      /^exec apptainer run --nv --bind '\/scratch\/a b' \/sw\/otf\.sif run '\/scratch\/a b'$/m,
    );
  });
});
