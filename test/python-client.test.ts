/** The Python client (clients/python): its own tests, and its example, against a real server. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { withoutPython } from './service/python.js';
import { kPython, kRoot } from './support/cli.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kClient = join(kRoot, 'clients/python');
const skip = withoutPython('requests') || withoutPython('astropy');

/** Warnings of the client are errors; not those of the packages it uses. */
const kWarnings = ['-W', 'error:::cianna_otf'];

async function run(t: TestContext, args: string[]): Promise<{ code: number | null; out: string; folder: string }> {
  const folder = await tempDir(t);
  const server = await startTestServer(t);
  const image = join(folder, 'field.fits');
  await writeFile(image, await field(folder, 700, 3));
  const env = { ...process.env, PYTHONPATH: kClient, CIANNA_OTF_URL: server.url, OTF_TEST_IMAGE: image };
  const child = spawn(kPython, [...kWarnings, ...args, ...(args[0] === '-m' ? [] : [image])], { env, cwd: folder });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      out += data;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, folder };
}

describe('the Python client', { skip }, () => {
  it('does what it says', async (t) => {
    const tests = ['-m', 'unittest', 'discover', '-s', join(kClient, 'tests'), '-v'];
    const { code, out } = await run(t, tests);
    assert.equal(code, 0, out);
    assert.match(out, /Ran \d+ tests/);
  });

  it('has an example that runs from end to end', async (t) => {
    const { code, out } = await run(t, [join(kClient, 'examples/notebook.py')]);
    assert.equal(code, 0, out);
    for (const part of [/demo-continuum\.dat/, /EXECUTING|COMPLETED/, /total [\d.]+ mJy from \d+ sources/]) {
      assert.match(out, part);
    }
    assert.match(out, /the nearest [\d.]+ arcsec from it/);
    assert.match(out, /refused: .*\[OTF_FITS_NO_IMAGE\]/);
    assert.match(out, /pyvo: COMPLETED \d+ rows|pyvo is not installed/);
  });
});
