import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import { kArguments, provenanceRecords } from '#otf/provenance/records.js';
import { bench } from './service/bench.js';
import { python, withoutPython } from './service/python.js';

type Members = Record<string, unknown>;
type ProvJson = Record<string, Record<string, Members>>;

async function documents(t: Parameters<typeof bench>[0], owner = 'Ada "the" <first>') {
  const b = await bench(t, {}, { auth: { owner_header: 'x-user' } });
  const body = new FormData();
  body.append('IMAGE', new Blob(['x']), 'a.fits');
  body.append('PHASE', 'RUN');
  b.headers['x-user'] = owner;
  const created = await b.send('/jobs', { method: 'POST', body });
  const id = created.headers.get('location')?.split('/').pop() ?? '';
  await b.until(id, 'COMPLETED');
  const of = (name: string) => b.text(`/jobs/${id}/results/${name}`);
  return { id, b, json: await of('provjson'), n: await of('provn'), xml: await of('provxml') };
}

describe('provenance', () => {
  it('declares every name once, generates each entity once, gives every relation a role', async (t) => {
    const { id, json, b } = await documents(t);
    const document = JSON.parse(json) as ProvJson;
    const elements = ['entity', 'activity', 'agent'].flatMap((kind) => Object.keys(document[kind] ?? {}));
    assert.equal(new Set(elements).size, elements.length);
    for (const name of elements) assert.match(name, /^otf:[A-Za-z_][\w.-]*$/);
    for (const kind of Object.keys(kArguments)) {
      for (const members of Object.values(document[kind] ?? {})) {
        assert.ok('prov:role' in members, kind);
        for (const [argument, value] of Object.entries(members)) {
          const formal = kArguments[kind as keyof typeof kArguments].includes(argument.replace('prov:', ''));
          if (formal && argument !== 'prov:time')
            assert.ok(elements.includes(String(value)), `${kind} ${argument} ${value}`);
        }
      }
    }
    const generated = Object.values(document.wasGeneratedBy ?? {}).map((members) => members['prov:entity']);
    assert.equal(new Set(generated).size, generated.length);
    const run = `otf:job-${id}`;
    const used = Object.values(document.used ?? {}).filter((members) => members['prov:activity'] === run);
    assert.deepEqual(used.map((members) => members['prov:role']).sort(), ['description', 'image', 'model']);
    const catalogue = document.entity?.[`otf:job-${id}-result`];
    assert.deepEqual(catalogue?.['prov:location'], { $: `${b.url}/jobs/${id}/results/result`, type: 'xsd:anyURI' });
    assert.match(String(catalogue?.['otf:sha256']), /^[0-9a-f]{64}$/);
    assert.ok(`otf:job-${id}-log` in (document.entity ?? {}));
    assert.equal(
      document.activity?.[run]?.['otf:tile'] && (document.activity[run]['otf:tile'] as { $: string }).$,
      '256',
    );
    for (const known of Object.keys(document)) {
      assert.ok(['prefix', 'entity', 'activity', 'agent', ...Object.keys(kArguments)].includes(known), known);
    }
  });

  it('orders the children of PROV-XML as its schema does', async (t) => {
    const { xml } = await documents(t);
    const order = ['prov:label', 'prov:location', 'prov:role', 'prov:type', 'prov:value', 'other'];
    const parser = new XMLParser({ preserveOrder: true, ignoreAttributes: true });
    const root = (parser.parse(xml) as Record<string, Record<string, unknown[]>[]>[]).at(-1)?.['prov:document'] ?? [];
    assert.ok(root.length > 15);
    for (const record of root) {
      const names = Object.values(record)[0]?.map((child) => Object.keys(child as object)[0] ?? '') ?? [];
      const places = names
        .map((name) => order.indexOf(name))
        .map((place, index) => (place < 0 && !names[index]?.startsWith('prov:') ? 5 : place));
      assert.deepEqual(
        places,
        [...places].sort((a, c) => a - c),
        names.join(' '),
      );
    }
  });

  it('says the same in all three notations, to an independent reader', { skip: withoutPython('prov') }, async (t) => {
    const { json, n, xml } = await documents(t);
    const script = `
import io, json, sys
from prov.model import ProvDocument
given = json.load(sys.stdin)
a = ProvDocument.deserialize(content=given['json'], format='json')
b = ProvDocument.deserialize(content=given['xml'], format='xml')
print(a == b)
print(len(a.get_records()))
def lines(text):
    return sorted(l.strip() for l in text.splitlines() if '(' in l)
import re
norm = lambda l: re.sub(r'\\s', '', l)
ours = [l.split('(')[0] for l in lines(given['n'])]
theirs = [l.split('(')[0] for l in lines(a.get_provn())]
print(ours == theirs)
`;
    const [equal, count, sameRecords] = (await python(script, [], JSON.stringify({ json, n, xml }))).trim().split('\n');
    assert.equal(equal, 'True');
    assert.ok(Number(count) > 15);
    assert.equal(sameRecords, 'True');
  });

  it('escapes what people call themselves, in every notation', async (t) => {
    const { json, n, xml } = await documents(t, 'a\\b "c" <d> & e');
    assert.doesNotThrow(() => JSON.parse(json));
    assert.match(n, /prov:label="a\\\\b \\"c\\" <d> & e"/);
    assert.ok(xml.includes('<prov:label>a\\b &quot;c&quot; &lt;d&gt; &amp; e</prov:label>'));
  });

  it('takes any text as an owner without making two people one', () => {
    const base = {
      jobId: 'j1',
      jobUrl: 'u',
      namespace: 'n#',
      label: 'l',
      startedMs: 0,
      endedMs: 1,
      activity: 'a',
      parameters: {},
    };
    const file = (id: string) => ({ id, label: id, location: 'u', mime: 'm' });
    const main = file('c');
    const used = [{ file: file('i'), role: 'image', type: 'Main', as: 'Entity', about: {} }] as const;
    const files = { used, main, generated: [{ file: main, role: 'catalogue' }] };
    const owner = (name: string) =>
      provenanceRecords({ ...base, ...files, owner: name, service: { name: 's', version: '1', url: 'u' } }).elements.at(
        -1,
      )?.id;
    assert.notEqual(owner('a b'), owner('a_b'));
    assert.notEqual(owner('a/b'), owner('a b'));
  });
});
