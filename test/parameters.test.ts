/** Values by their descriptions: what a request, OpenAPI and the options of commands have in common. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import { fitsPixel, nativeBox, nativePixel } from '#otf/results/pixels.js';
import { kDetectionParameters } from '#otf/tasks/detection/parameters.js';
import { formOf, type ParameterDescription, readList, readParts, readValue, spellings } from '#otf/tasks/parameters.js';
import { kKinds } from '#otf/tasks/registry.js';

function refused(read: () => unknown, says: RegExp): void {
  assert.throws(read, (thrown) => {
    assert.ok(thrown instanceof OtfError);
    assert.equal(thrown.code, 'OTF_BAD_REQUEST');
    assert.match(thrown.message, says);
    return true;
  });
}

describe('a value', () => {
  it('is read by its type, and refused with what is wanted', () => {
    assert.equal(readValue('N', { type: 'integer', min: 0, max: 9 }, ' 7 '), 7);
    assert.equal(readValue('X', { type: 'real' }, '-.5e1'), -5);
    assert.equal(readValue('T', { type: 'text', min: 1 }, ' mJy/beam '), 'mJy/beam');
    assert.equal(readValue('C', { type: 'choice', choices: ['tanh'] }, 'Tanh'), 'tanh');
    refused(() => readValue('N', { type: 'integer', min: 0, max: 9 }, '10'), /^N=10: not a whole number from 0 to 9$/);
    refused(() => readValue('N', { type: 'integer' }, '1.5'), /^N=1.5: not a whole number$/);
    refused(() => readValue('N', { type: 'integer', min: 1 }, ''), /^N=: not a whole number from 1$/);
    for (const odd of ['0x10', '1e400', 'Infinity', 'NaN', '1,5', '1 5', '']) {
      refused(() => readValue('X', { type: 'real', max: 1e300 }, odd), /not a number to 1e\+300/);
    }
    refused(() => readValue('T', { type: 'text', min: 1, max: 3 }, '  '), /not a text of 1 to 3 characters/);
    refused(() => readValue('C', { type: 'choice', choices: ['a', 'b'] }, 'constructor'), /not one of a, b/);
  });

  it('that is long is not repeated whole', () => {
    refused(() => readValue('N', { type: 'integer' }, '9'.repeat(4000)), /^N=9{80}: /);
  });
});

describe('several values', () => {
  const box: ParameterDescription = {
    name: 'BOX',
    type: 'integer',
    help: '',
    parts: [
      { name: 'X', type: 'integer' },
      { name: 'W', type: 'integer', min: 1, fields: ['WIDTH', 'W'] },
    ],
  };

  it('are as many as there are descriptions, each within its own limits', () => {
    assert.deepEqual(readParts(box, '-3, 5'), [-3, 5]);
    assert.deepEqual(readParts(box, '-3 5'), [-3, 5]);
    assert.equal(formOf(box), 'X,W');
    assert.deepEqual(spellings(box), ['BOX', 'WIDTH', 'W']);
    refused(() => readParts(box, '1'), /^BOX=1: not 2 values X,W$/);
    refused(() => readParts(box, '1,2,3'), /not 2 values/);
    refused(() => readParts(box, '1,0'), /^BOX: W=0: not a whole number from 1$/);
  });

  it('may be any number up to the most', () => {
    const list: ParameterDescription = { name: 'L', type: 'choice', choices: ['a', 'b'], most: 2, help: '' };
    assert.deepEqual(readList(list, ['a', 'b']), ['a', 'b']);
    assert.deepEqual(readList(list, ['a, b']), ['a', 'b']);
    refused(() => readList(list, ['a,b,a']), /^L: more than 2 values$/);
    refused(() => readList(list, ['a,c']), /^L=c: not one of a, b$/);
  });
});

describe('the descriptions', () => {
  it('of every kind have names of their own, which commands can make options of', () => {
    for (const { name, parameters, inputs } of kKinds) {
      const names = [...parameters.flatMap(spellings), ...inputs.map((input) => input.name)];
      assert.equal(new Set(names).size, names.length, name);
      for (const each of names) assert.match(each, /^[A-Z][A-Z0-9_]*$/);
    }
  });

  it('say what the limits are that hold: what a description allows is read, what it forbids is not', () => {
    for (const description of kDetectionParameters) {
      const { name, parts, min, max, type } = description;
      if (parts || type === 'choice' || type === 'text') continue;
      for (const limit of [min, max]) if (limit !== undefined) readValue(name, description, String(limit));
      if (min !== undefined) refused(() => readValue(name, description, String(min - 1)), /not a/);
    }
  });
});

describe('pixels', () => {
  it('begin at 1 for people and at 0 for the native side', () => {
    assert.deepEqual([fitsPixel(0), nativePixel(1), fitsPixel(-0.5)], [1, 0, 0.5]);
    assert.deepEqual(nativeBox([1, 11, 20, 30]), [0, 10, 20, 30]);
  });
});
