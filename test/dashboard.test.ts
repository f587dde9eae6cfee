/** The dashboard in a terminal, driven by its keys and looked at (tmux). */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { kServer } from '#otf/jobs/access.js';
import { type Bench, bench, kCatalogue } from './service/bench.js';
import { kRoot } from './support/cli.js';
import { freePort } from './support/server.js';
import { kNoTmux, Terminal, tempDir } from './support/terminal.js';

const kProgram = join(kRoot, 'bin/cianna-otf.js');
const kRow = (text: string) => new RegExp(`^. j[0-9a-f]{7} .*${text}`, 'm');

interface Opened {
  terminal: Terminal;
  folder: string;
}

async function open(t: TestContext, url: string, size: [number, number] = [80, 24], args = ''): Promise<Opened> {
  const folder = await tempDir(t);
  const terminal = new Terminal(t, folder, {}, ...size);
  terminal.type(`${process.execPath} ${kProgram} dashboard --server ${url} ${args}; echo ended with $?`);
  terminal.press('Enter');
  return { terminal, folder };
}

/** Lines of a screen of 80 columns are whole, and none is left empty at the top. */
function assertFits(screen: string, columns: number): void {
  for (const line of screen.split('\n')) assert.ok([...line].length <= columns, line);
  assert.match(screen, /^cianna-otf \d/);
}

async function three(b: Bench): Promise<string[]> {
  const ids: string[] = [];
  for (const fields of [{ RUNID: 'first' }, { PHASE: 'RUN' }, { PHASE: 'RUN' }]) ids.push(await b.create(fields));
  return ids;
}

describe('the dashboard', { skip: kNoTmux }, () => {
  it('shows jobs, queue, engine and log live on 80x24, and the keys at the bottom', async (t) => {
    const b = await bench(t, { hold: true, delayMs: Number.POSITIVE_INFINITY });
    const [, second = ''] = await three(b);
    const { terminal } = await open(t, b.url);
    const screen = await terminal.until(/QUEUED[\s\S]*queue demo/);
    assertFits(screen, 80);
    assert.match(screen, /2 queued, 1 pending/);
    assert.match(screen, kRow('field.fits +demo-con… QUEUED'));
    assert.match(screen, /queue demo\/FP32C_FP32A 2 wait; 2 of 8, devices busy/);
    assert.match(screen, /demo\/FP32C_FP32A fake, idle, 3\.00 MB, restarted 1 times; none/);
    assert.match(screen, /12\.5 tiles\/s/);
    assert.match(screen, /q quit\s*$/);
    assert.equal(screen.split('\n').filter((line) => kRow('').test(line)).length, 3);
    // As it happens: nothing is asked for again.
    b.executor.release();
    await terminal.until(kRow('EXECUTING 1 idle +██░░░░░ 1/4'));
    await b.executor.finish(second);
    const done = await terminal.until(kRow('COMPLETED 1 idle +7 sources'));
    assert.match(done, new RegExp(`${second.slice(0, 8)} field\\.fits COMPLETED: 7 sources`));
    assert.match(done, /first tile done/);
    await terminal.until(/queues nobody waits/);
  });

  it('opens a job with its error, aborts, deletes, writes its catalogue, and filters', async (t) => {
    const kFailure = { type: 'fatal', code: 'OTF_FITS_NO_IMAGE', message: 'no image in it' } as const;
    const b = await bench(t, { failure: (job) => (job.runId === 'bad' ? kFailure : undefined) });
    const good = await b.create({ PHASE: 'RUN', RUNID: 'good' });
    const pending = await b.create();
    const bad = await b.create({ PHASE: 'RUN', RUNID: 'bad' });
    await Promise.all([b.until(good, 'COMPLETED'), b.until(bad, 'ERROR')]);
    const { terminal, folder } = await open(t, b.url);
    await terminal.until(kRow('ERROR +1 idle +no image in it'));
    // The newest is chosen.
    terminal.press('Enter');
    const detail = await terminal.until(/^error +no image in it \[OTF_FITS_NO_IMAGE\]/m);
    assert.match(detail, /^run id +bad/m);
    terminal.press('Escape');
    await terminal.until(kRow('ERROR'));
    terminal.press('Down');
    terminal.press('a');
    await terminal.until(new RegExp(`abort ${pending.slice(0, 8)}\\? y: yes`));
    terminal.press('n');
    await terminal.until(/q quit/);
    assert.equal(await b.phase(pending), 'PENDING', 'not without a yes');
    terminal.press('a');
    await terminal.until(/y: yes/);
    terminal.press('y');
    await terminal.until(kRow('ABORTED'));
    // Together, as a slow line brings them.
    terminal.press('j', 'Enter');
    await terminal.until(/run id +good/);
    terminal.press('w');
    await terminal.until(/written: field\.vot/);
    assert.equal(await readFile(join(folder, 'field.vot'), 'utf8'), kCatalogue);
    terminal.press('Escape');
    await terminal.until(kRow('COMPLETED'));
    terminal.press('f', 'f', 'f', 'f');
    const completed = await terminal.until(/completed: 1\/3/);
    assert.equal(completed.split('\n').filter((line) => kRow('').test(line)).length, 1);
    terminal.press('f', 'f', 'f');
    await terminal.until(/all: 3/);
    terminal.press('G', 'd');
    await terminal.until(new RegExp(`delete ${good.slice(0, 8)}\\? y: yes`));
    terminal.press('y');
    await terminal.until(/all: 2/);
    assert.equal(b.server.jobs.find(good, kServer), undefined);
    terminal.press('?');
    await terminal.until(/Ctrl-C: jobs go on/);
  });

  it('submits an image, says what is refused, and emulates a load that can be stopped', async (t) => {
    const b = await bench(t);
    const { terminal, folder } = await open(t, b.url);
    await writeFile(join(folder, 'sky.fits'), 'SIMPLE  =                    T');
    await terminal.until(/no jobs/);
    terminal.press('s');
    await terminal.until(/> image/);
    terminal.type('sky.fits');
    terminal.press('Enter');
    await terminal.until(/> model/);
    terminal.press('Enter');
    await terminal.until(/sent as j[0-9a-f]{32}/);
    await terminal.until(kRow('sky\\.fits +demo-con… COMPLETED'));
    // All keys of a form at once, as a paste gives them.
    terminal.press('s');
    await terminal.until(/> image/);
    terminal.type('nowhere.fits\rno-such-model\r');
    await terminal.until(/cannot read nowhere\.fits: no such file/);
    terminal.press('e');
    await terminal.until(/abort probability 0\.1/);
    terminal.press('Enter', 'Enter');
    terminal.type('\u007f\u007f3\r\u007f\u007f\u007f0.1\r\u007f\u007f\u007f1\r');
    await terminal.until(/emulation done: 3 of 3 jobs sent, 3 aborted/);
    assert.equal(b.server.jobs.counts().jobs, 4);
    terminal.press('e');
    await terminal.until(/abort probability/);
    terminal.press('Enter', 'Enter', 'Enter');
    terminal.type('\u007f\u007f\u007f5\r');
    terminal.press('Enter');
    await terminal.until(/1 of 20 jobs sent/);
    terminal.press('e');
    await terminal.until(/emulation stopped: 1 of 20 jobs sent/);
  });

  it('survives a server that goes and comes back, and says so', async (t) => {
    // One that was chosen by the system could not be had again at once.
    const server = { port: Number(await freePort()) };
    const first = await bench(t, { hold: true }, { server });
    await first.create({ PHASE: 'RUN', RUNID: 'kept' });
    const { terminal } = await open(t, first.url);
    await terminal.until(kRow('QUEUED'));
    await first.server.stop();
    const gone = await terminal.until(/GONE \d+ s, retrying: \w+/);
    assert.match(gone, kRow('QUEUED'), 'what was known stays');
    assert.match(gone, /the server is gone/, 'in the log, too');
    const again = await bench(t, {}, { server }, first.dataDir);
    await terminal.until(/there again/);
    const back = await terminal.until(kRow('COMPLETED'));
    assert.match(back, /the server is there again/);
    await again.create({ PHASE: 'RUN' });
    await terminal.until(/all: 2/);
  });

  it('uses a larger terminal, follows its size, and has no colours when told so', async (t) => {
    const b = await bench(t);
    for (let job = 0; job < 30; job++) await b.create();
    const { terminal } = await open(t, b.url, [140, 45], '--no-color');
    const large = await terminal.until(/demo-continuum +PENDING/);
    assertFits(large, 140);
    assert.ok(large.split('\n').filter((line) => kRow('').test(line)).length > 15);
    assert.doesNotMatch(terminal.screen(true), /\u001b\[[34]\dm/);
    terminal.press('G');
    await terminal.until(/^> j/m);
    terminal.resize(80, 24);
    assertFits(await terminal.until(/demo-con… PENDING[\s\S]*q quit/), 80);
  });

  const kFault = `import { existsSync } from 'node:fs';
    setInterval(() => { if (existsSync('now')) throw Error('boom'); }, 100).unref();`;
  const kEnds: [
    how: string,
    end: (terminal: Terminal, folder: string) => void | Promise<void>,
    shown: RegExp,
    env?: string,
  ][] = [
    ['q', (terminal) => terminal.press('q'), /ended with 0/],
    ['Ctrl-C', (terminal) => terminal.press('C-c'), /ended with 0/],
    [
      'a fault of its own',
      (_, folder) => writeFile(join(folder, 'now'), ''),
      /internal error: boom[\s\S]*ended with 1/,
      kFault,
    ],
  ];
  for (const [how, end, shown, fault] of kEnds) {
    it(`leaves the terminal as it was after ${how}`, async (t) => {
      const b = await bench(t);
      const folder = await tempDir(t);
      const preload = join(folder, 'fault.mjs');
      if (fault !== undefined) await writeFile(preload, fault);
      const env = fault === undefined ? {} : { FAULT: `--import=${preload}` };
      const terminal = new Terminal(t, folder, env);
      terminal.type(`${process.execPath} $FAULT ${kProgram} dashboard --server ${b.url}; echo ended with $?`);
      terminal.press('Enter');
      await terminal.until(/no jobs/);
      assert.deepEqual([terminal.state('alternate_on'), terminal.state('cursor_flag')], ['1', '0']);
      await end(terminal, folder);
      const after = await terminal.until(shown);
      // Wherever the line of the terminal ends.
      assert.match(after.replaceAll('\n', ''), /dashboard --server/, 'what was there before');
      assert.deepEqual([terminal.state('alternate_on'), terminal.state('cursor_flag')], ['0', '1']);
      terminal.type('stty -a | tr " " "\\n" | grep -x -e icanon -e echo | tr "\\n" "+"');
      terminal.press('Enter');
      await terminal.until(/(icanon\+echo|echo\+icanon)\+/);
    });
  }
});
