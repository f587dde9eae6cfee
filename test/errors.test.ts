/** The error catalogue. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isErrorCode, kErrorCatalogue, OtfError, systemReason, toOtfError } from '#otf/errors/catalogue.js';
import { kRoot } from './support/cli.js';

describe('the error catalogue', () => {
  it('knows every code of the native source, in its order', () => {
    const source = readFileSync(join(kRoot, 'native/error/error.cpp'), 'utf8');
    const native = [...source.matchAll(/Entry\{Code::k\w+, "(OTF_[A-Z_]+)"\}/g)].map((match) => match[1] ?? '');
    assert.ok(native.length >= 20, `only ${native.length} codes found in error.cpp`);
    assert.deepEqual(Object.keys(kErrorCatalogue).slice(0, native.length), native);
  });

  it('knows every code the addon reports', async () => {
    const { native } = await import('#otf/engine/addon.js');
    const codes = native().errorCodes();
    assert.ok(codes.length >= 20);
    assert.deepEqual(
      codes.filter((code) => !isErrorCode(code)),
      [],
    );
  });

  it('keeps a native code and its message, and takes anything else for a fault of the program', () => {
    const native = toOtfError(Object.assign(new Error('x.fits: no image'), { code: 'OTF_FITS_NO_IMAGE' }));
    assert.equal(native.code, 'OTF_FITS_NO_IMAGE');
    assert.equal(native.kind.exitCode, 1);
    assert.equal(toOtfError(new TypeError('a\n b')).code, 'OTF_INTERNAL');
    assert.equal(toOtfError(new TypeError('a\n b')).message, 'a b');
    assert.equal(toOtfError('thrown text').message, 'thrown text');
    const same = new OtfError('OTF_USAGE', 'u');
    assert.equal(toOtfError(same), same);
    assert.ok(!isErrorCode('toString'));
  });

  it('says what the system said in words', () => {
    assert.equal(
      systemReason(Object.assign(new Error('ENOENT: ...'), { code: 'ENOENT' })),
      'no such file or directory',
    );
    assert.equal(systemReason(new Error('odd')), 'odd');
  });
});
