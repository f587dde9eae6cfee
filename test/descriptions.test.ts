/** What a page is made from: kinds and models as JSON. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';

interface Field {
  name: string;
  type: string;
  parts?: { name: string; unit?: string }[];
}

async function read<T>(b: Awaited<ReturnType<typeof bench>>, path: string): Promise<T> {
  const answer = await b.send(path);
  assert.equal(answer.status, 200, path);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  return (await answer.json()) as T;
}

describe('Kinds and models, as JSON', () => {
  it('every kind with its fields, inputs and formats', async (t) => {
    const b = await bench(t);
    const { kinds } = await read<{
      kinds: {
        name: string;
        fields: Field[];
        inputs: { name: string; required: boolean }[];
        formats: { name: string }[];
      }[];
    }>(b, '/kinds');
    const detector = kinds.find(({ name }) => name === 'detector');
    assert.deepEqual(
      detector?.inputs.map(({ name, required }) => [name, required]),
      [
        ['IMAGE', true],
        ['BEAM', false],
        ['NOISE_MAP', false],
        ['BACKGROUND_MAP', false],
        ['PLACES', false],
        ['MOCKS', false],
        ['MASK', false],
      ],
    );
    const roi = detector?.fields.find(({ name }) => name === 'ROI');
    assert.deepEqual(
      roi?.parts?.map(({ name, unit }) => `${name} ${unit}`),
      ['RA deg', 'DEC deg', 'W pixel', 'H pixel'],
    );
    assert.ok(detector?.formats.some(({ name }) => name === 'fits'));
  });

  it('every model by its card, without a place on the server', async (t) => {
    const b = await bench(t);
    const text = await b.text('/models');
    const { default: first, models } = JSON.parse(text) as {
      default: string;
      models: { id: string; kind: string; citation: string; training: { description: string } }[];
    };
    assert.equal(first, 'demo-continuum');
    const card = models.find(({ id }) => id === first);
    assert.equal(card?.kind, 'detector');
    assert.match(card?.training.description ?? '', /Gaussian sources/);
    assert.ok(!text.includes(process.cwd()), text);
    assert.ok(!/"(path|weightsPath)"/.test(text));
  });
});
