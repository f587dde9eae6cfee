/** Today's contract of the observatory's server and clients (docs/interop.md), and how it is told from that of 2025-12. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kServer } from '#otf/jobs/access.js';
import { chooseNormalisation } from '#otf/models/normalisation.js';
import type { NormalisationEntry } from '#otf/models/schema.js';
import { parseObservatoryRequest } from '#otf/uws/observatory-xml.js';
import { type Bench, bench, kCatalogue, legacyBody } from './service/bench.js';

const job = (parameters: string, phase = 'PENDING') =>
  `<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:jobId>u</uws:jobId><uws:phase>${phase}</uws:phase>` +
  `<uws:parameters>${parameters}</uws:parameters></uws:job>`;
const parameter = (id: string, value: string) => `<uws:parameter id="${id}">${value}</uws:parameter>`;
const kDefaults =
  parameter('yolo_model', 'demo-continuum') + parameter('quantization', 'FP32C_FP32A') + parameter('user_id', 'me');
const kToday = job(kDefaults);
const kOlder = job(
  parameter('ModelName', 'demo-continuum') + parameter('RA', '12.0') + parameter('FITS_Path', '/home/x/a.fits'),
  'QUEUING',
);

async function post(b: Bench, xml: string): Promise<Response> {
  return b.send('/jobs/', { method: 'POST', body: legacyBody(xml) });
}

async function create(b: Bench, xml: string): Promise<string> {
  const answer = await post(b, xml);
  assert.equal(answer.status, 303, await answer.text());
  const id = (answer.headers.get('location') ?? '').split('/').pop() ?? '';
  assert.equal(answer.headers.get('location'), `${b.url}/jobs/${id}`);
  return id;
}

describe("today's contract", () => {
  it('runs at once, answers UWS XML or JSON, and gives the VOTable', async (t) => {
    const b = await bench(t, { hold: true });
    const id = await create(b, kToday);
    assert.equal(await b.phase(id), 'QUEUED');
    const type = async (path: string, accept: string) =>
      (await b.send(path, { headers: { accept } })).headers.get('content-type')?.split(';')[0];
    for (const accept of ['*/*', 'text/html, */*;q=0.1', 'application/xml'])
      assert.equal(await type(`/jobs/${id}`, accept), 'text/xml');
    assert.equal(await type(`/jobs/${id}`, 'application/json'), 'application/json');
    const early = await b.send(`/jobs/${id}/results`);
    assert.equal(early.status, 404);
    assert.match(((await early.json()) as { error: string }).error, /QUEUED/);
    b.executor.release();
    await b.until(id, 'COMPLETED');
    for (const accept of ['*/*', 'application/x-votable+xml', 'application/x-votable+xml, application/xml;q=0.9']) {
      const table = await b.send(`/jobs/${id}/results`, { headers: { accept } });
      assert.equal(table.status, 200);
      assert.equal(table.headers.get('content-type'), 'application/x-votable+xml');
      assert.equal(table.headers.get('content-disposition'), `attachment; filename="net0_rts_${id}.vot"`);
      assert.equal(await table.text(), kCatalogue);
    }
    // Walkers of the list still meet UWS documents.
    assert.equal(await type(`/jobs/${id}/results`, 'text/xml'), 'text/xml');
    assert.match(await b.text('/jobs'), new RegExp(`${b.url}/uws/${id}"`));
    assert.equal(await type(`/uws/${id}/results`, '*/*'), 'text/xml');
    const abort = await b.form(`/jobs/${await create(b, kToday)}/phase`, { PHASE: 'ABORT' });
    assert.equal(abort.status, 303);
  });

  it('is told from that of 2025-12 by the shape of the XML, unless the configuration says which it is', async (t) => {
    const contract = (xml: string) => parseObservatoryRequest(Buffer.from(xml)).contract;
    assert.equal(contract(kToday), 'current');
    assert.equal(contract(kOlder), '2025-12');
    assert.equal(contract(job('')), 'current');
    assert.equal(contract(job(kDefaults, 'QUEUING')), 'current');
    assert.equal(contract(job(parameter('ModelName', 'm') + parameter('norm_fct', 'tanh'), 'QUEUING')), 'current');
    assert.equal(contract('<r><yolo_model><name>n</name></yolo_model></r>'), '2025-12');
    for (const [observatory_contract, xml, style] of [
      ['auto', kOlder, 'legacy'],
      ['auto', kToday, 'observatory'],
      ['2025-12', kToday, 'legacy'],
      ['current', kOlder, 'observatory'],
    ] as const) {
      const b = await bench(t, {}, { server: { observatory_contract } });
      assert.equal(b.server.jobs.get(await create(b, xml), kServer).style, style, `${observatory_contract} ${style}`);
    }
  });

  it('takes region, normalisation, compute type and model from the request', async (t) => {
    const b = await bench(t, { hold: true });
    const given = async (xml: string) => {
      const { modelId, quantization, parameters } = b.server.jobs.get(await create(b, xml), kServer);
      return { modelId, quantization, region: parameters.asked.region, normalisation: parameters.asked.normalisation };
    };
    assert.deepEqual(
      await given(
        job(
          parameter('yolo_model', 'demo-continuum.dat') +
            parameter('quantization', 'bf16c_fp32a') +
            parameter('ra', '150.1') +
            parameter('dec', '-30.2') +
            parameter('roi_w', '300') +
            parameter('roi_h', '200') +
            parameter('norm_fct', "['sqrt', 'tanh']") +
            parameter('min_pix', '1.5') +
            parameter('max_pix', '99.5'),
        ),
      ),
      {
        modelId: 'demo-continuum',
        quantization: 'BF16C_FP32A',
        region: { roi: [150.1, -30.2, 300, 200], frame: 'ICRS', ifInside: true },
        normalisation: { normFct: ['sqrt', 'tanh'], minPix: 1.5, maxPix: 99.5 },
      },
    );
    // The spellings of UWS parameters, defaults of the sides, repeated elements, Python's None.
    const other = await given(
      job(
        parameter('ModelName', 'default_model') +
          parameter('RA', '10') +
          parameter('DEC', '20') +
          parameter('NormFct', 'tanh') +
          parameter('NormFct', 'log') +
          parameter('MinPix', 'None'),
      ),
    );
    assert.deepEqual(other, {
      modelId: 'demo-continuum',
      quantization: 'FP32C_FP32A',
      region: { roi: [10, 20, 512, 512], frame: 'ICRS', ifInside: true },
      normalisation: { normFct: ['tanh', 'log'] },
    });
    assert.deepEqual(await given(kOlder), {
      modelId: 'demo-continuum',
      quantization: 'FP32C_FP32A',
      region: undefined,
      normalisation: undefined,
    });
  });

  it('refuses what it cannot mean, in JSON', async (t) => {
    const b = await bench(t);
    const refused = async (id: string, value: string, message: RegExp, more = '') => {
      const answer = await post(b, job(kDefaults + more + parameter(id, value)));
      assert.ok(answer.status >= 400 && answer.status < 500, `${id}=${value}: ${answer.status}`);
      assert.match(((await answer.json()) as { error: string }).error, message);
    };
    await refused('norm_fct', 'cosh', /norm_fct=cosh: not one of tanh, sqrt, linear, log/);
    await refused('max_pix', '4e-05', /max_pix=4e-05: .*pixel value/);
    await refused('min_pix', '101', /min_pix=101: not a percentile/);
    await refused('min_pix', 'x', /min_pix=x: not a percentile/);
    await refused('min_pix', '99.9', /min_pix 99.9 is not below max_pix 99.8/);
    await refused('dec', 'north', /DEC=north: not a number from -90 to 90/, parameter('ra', '1'));
    await refused('dec', '91', /DEC=91: not a number from -90 to 90/, parameter('ra', '1'));
    const model = await post(b, job(parameter('yolo_model', 'nobody')));
    assert.deepEqual([model.status, /unknown model \\"nobody/.test(await model.text())], [422, true]);
    assert.equal(b.server.jobs.counts().jobs, 0);
  });

  it('reads the forms of 2025-12 too', () => {
    const read = (xml: string) => {
      const { model, quantization } = parseObservatoryRequest(Buffer.from(xml));
      return { model, quantization };
    };
    assert.deepEqual(read(kOlder), { model: 'demo-continuum', quantization: undefined });
    const old =
      '<r><yolo_model><name>n</name><filename>"f.dat"</filename></yolo_model><preprocessing><quantization>FP16C_FP32A</quantization></preprocessing></r>';
    assert.deepEqual(read(old), { model: 'f.dat', quantization: 'FP16C_FP32A' });
    assert.equal(read('<r><yolo_model><name>n</name></yolo_model></r>').model, 'n');
    assert.deepEqual(read('<job/>'), { model: undefined, quantization: undefined });
    assert.equal(read('<p><parameter id="model_id">a&amp;b</parameter></p>').model, 'a&b');
    assert.throws(() => parseObservatoryRequest(Uint8Array.of(0x3c, 0x61, 0x3e, 0xff, 0x3c)), {
      code: 'OTF_XML_MALFORMED',
    });
    // Names of objects' own members are names like others.
    assert.equal(read('<p><parameter id="constructor">x</parameter><toString>y</toString></p>').model, undefined);
  });

  it('is not slowed by a thousand times the same element', () => {
    const xml = `<p>${'<a/>'.repeat(200_000)}</p>`;
    assert.equal(parseObservatoryRequest(Buffer.from(xml)).contract, 'current');
  });
});

describe('the normalisation of a job', () => {
  const card: NormalisationEntry[] = [{ op: 'clip', min: 4e-7, max: 4e-5 }, { op: 'rescale' }, { op: 'tanh', k: 3 }];
  const choose = (server: object, request: object, steps = card) =>
    chooseNormalisation({ normalisation: steps }, server, request);

  it("is the card's without a wish, and stays so when the wish is what the card does", () => {
    assert.deepEqual(choose({}, {}), { steps: card, limitsFrom: 'model card', functionsFrom: 'model card' });
    assert.deepEqual(choose({}, { normFct: ['tanh'] }).steps, card);
  });

  it('merges card < server < request, value by value', () => {
    const server = { normFct: ['sqrt'] as const, minPix: 1, maxPix: 99 };
    const clip = (min: number, max: number) => ({ op: 'clip_percentile', min, max });
    assert.deepEqual(choose(server, {}), {
      steps: [clip(1, 99), { op: 'rescale' }, { op: 'sqrt', k: 1 }],
      limitsFrom: 'server',
      functionsFrom: 'server',
    });
    assert.deepEqual(choose(server, { normFct: ['tanh', 'log'], maxPix: 50 }), {
      steps: [clip(1, 50), { op: 'rescale' }, { op: 'tanh', k: 3 }, { op: 'log1p', k: 1 }],
      limitsFrom: 'request',
      functionsFrom: 'request',
    });
    assert.deepEqual(choose({}, { minPix: 10 }).steps, [clip(10, 99.8), { op: 'rescale' }, { op: 'tanh', k: 3 }]);
    const percentiles: NormalisationEntry[] = [
      { op: 'clip_percentile', min: 5, max: 95 },
      { op: 'linear', k: 2 },
    ];
    assert.deepEqual(choose({}, { minPix: 10 }, percentiles).steps, [clip(10, 95), { op: 'linear', k: 2 }]);
    assert.deepEqual(choose({}, { minPix: 10 }, [{ op: 'linear', k: 2 }]).steps, [
      clip(10, 99.8),
      { op: 'rescale' },
      { op: 'linear', k: 2 },
    ]);
    assert.throws(() => choose(server, { minPix: 99 }), { code: 'OTF_BAD_REQUEST', message: /99 is not below/ });
  });
});
