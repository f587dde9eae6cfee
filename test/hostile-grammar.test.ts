/**
 * Every grammar that people and servers write for us, by documents made at random: it is read, or refused in the words of the
 * catalogue. Anything else (another exception, a path of this machine, a 500, a server that is gone) is a fault.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '#otf/config/load.js';
import { kMaxMessage, OtfError } from '#otf/errors/catalogue.js';
import { kShippedModelsDir } from '#otf/models/registry.js';
import { parseIndex } from '#otf/models/remote/index-file.js';
import { parseUpstreamRegistry } from '#otf/models/upstream.js';
import { parseModelCard } from '#otf/tasks/cards.js';
import { parseObservatoryRequest } from '#otf/uws/observatory-xml.js';
import { bench, kLegacyXml, legacyBody, tempDir } from './service/bench.js';
import { rawExchange } from './service/raw.js';
import { mangled, runs } from './support/mangled.js';

/** True: read. False: refused as it should be. */
function reads(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (thrown) {
    assertRefusal(thrown);
    return false;
  }
}

function assertRefusal(thrown: unknown): void {
  assert.ok(thrown instanceof OtfError, `not of the catalogue: ${(thrown as Error).stack}`);
  assert.notEqual(thrown.code, 'OTF_INTERNAL');
  assert.ok(thrown.message.length <= kMaxMessage, 'a line, not the document');
}

const kRequests = [
  kLegacyXml,
  `<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:phase>PENDING</uws:phase><uws:parameters>
   <uws:parameter id="ModelName">net0_s1800.dat</uws:parameter><uws:parameter id="ra">12.5</uws:parameter>
   <uws:parameter id="norm_fct">["minmax","tanh"]</uws:parameter><uws:parameter id="min_pix">0.5</uws:parameter>
   </uws:parameters></uws:job>`,
];
const kRegistries = [
  `<uws:jobs xmlns:uws="u"><uws:job><uws:parameters><uws:parameter id="ModelName">a.dat</uws:parameter>
   <uws:parameter id="ModelURL">https://e.example/a.dat</uws:parameter></uws:parameters></uws:job></uws:jobs>`,
  '<Models><Model><Name>a.dat</Name><Url>https://e.example/a</Url></Model></Models>',
];
const kFile = { url: 'a/model.toml', size: 10, sha256: '0'.repeat(64) };
const kIndexes = [
  JSON.stringify({
    format: 'cianna-otf-models/1',
    models: [{ id: 'a', version: '1', card: kFile, weights: kFile, licence: 'CC0', trained: { unit: 'Jy/beam' } }],
  }),
  ...kRegistries,
];
const kXmlJunk = [
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&b;',
  '<![CDATA[',
  '<!--',
  '<a>'.repeat(400),
  ' xmlns:x="y"',
  '<?xml?>',
];
const kTomlJunk = ['[server]', '[[a]]', 'a.b.c = 1', '"""', '1979-05-27', 'inf', 'port = 99999999999', '{a={a={}}}'];
const kTomls = [
  '[server]\nport = 5000\nhost = "127.0.0.1"\nhosts = ["a.example"]\n[policy]\nmax_queued = 5\n[auth]\nanonymous = true\n',
  '[engine]\ndevices = ["cpu"]\n[fetch]\nallow_private = false\n[fetch.s3.a]\nendpoint = "https://s3.e.example"\naccess_key = "k"\nsecret_key_file = "/k"\nbuckets = ["b"]\n',
];
const kCards = await Promise.all(
  ['demo-continuum', 'demo-transients'].map((id) => readFile(join(kShippedModelsDir, id, 'model.toml'), 'utf8')),
);

describe('documents made at random', () => {
  it('request documents of the observatory are read or refused', () => {
    const read = fc.property(mangled(kRequests, kXmlJunk), (text) => {
      reads(() => parseObservatoryRequest(Buffer.from(text)));
    });
    fc.assert(read, runs(400));
    assert.ok(
      kRequests.every((text) => reads(() => parseObservatoryRequest(Buffer.from(text)))),
      'sound ones are read',
    );
  });

  it('registries and indexes of models are read or refused', () => {
    const registry = fc.property(mangled(kRegistries, kXmlJunk), (text) => {
      reads(() => parseUpstreamRegistry(text, 'registry'));
    });
    fc.assert(registry, runs(300));
    const index = fc.property(mangled(kIndexes, kXmlJunk), (text) => {
      reads(() => parseIndex(text, 'https://e.example/index.json'));
    });
    fc.assert(index, runs(300));
    assert.ok(
      kIndexes.every((text) => reads(() => parseIndex(text, 'https://e.example/i'))),
      'sound ones are read',
    );
    assert.ok(
      kRegistries.every((text) => reads(() => parseUpstreamRegistry(text, 'registry'))),
      'sound ones are read',
    );
  });

  it('cards are read or refused', () => {
    const read = fc.property(mangled(kCards, kTomlJunk), (text) => {
      reads(() => parseModelCard(text, 'model.toml'));
    });
    fc.assert(read, runs(300));
    assert.ok(
      kCards.every((text) => reads(() => parseModelCard(text, 'model.toml'))),
      'sound ones are read',
    );
  });

  it('configurations are read or refused', async (t) => {
    const file = join(await tempDir(t), 'otf.toml');
    const load = async (text: string) => {
      await writeFile(file, text);
      return loadConfig({ file, env: {} });
    };
    const read = fc.asyncProperty(mangled(kTomls, kTomlJunk), (text) =>
      load(text).then(() => undefined, assertRefusal),
    );
    await fc.assert(read, runs(200));
    for (const text of kTomls) await load(text);
  });
});

/** What no answer may be or have. */
function assertHarmless(answer: string, dataDir: string, what: string): void {
  const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
  assert.ok(
    status === undefined || Number(status) < 500 || ['501', '503', '505'].includes(status),
    `${what}: ${status}`,
  );
  assert.ok(!answer.includes(dataDir) && !/\bat .*\.js:\d+/.test(answer), `${what}: a path or a stack\n${answer}`);
}

const kParameters = [
  'PHASE',
  'IMAGE',
  'MODEL',
  'RUNID',
  'RA',
  'DEC',
  'WIDTH',
  'HEIGHT',
  'PRIORITY',
  'AFTER',
  'MEASURE',
];
const kPlaces = ['EXECUTIONDURATION', 'DESTRUCTION', 'QUANTIZATION', 'LAST', 'AFTER', 'WAIT', 'SIZE', 'RESPONSEFORMAT'];

describe('a server that is sent things made at random', () => {
  it('answers parameters of any name and value', async (t) => {
    const b = await bench(t, { hold: true });
    const name = fc.oneof(fc.constantFrom(...kParameters, ...kPlaces), fc.string({ maxLength: 20 }));
    const value = fc.oneof(
      mangled([
        'RUN',
        '10.5',
        '2030-01-01T00:00:00Z',
        'https://127.0.0.1/a.fits',
        'job:x/result',
        'upload:x',
        'demo-continuum',
      ]),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    const pairs = fc.array(fc.tuple(name, value), { maxLength: 6 });
    const target = fc.constantFrom(
      '/jobs',
      '/chains',
      '/jobs/nobody',
      '/jobs/nobody/phase',
      '/uploads',
      '/models',
      '/kinds',
    );
    const asked = fc.asyncProperty(fc.boolean(), target, pairs, async (changes, path, given) => {
      const query = new URLSearchParams(given).toString();
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = changes
        ? await b.send(path, { method: 'POST', body: query, headers: form })
        : await b.send(`${path}?${query.replaceAll(/(^|&)WAIT=[^&]*/gi, '')}`);
      assertHarmless(`HTTP/1.1 ${answer.status} ${await answer.text()}`, b.dataDir, `${path} ${query}`);
    });
    await fc.assert(asked, runs(300));
    assert.deepEqual(b.errors, []);
  });

  it('answers forms of the observatory with any document', async (t) => {
    const b = await bench(t, { hold: true });
    const asked = fc.asyncProperty(mangled(kRequests, kXmlJunk), async (text) => {
      const answer = await b.send('/jobs/', { method: 'POST', body: legacyBody(text) });
      assertHarmless(`HTTP/1.1 ${answer.status} ${await answer.text()}`, b.dataDir, text);
    });
    await fc.assert(asked, runs(100));
    assert.deepEqual(b.errors, []);
  });

  it('lives on after any bytes on its socket', async (t) => {
    const b = await bench(t, { hold: true });
    const requests = [
      'GET /jobs?LAST=3 HTTP/1.1\r\nHost: localhost\r\nAccept: text/html, */*;q=0.1\r\nConnection: close\r\n\r\n',
      'POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nPHASE=RUN',
      'POST /jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      'GET /jobs/x/results/result HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-5\r\nAuthorization: Basic eDp5\r\n\r\n',
    ];
    const junk = [
      'HTTP/1.0',
      'Transfer-Encoding: chunked\r\n',
      'Content-Length: -1\r\n',
      'ffffffffffffffff\r\n',
      '\r\n\r\n',
    ];
    const sent = fc.asyncProperty(mangled(requests, junk), async (text) => {
      assertHarmless(await rawExchange(b.url, Buffer.from(text), 40), b.dataDir, JSON.stringify(text));
    });
    await fc.assert(sent, runs(150));
    assert.equal((await b.send('/healthz')).status, 200);
    assert.deepEqual(b.errors, []);
  });
});
