import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
import { python, withoutPython } from './service/python.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kPyvo = `
import sys, io
from pyvo.dal import AsyncTAPJob
import pyvo.io.uws as uws, requests
base = sys.argv[1]
doc = uws.parse_job(io.BytesIO(requests.get(base).content))
print(doc.phase, [r.id_ for r in doc.results], [p.id_ for p in doc.parameters])
job = AsyncTAPJob(base)
print(job.phase, job.result_uri)
job.wait(phases=['COMPLETED'], timeout=10)
print(job.execution_duration, job.destruction is not None)
job.abort()
job.delete()
print(requests.get(base).status_code)
`;

const kVotable = `
import sys, requests, io
from astropy.io.votable import parse
t = parse(io.BytesIO(requests.get(sys.argv[1]).content), verify='exception').get_first_table().to_table()
print(len(t), sorted(set(t['semantics'])))
`;

/** As IVOA DataLink 1.1 has it: by the standard's own term, from the document a job's links are in. */
const kPreview = `
import sys, requests
from pyvo.dal.adhoc import DatalinkResults
links = DatalinkResults.from_result_url(sys.argv[1])
[preview] = [link for link in links if link.semantics == '#preview']
picture = requests.get(preview.access_url)
print(preview.content_type, picture.status_code, picture.headers['Content-Type'], picture.content[1:4].decode())
`;

describe('independent clients', () => {
  it('pyvo reads, waits for, aborts and deletes a job', { skip: withoutPython('pyvo') }, async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN', RUNID: 'r' });
    await b.until(id, 'COMPLETED');
    const [parsed, job, rest, gone] = (await python(kPyvo, [`${b.url}/jobs/${id}`])).trim().split('\n');
    assert.match(parsed ?? '', /^COMPLETED \['result', .*\['MODEL', .*'IMAGE'\]/);
    assert.equal(job, `COMPLETED ${b.url}/jobs/${id}/results/result`);
    assert.equal(rest, '3600.0 True');
    assert.equal(gone, '404');
  });

  it('astropy reads the DataLink document without a complaint', { skip: withoutPython('pyvo') }, async (t) => {
    const b = await bench(t);
    const id = await b.create({ PHASE: 'RUN' });
    await b.until(id, 'COMPLETED');
    const printed = await python(kVotable, [`${b.url}/links?ID=${id}`]);
    assert.match(printed, /^\d+ \['#auxiliary', '#documentation', '#preview', '#progenitor', '#this'\]/);
  });

  it('pyvo finds the picture of a job among its links', { skip: withoutPython('pyvo') }, async (t) => {
    const server = await startTestServer(t);
    const id = await server.submit({}, await field(await tempDir(t), 256));
    await server.until(id, 'COMPLETED');
    const printed = await python(kPreview, [`${server.url}/links?ID=${id}`]);
    assert.equal(printed.trim(), 'image/png 200 image/png PNG');
  });
});
