/** The catalogue of a real server in the hands of other people's programs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { python, withoutPython } from './service/python.js';
import { startCommand } from './support/peers.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kAstropy = `
import sys, io, requests, json
import numpy as np
from astropy.io import fits, ascii
from astropy.io.votable import parse
base = sys.argv[1]
def get(format):
    answer = requests.get(base, params={'RESPONSEFORMAT': format})
    assert answer.status_code == 200, (format, answer.status_code)
    return answer.content
tables = [parse(io.BytesIO(get(f)), verify='exception').get_first_table().to_table() for f in ('votable', 'votable-binary2')]
hdu = fits.open(io.BytesIO(get('fits')), checksum=True)[1]
csv = ascii.read(get('csv').decode(), format='csv')
rows = json.loads(get('json'))['sources']
for name in ('ra', 'dec', 'x', 'y', 'flux', 'bmaj', 'pa'):
    first = np.asarray(tables[0][name], 'f8')
    for other in (tables[1][name], hdu.data[name], csv[name], [row[name] for row in rows]):
        # CSV and JSON hold the shortest decimals that read back as the same float.
        exact = name in ('ra', 'dec')
        assert np.array_equal(first, np.asarray(other, 'f8' if exact else 'f4').astype('f8')), name
print(len(tables[0]), tables[0]['ra'].unit, tables[0]['flux'].unit, tables[0]['ra'].meta['ucd'] if 'ucd' in tables[0]['ra'].meta else '')
`;

const kNoStilts = spawnSync('stilts', ['-version']).status === 0 ? false : 'Debian package stilts is not installed';

describe('A catalogue of the server', () => {
  it('is the same in every format, read by astropy', {
    skip: withoutPython('astropy') || withoutPython('requests'),
  }, async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), 700, 3));
    await server.until(id, 'COMPLETED');
    const printed = await python(kAstropy, [`${server.url}/jobs/${id}/results/result`]);
    assert.match(printed, /^\d\d+ deg Jy/);
  });

  it('passes votlint, and STILTS waits for its job and fetches it', { skip: kNoStilts }, async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(dir, 700, 3));
    const url = `${server.url}/jobs/${id}`;
    const resumed = await startCommand('stilts', ['tapresume', `joburl=${url}`, 'delete=never', 'ofmt=csv']);
    assert.equal(resumed.code, 0, resumed.stderr);
    const rows = (await server.text(`${url}/results/csv`)).trim().split('\r\n').length;
    assert.equal(resumed.stdout.trim().split('\n').length, rows);
    const path = join(dir, 'catalogue.vot');
    await writeFile(path, await server.text(`${url}/results/result`));
    const lint = await startCommand('stilts', ['votlint', `votable=${path}`, 'ucd=true', 'unit=true']);
    assert.equal(lint.stdout + lint.stderr, '');
  });
});
