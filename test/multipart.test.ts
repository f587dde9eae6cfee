/** Forms that are cut, mangled and split anywhere: each is read or refused, none hangs, none leaves anything behind. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { OtfError } from '#otf/errors/catalogue.js';
import { readForm } from '#otf/http/form.js';
import { JobFolders } from '#otf/jobs/folders.js';
import { tempDir } from './service/bench.js';

const kCases = 1500;
const kHungMs = 5000;
const kRefusals = ['OTF_MULTIPART_MALFORMED', 'OTF_BAD_REQUEST'];

/** The same every time; its low bits are no good. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 12) % below;
  };
}

const part = (name: string, more: string, value: string) =>
  `--XX\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;

const kForms = [
  `${part('RUNID', '', 'slow')}${part('IMAGE', '; filename="a.fits"', '\r\n--X\r\n--\r\r\npixels'.repeat(20))}--XX--\r\n`,
  `${part('a', '; filename="x"', '1')}${part('b', '; filename="y"', '2')}${part('c', '', '3')}--XX--epilogue`,
  '--XX\r\n\r\n\r\n--XX--',
  `preamble\r\n${part('IMAGE', '; filename="a"\r\nContent-Type: image/fits', '')}--XX--\r\n`,
];
const kJunk = [
  '\r\n--XX',
  '\r\n--XX--',
  '--',
  '\r\n',
  '\r',
  '\n',
  'Content-Disposition: form-data',
  '\0',
  '"',
  ';',
  'name="',
];

function mangled(random: (below: number) => number): string {
  let text = kForms[random(kForms.length)] ?? '';
  for (let times = random(4); times > 0; times--) {
    const at = random(text.length + 1);
    const kind = random(3);
    if (kind === 0) text = text.slice(0, at) + kJunk[random(kJunk.length)] + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + random(12));
    else text = text.slice(0, at);
  }
  return text;
}

function* pieces(bytes: Buffer, random: (below: number) => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const count = 1 + random(random(2) === 0 ? 8 : 200);
    yield Buffer.from(bytes.subarray(at, at + count));
    at += count;
  }
}

describe('multipart forms', () => {
  it(`come to an end in ${kCases} broken ways`, async (t) => {
    const dir = await tempDir(t);
    const folders = new JobFolders(dir, 0);
    const random = generator(20240211);
    const tally = { read: 0, refused: 0 };
    for (let index = 0; index < kCases; index++) {
      const text = mangled(random);
      const chunks = [...pieces(Buffer.from(text, 'latin1'), random)];
      const body = { next: async () => chunks.shift(), release: () => undefined };
      const form = readForm({
        body,
        contentType: 'multipart/form-data; boundary=XX',
        contentLength: '',
        chunked: true,
        query: '',
        uploads: folders,
        maxBytes: 1 << 20,
        maxText: 4096,
        accept: {},
      });
      let timer: NodeJS.Timeout | undefined;
      const hung = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`hangs: ${JSON.stringify(text)}`)), kHungMs);
      });
      try {
        await (await Promise.race([form, hung])).spool?.discard();
        tally.read++;
      } catch (thrown) {
        assert.ok(thrown instanceof OtfError && kRefusals.includes(thrown.code), `${JSON.stringify(text)}: ${thrown}`);
        assert.doesNotMatch(thrown.message, /undefined/);
        tally.refused++;
      } finally {
        clearTimeout(timer);
      }
    }
    assert.ok(tally.read > kCases / 10 && tally.refused > kCases / 10, JSON.stringify(tally));
    assert.deepEqual(await readdir(`${dir}/jobs`), []);
  });
});
