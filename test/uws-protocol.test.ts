import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kServer } from '#otf/jobs/access.js';
import { parseInstant } from '#otf/uws/instants.js';
import { wanted } from '#otf/uws/negotiate.js';
import { bench, kImage } from './service/bench.js';

const kJava = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2';
const kUpstreamXml = `<?xml version="1.0"?><uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:jobId>JSmith_1</uws:jobId>
<uws:phase>QUEUING</uws:phase><uws:parameters><uws:parameter id="ModelName">demo-continuum.dat</uws:parameter>
<uws:parameter id="Quantization">FP32C_FP32A</uws:parameter><uws:parameter id="RA">12.0</uws:parameter>
<uws:parameter id="FITS_Path">/home/x/secret.fits</uws:parameter></uws:parameters></uws:job>`;

describe('content negotiation', () => {
  it('reads Accept as docs/interop.md has it', () => {
    assert.equal(wanted(''), 'any');
    assert.equal(wanted('*/*'), 'any');
    assert.equal(wanted(kJava), 'any');
    assert.equal(wanted('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'), 'xml');
    assert.equal(wanted('application/json, text/xml;q=0.1'), 'xml');
    assert.equal(wanted('Application/JSON'), 'json');
    assert.equal(wanted('application/xml;q=0, application/json'), 'json');
  });

  it('answers by the style of the job when Accept says nothing', async (t) => {
    const b = await bench(t);
    const standard = await b.create({ PHASE: 'RUN' });
    const legacy = await b.createLegacy(kUpstreamXml);
    await b.until(standard, 'COMPLETED');
    await b.until(legacy, 'COMPLETED');
    const type = async (path: string, accept: string) => {
      const answer = await b.send(path, { headers: { accept } });
      assert.equal(answer.status, 200);
      if (/\/jobs\/j[0-9a-f]+$/.test(path)) assert.match(answer.headers.get('vary') ?? '', /Accept/);
      return answer.headers.get('content-type')?.split(';')[0];
    };
    for (const accept of ['*/*', kJava]) {
      assert.equal(await type(`/jobs/${standard}`, accept), 'text/xml');
      assert.equal(await type(`/jobs/${standard}/results`, accept), 'text/xml');
      assert.equal(await type(`/jobs/${legacy}`, accept), 'application/json');
      assert.equal(await type(`/jobs/${legacy}/results`, accept), 'application/octet-stream');
      assert.equal(await type(`/uws/${legacy}`, accept), 'text/xml');
      assert.equal(await type('/jobs', accept), 'text/xml');
    }
    for (const id of [standard, legacy]) {
      assert.equal(await type(`/jobs/${id}`, 'application/xml'), 'text/xml');
      assert.equal(await type(`/jobs/${id}/results`, 'text/xml'), 'text/xml');
      const status = JSON.parse(await b.text(`/jobs/${id}`, { headers: { accept: 'application/json' } }));
      assert.deepEqual(
        [Object.keys(status), status.jobId, status.phase],
        [['jobId', 'phase', 'timestamp'], id, 'COMPLETED'],
      );
    }
    const list = await b.text('/jobs');
    for (const [, href] of list.matchAll(/xlink:href="([^"]+)"/g))
      assert.equal(await type(href ?? '', '*/*'), 'text/xml');
    assert.match(list, new RegExp(`${b.url}/uws/${legacy}"`));
  });

  it('takes ABORT as JSON and answers in JSON; to a form it says 303, or JSON for older clients', async (t) => {
    const b = await bench(t, { hold: true });
    const abort = (id: string) =>
      b.send(`/jobs/${id}/phase`, {
        method: 'POST',
        body: '{"PHASE":"ABORT"}',
        headers: { 'content-type': 'application/json' },
      });
    for (const id of [await b.create({ PHASE: 'RUN' }), await b.createLegacy()]) {
      const answer = await abort(id);
      assert.equal(answer.status, 200);
      const status = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual([status.jobId, status.phase, status.removedFromBuffers], [id, 'ABORTED', true]);
    }
    const legacy = await b.createLegacy();
    const byForm = await b.form(`/jobs/${legacy}/phase`, { PHASE: 'ABORT' });
    assert.equal(byForm.status, 200);
    assert.equal(((await byForm.json()) as { phase: string }).phase, 'ABORTED');
    for (const fields of [{ PHASE: 'RUN' }, {}] as Record<string, string>[]) {
      const answer = await b.form(`/jobs/${legacy}/phase`, fields);
      assert.equal(answer.status, 400);
      assert.ok('error' in ((await answer.json()) as object));
    }
    const broken = { method: 'POST', body: '{"PHASE"', headers: { 'content-type': 'application/json' } };
    assert.equal((await b.send(`/jobs/${legacy}/phase`, broken)).status, 400);
    const pending = await b.create();
    for (const PHASE of ['cancel', 'SUSPEND', ''])
      assert.equal((await b.form(`/jobs/${pending}/phase`, { PHASE })).status, 400);
  });
});

describe('older clients', () => {
  it('starts at once, answers JSON, and gives net0_rts_ID.dat', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await b.createLegacy(kUpstreamXml);
    assert.equal(await b.phase(id), 'QUEUED');
    const early = await b.send(`/jobs/${id}/results`);
    assert.equal(early.status, 400);
    assert.ok('error' in ((await early.json()) as object));
    b.executor.release();
    await b.until(id, 'COMPLETED');
    const download = await b.send(`/jobs/${id}/results`);
    assert.equal(download.headers.get('content-disposition'), `attachment; filename="net0_rts_${id}.dat"`);
    assert.deepEqual([...new Float32Array(await download.arrayBuffer())], [1, 2, 3]);
    const job = b.server.jobs.get(id, kServer);
    assert.deepEqual(
      [job.modelId, job.quantization, job.parameters.asked.region],
      ['demo-continuum', 'FP32C_FP32A', undefined],
    );
    assert.equal(await b.text(`/jobs/${id}/parameters/REQUEST`), kUpstreamXml);
    const unknown = await b.send('/jobs/nope');
    assert.equal(unknown.status, 404);
    assert.ok('error' in ((await unknown.json()) as object));
    assert.match(await b.text('/model-files/CIANNA_models.xml'), /id="ModelName"/);
    const weights = await b.send('/model-files/demo-continuum.dat');
    assert.equal(weights.status, 200);
    await weights.arrayBuffer();
  });

  it('refuses a missing part, an empty one, a wrong ending and bad XML with 400 and JSON', async (t) => {
    const b = await bench(t);
    const attempt = async (parts: [string, string | Buffer, string][]) => {
      const body = new FormData();
      for (const [name, content, filename] of parts) body.append(name, new Blob([content as string]), filename);
      const answer = await b.send('/jobs/', { method: 'POST', body });
      return [answer.status, Object.keys((await answer.json()) as object)];
    };
    const expected = [400, ['error']];
    const fits: [string, Buffer, string] = ['fits', kImage, 'image.fits'];
    assert.deepEqual(await attempt([fits]), expected);
    assert.deepEqual(await attempt([['xml', '<a/>', 'a.xml']]), expected);
    assert.deepEqual(await attempt([['xml', '<a/>', 'a.txt'], fits]), expected);
    assert.deepEqual(
      await attempt([
        ['xml', '<a/>', 'a.xml'],
        ['fits', kImage, 'a.png'],
      ]),
      expected,
    );
    assert.deepEqual(
      await attempt([
        ['xml', '<a/>', 'a.xml'],
        ['fits', '', 'a.fits'],
      ]),
      expected,
    );
    const entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>';
    const bad = [
      entity,
      '<a><b></a>',
      '',
      'x',
      '<a>'.repeat(5000),
      `<a>${'<b>'.repeat(40)}${'</b>'.repeat(40)}</a>`,
      ' '.repeat(2 << 20),
    ];
    for (const xml of bad) assert.deepEqual(await attempt([['xml', xml, 'a.xml'], fits]), expected, xml.slice(0, 30));
    assert.equal(b.server.jobs.counts().jobs, 0);
  });
});

describe('job list', () => {
  it('reads instants', () => {
    const at = (text: string) => {
      const ms = parseInstant(text);
      return ms === undefined ? undefined : new Date(ms).toISOString();
    };
    assert.equal(at('2015'), '2015-01-01T00:00:00.000Z');
    assert.equal(at('2015-10-26'), '2015-10-26T00:00:00.000Z');
    assert.equal(at('20151026'), '2015-10-26T00:00:00.000Z');
    assert.equal(at('2015-10-26T09:10'), '2015-10-26T09:10:00.000Z');
    assert.equal(at('2015-10-26 09:10:11.5Z'), '2015-10-26T09:10:11.500Z');
    assert.equal(at('2016-02-29T23:59:59.123999'), '2016-02-29T23:59:59.123Z');
    const bad = [
      '',
      'now',
      '15',
      '2015-02-29',
      '2015-13-01',
      '2015-10-26T24:00',
      '2015-10-26T09:60',
      '2015-10-26T09:10:11+01:00',
    ];
    bad.push(
      '2015-10-26T09:10:11 00:00',
      '2015Z',
      '2015-10-26T',
      '2015-10-26T09',
      '2015T10:00',
      '2015-10-26T10:00ZZ',
      '20150',
    );
    for (const text of bad) assert.equal(at(text), undefined, text);
  });

  it('filters by PHASE, AFTER and LAST, all of them together', async (t) => {
    const b = await bench(t, { hold: true });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push(await b.create(i % 2 ? { PHASE: 'RUN' } : {}));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const list = async (query: string) =>
      [...(await b.text(`/jobs?${query}`)).matchAll(/jobref id="([^"]+)"/g)].map(([, id]) => id);
    const [, q1, p2, q2] = ids;
    assert.deepEqual(await list(''), ids);
    assert.deepEqual(await list('PHASE=QUEUED'), [q1, q2]);
    assert.deepEqual(await list('PHASE=QUEUED&phase=PENDING'), ids);
    assert.deepEqual(await list('PHASE=queued'), [q1, q2]);
    assert.deepEqual(await list('PHASE=ARCHIVED'), []);
    assert.deepEqual(await list('LAST=2'), [q2, p2]);
    assert.deepEqual(await list('LAST=1&PHASE=PENDING'), [p2]);
    const created = /<uws:creationTime>([^<]+)/.exec(await b.text(`/jobs/${q1}`))?.[1] ?? '';
    assert.deepEqual(await list(`AFTER=${created}`), [p2, q2]);
    assert.deepEqual(await list(`AFTER=${created}&PHASE=PENDING&LAST=9`), [p2]);
    assert.deepEqual(await list('AFTER=2015'), ids);
    for (const query of [
      'PHASE=nope',
      'PHASE=',
      'LAST=0',
      'LAST=-1',
      'LAST=x',
      'LAST=1&LAST=2',
      'AFTER=x',
      'AFTER=',
      'AFTER=2015-10-26T09:10:11%2B01:00',
    ]) {
      assert.equal((await b.send(`/jobs?${query}`)).status, 400, query);
    }
  });
});
