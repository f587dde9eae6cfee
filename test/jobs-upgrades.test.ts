/** Rows of earlier programs in today's form (src/jobs/upgrades.ts). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kJsonUpgrades } from '#otf/jobs/upgrades.js';

const upload = { kind: 'upload', file: 'upload-1', name: 'a.fits', mime: 'application/fits', size: 7, sha256: 'ab' };
const beam = { kind: 'url', url: 'https://example.org/b.fits' };
const rest = { results: [], failure: null };

describe('a row of version 1', () => {
  const [byKinds] = kJsonUpgrades;
  assert.ok(byKinds);

  it('has its image, beam and wishes where the kind finds them, and its progress in tiles', () => {
    const before = {
      parameters: {
        ...{ model: 'demo', quantization: 'FP32', image: upload, beam, imageSha256: 'ab', responseFormat: 'csv' },
        ...{ region: { box: [1, 2, 3, 4] }, hdu: 1, plane: 2, pixelUnit: 'mJy/beam', normalisation: { minPix: 1 } },
        ...{ receivedMs: 5, request: upload },
      },
      info: { attempts: 1, batchId: 'b1', tilesDone: 3, tilesTotal: 9 },
      ...rest,
    };
    const as = structuredClone(before);
    assert.deepEqual(byKinds(before), {
      parameters: {
        ...{ model: 'demo', quantization: 'FP32', responseFormat: 'csv', receivedMs: 5, request: upload },
        inputs: { IMAGE: [upload], BEAM: [beam] },
        checksums: { IMAGE: 'ab' },
        asked: {
          ...{ region: { box: [1, 2, 3, 4] }, hdu: 1, plane: 2, pixelUnit: 'mJy/beam' },
          normalisation: { minPix: 1 },
        },
      },
      info: { attempts: 1, batchId: 'b1', progress: { done: 3, total: 9, unit: 'tiles' } },
      ...rest,
    });
    assert.deepEqual(before, as, 'what was read is not changed');
  });

  it('of a job that was given nothing yet has neither inputs nor progress', () => {
    assert.deepEqual(byKinds({ parameters: {}, info: {}, ...rest }), {
      parameters: { inputs: {}, asked: {} },
      info: {},
      ...rest,
    });
  });
});

describe('a row of version 2', () => {
  const [, byShownAddresses] = kJsonUpgrades;
  assert.ok(byShownAddresses);

  it('shows of its addresses what may be shown', () => {
    const signed = 'https://example.org/a.fits?sig=1';
    const inputs = { IMAGE: [{ kind: 'url', url: signed }], BEAM: [beam, upload] };
    const { parameters } = byShownAddresses({ parameters: { inputs, asked: {} }, info: {}, ...rest });
    assert.deepEqual(parameters, {
      inputs: { IMAGE: [{ kind: 'url', url: 'https://example.org/a.fits?***', whole: signed }], BEAM: [beam, upload] },
      asked: {},
    });
  });
});
