/** What the server says for people: GET /summaries, GET /server, topics of /events, and codes of errors. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Bench, bench } from './service/bench.js';
import { peopled } from './service/people.js';
import { atEnd } from './support/endings.js';

interface Summary {
  id: string;
  phase: string;
  image?: string;
  [member: string]: unknown;
}

async function summaries(b: Bench, query = ''): Promise<Summary[]> {
  const answer = await b.send(`/summaries${query}`);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  return ((await answer.json()) as { jobs: Summary[] }).jobs;
}

interface Heard {
  event: string;
  data: Record<string, unknown>;
}

/** Events as they come; `until` reads on until one is as wanted. */
async function listen(t: TestContext, b: Bench, query: string) {
  const ending = new AbortController();
  const answer = await b.send(`/events${query}`, { signal: ending.signal });
  assert.equal(answer.status, 200, await (answer.ok ? '' : answer.text()));
  atEnd(t, () => ending.abort());
  const heard: Heard[] = [];
  let rest = '';
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const until = async (wanted: (event: Heard) => boolean): Promise<Heard> => {
    for (let from = 0; ; ) {
      const found = heard.slice(from).find(wanted);
      if (found) return found;
      from = heard.length;
      const { value, done } = (await reader?.read()) ?? { value: '', done: true };
      if (done) throw new Error('the events ended');
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (event !== undefined && data !== undefined) heard.push({ event, data: JSON.parse(data) });
      }
    }
  };
  return { heard, until };
}

describe('GET /summaries', () => {
  it('says what is known of a job, in the words of UWS', async (t) => {
    const b = await bench(t, { failure: (job) => (job.runId === 'bad' ? kFailure : undefined) });
    const good = await b.create({ PHASE: 'RUN', RUNID: 'a "b"', PRIORITY: '7' });
    await b.until(good, 'COMPLETED');
    const bad = await b.create({ PHASE: 'RUN', RUNID: 'bad' });
    await b.until(bad, 'ERROR');
    const pending = await b.form('/jobs', { IMAGE: 'https://example.org/sky/m%2031.fits?signature=secret' });
    assert.equal(pending.status, 303);
    const [first, second, third] = await summaries(b);
    assert.ok(first);
    const { creationTime, startTime, endTime, ...known } = first;
    for (const time of [creationTime, startTime, endTime]) assert.match(String(time), /^\d{4}-.*\.\d{3}Z$/);
    assert.deepEqual(known, {
      ...{ id: good, href: `${b.url}/jobs/${good}`, kind: 'detector', phase: 'COMPLETED', runId: 'a "b"' },
      ...{ image: 'field.fits', model: 'demo-continuum', quantization: 'FP32C_FP32A', priority: 7 },
      ...{ found: { count: 7, rows: 'sources' }, batch: { id: 'b1', size: 1, reason: 'idle' } },
      ...{ engine: 'fake', device: 'none', computeType: 'FP32C_FP32A' },
    });
    assert.deepEqual([second?.id, second?.error, second?.errorCode], [bad, 'no image in it', 'OTF_FITS_NO_IMAGE']);
    assert.deepEqual([third?.phase, third?.image], ['PENDING', 'm 31.fits'], 'and nothing of the query of a URL');
    assert.match(await b.text(`/jobs/${good}`, kXml), /<otf:sourcesFound>7</);
    assert.match(await b.text(`/jobs/${bad}`, kXml), /<otf:errorCode>OTF_FITS_NO_IMAGE</);
  });

  it('filters as the list does, and by the beginning of ids', async (t) => {
    const b = await bench(t, { hold: true });
    const ids = [await b.create(), await b.create({ PHASE: 'RUN' }), await b.create()];
    const of = async (query: string) => (await summaries(b, query)).map(({ id }) => id);
    assert.deepEqual(await of(''), ids);
    assert.deepEqual(await of('?LAST=2'), [ids[2], ids[1]]);
    assert.deepEqual(await of('?PHASE=QUEUED'), [ids[1]]);
    assert.deepEqual(await of(`?ID=${ids[0]}`), [ids[0]]);
    assert.deepEqual(await of(`?ID=${ids[1]?.slice(0, 20)}&PHASE=QUEUED`), [ids[1]]);
    assert.deepEqual(await of(`?ID=${ids[1]}&PHASE=PENDING`), []);
    assert.deepEqual(await of('?ID=j'), [...ids].reverse(), 'the newest first');
    assert.deepEqual(await of('?ID=k'), []);
    assert.equal((await summaries(b, `?ID=${ids[1]}`))[0]?.position, 1);
    for (const query of ['ID=', 'ID=j%25', "ID=j'--", `ID=${'j'.repeat(65)}`, 'ID=j&ID=j', 'LAST=0', 'PHASE=SAD']) {
      const answer = await b.send(`/summaries?${query}`);
      assert.deepEqual([answer.status, answer.headers.get('otf-error')], [400, 'OTF_BAD_REQUEST'], query);
    }
    assert.equal((await b.send(`/jobs/${ids[0]?.slice(0, 20)}`)).status, 404, 'addresses are whole');
  });

  it('gives a long list in pieces that are one document', async (t) => {
    const b = await bench(t, { hold: true });
    for (let job = 0; job < 230; job++) await b.create();
    assert.equal(new Set((await summaries(b)).map(({ id }) => id)).size, 230);
  });
});

const kFailure = { type: 'fatal', code: 'OTF_FITS_NO_IMAGE', message: 'no image in it' } as const;
const kXml = { headers: { accept: 'text/xml' } };

describe('GET /summaries on a server that knows who asks', () => {
  it('gives each what is his, and tells him of nothing else', async (t) => {
    const { b, tokens, as, id } = await peopled(t, { hold: true });
    const of = async (token: string, query: string) => (await as(token)(`/summaries${query}`)).text();
    for (const query of ['', `?ID=${id}`, `?ID=${id.slice(0, 5)}&LAST=1`, '?PHASE=QUEUED']) {
      assert.ok((await of(tokens.ada, query)).includes(id), query);
      assert.ok((await of(tokens.root, query)).includes(id), query);
      assert.deepEqual(JSON.parse(await of(tokens.bob, query)), { jobs: [] }, query);
    }
    const listening = new AbortController();
    atEnd(t, () => listening.abort());
    const heard = { ada: '', bob: '' };
    for (const name of ['ada', 'bob'] as const) {
      const topics = '/events?TOPIC=job&TOPIC=log&TOPIC=progress';
      const { body } = await as(tokens[name])(topics, { signal: listening.signal });
      const read = async () => {
        for await (const piece of body ?? []) heard[name] += Buffer.from(piece).toString();
      };
      read().catch(() => undefined);
    }
    b.executor.release();
    while (!heard.ada.includes('COMPLETED')) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(heard.ada.includes('event: log') && heard.ada.includes('event: job'));
    assert.ok(!heard.bob.includes('event:'), heard.bob);
  });
});

describe('GET /server', () => {
  it('says what waits, on what it would run, and how much there is', async (t) => {
    const b = await bench(t, { hold: true });
    await b.create({ PHASE: 'RUN' });
    const state = (await (await b.send('/server')).json()) as Record<string, unknown>;
    assert.deepEqual(state.queues, b.executor.state().queues);
    assert.deepEqual(state.devices, b.executor.state().devices);
    assert.deepEqual([state.ready, state.maxBatch, state.executing], [true, 8, 0]);
    assert.equal((state.jobs as Record<string, number>).QUEUED, 1);
    assert.ok(Number(state.freeBytes) > 0 && Number(state.storedBytes) > 2000);
    assert.match(JSON.stringify(state.software), /^\{"name":"cianna-otf","version":"\d/);
    assert.ok(!JSON.stringify(state).includes(b.dataDir), 'no path of this machine');
  });
});

describe('GET /events', () => {
  it('tells of phases and progress alone unless more is asked for', async (t) => {
    const b = await bench(t);
    const { heard, until } = await listen(t, b, '');
    const id = await b.create({ PHASE: 'RUN' });
    await until(({ data }) => data.phase === 'COMPLETED' && data.jobId === id);
    assert.deepEqual([...new Set(heard.map(({ event }) => event))].sort(), ['phase', 'progress']);
  });

  it('tells of jobs whole, of their logs and of the server where that is asked for', async (t) => {
    const b = await bench(t);
    const { heard, until } = await listen(t, b, '?TOPIC=job&topic=log&TOPIC=server');
    const { data: server } = await until(({ event }) => event === 'server');
    assert.equal(server.maxBatch, 8);
    const id = await b.create({ PHASE: 'RUN' });
    const { data } = await until(({ event, data }) => event === 'job' && data.phase === 'COMPLETED');
    assert.deepEqual([data, heard.some(({ event }) => event === 'phase')], [(await summaries(b))[0], false]);
    const log = heard.find(({ event }) => event === 'log');
    assert.deepEqual([log?.data.jobId, log?.data.message, log?.data.level], [id, 'first tile done', 'info']);
    await b.send(`/jobs/${id}`, { method: 'DELETE' });
    const gone = await until(({ event, data }) => event === 'job' && data.phase === 'DELETED');
    assert.deepEqual(gone.data, { id, phase: 'DELETED' });
    // Once a second, as long as somebody listens.
    const before = heard.filter(({ event }) => event === 'server').length;
    await until(() => heard.filter(({ event }) => event === 'server').length > before);
  });

  it('keeps to one job, and refuses topics that there are not', async (t) => {
    const b = await bench(t);
    const [one, other] = [await b.create(), await b.create()];
    const { heard, until } = await listen(t, b, `?JOB=${one}&TOPIC=job`);
    for (const id of [other, one]) await b.form(`/jobs/${id}/phase`, { PHASE: 'RUN' });
    await until(({ data }) => data.phase === 'COMPLETED');
    assert.ok(heard.every(({ data }) => data.id === one));
    assert.equal((await b.send('/events?TOPIC=weather')).status, 400);
  });
});
