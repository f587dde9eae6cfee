/** A request of today's client, really run: its region and normalisation decide, and the results say who decided. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { python, withoutPython } from './service/python.js';
import { field, startTestServer, type TestServer, tempDir } from './support/server.js';

async function post(server: TestServer, image: Buffer, parameters: Record<string, string>): Promise<string> {
  const list = Object.entries({ yolo_model: 'demo-continuum', quantization: 'FP32C_FP32A', ...parameters });
  const xml = `<job><phase>PENDING</phase><parameters>${list.map(([id, value]) => `<parameter id="${id}">${value}</parameter>`).join('')}</parameters></job>`;
  const body = new FormData();
  body.append('xml', new Blob([xml]), 'parameters.xml');
  body.append('fits', new Blob([new Uint8Array(image)]), 'image.fits');
  const answer = await server.send('/jobs/', { method: 'POST', body });
  assert.equal(answer.status, 303, await answer.text());
  return (answer.headers.get('location') ?? '').split('/').pop() ?? '';
}

async function table(
  server: TestServer,
  id: string,
): Promise<{ xml: string; info: (name: string) => string; rows: number }> {
  await server.until(id, 'COMPLETED');
  const xml = await server.text(`/jobs/${id}/results`);
  const info = (name: string) => new RegExp(`<INFO name="${name}" value="([^"]*)"`).exec(xml)?.[1] ?? '';
  return { xml, info, rows: (xml.match(/<TR>/g) ?? []).length };
}

/** The life of a job as the documentation of today's client has it, with Python's own library; the table by astropy. */
const kClient = `
import json, sys, time, uuid, io, urllib.request, xml.etree.ElementTree as ET
url, image = sys.argv[1:]
UWS = '{http://www.ivoa.net/xml/UWS/v1.0}'
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args): return None
opener = urllib.request.build_opener(Stay)
def send(path, data=None, headers={}):
    request = urllib.request.Request(url + path, data=data, headers={'Accept': '*/*', **headers})
    try: return opener.open(request, timeout=10)
    except urllib.error.HTTPError as error: return error
registry = ET.fromstring(send('/model-files/CIANNA_models.xml').read())
model = [p.text for p in registry.iter(UWS + 'parameter') if p.get('id') == 'ModelName'][0]
job = ET.Element(UWS + 'job')
ET.SubElement(job, UWS + 'phase').text = 'PENDING'
parameters = ET.SubElement(job, UWS + 'parameters')
for name, value in {'yolo_model': model, 'quantization': 'FP32C_FP32A', 'ra': 0.0, 'dec': 0.0, 'roi_w': 512, 'roi_h': 512, 'do_tiling': False, 'user_id': 'me'}.items():
    ET.SubElement(parameters, UWS + 'parameter', id=name).text = str(value)
boundary = uuid.uuid4().hex
def part(name, filename, content):
    return ('--%s\\r\\nContent-Disposition: form-data; name="%s"; filename="%s"\\r\\n\\r\\n' % (boundary, name, filename)).encode() + content + b'\\r\\n'
body = part('xml', 'request.xml', ET.tostring(job)) + part('fits', 'image.fits', open(image, 'rb').read()) + ('--%s--\\r\\n' % boundary).encode()
made = send('/jobs/', body, {'Content-Type': 'multipart/form-data; boundary=' + boundary})
assert made.status == 303, made.read()
id = made.headers['Location'].rstrip('/').split('/')[-1]
while True:
    phase = ET.fromstring(send('/jobs/' + id).read()).find(UWS + 'phase').text
    if phase in ('COMPLETED', 'ERROR', 'ABORTED'): break
    time.sleep(0.1)
asjson = json.load(send('/jobs/' + id, headers={'Accept': 'application/json'}))['phase']
table = send('/jobs/%s/results' % id)
from astropy.io.votable import parse
rows = len(parse(io.BytesIO(table.read())).get_first_table().array)
abort = json.load(send('/jobs/%s/abort' % id, b''))
print(json.dumps([phase, asjson, table.headers['Content-Type'], rows, abort == {'job_id': id, 'aborted': False}]))
`;

describe("a request of today's client", () => {
  it('goes the way its documentation describes', { skip: withoutPython('astropy') }, async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const image = join(dir, 'image.fits');
    await writeFile(image, await field(dir, 300, 5));
    const [phase, asJson, type, rows, aborted] = JSON.parse(await python(kClient, [server.url, image]));
    assert.deepEqual([phase, asJson, type], ['COMPLETED', 'COMPLETED', 'application/x-votable+xml']);
    assert.ok(rows > 10, `${rows} sources`);
    assert.equal(aborted, true);
  });

  it('is searched in its region with its normalisation, which the results and the provenance tell', async (t) => {
    const image = await field(await tempDir(t), 300, 5);
    const server = await startTestServer(t);
    const plain = await table(server, await post(server, image, {}));
    assert.ok(plain.rows > 10, `${plain.rows} sources`);
    assert.match(plain.info('normalisation'), /^clip\(.* rescale tanh\(3\)$/);
    assert.deepEqual(['model_from', 'quantization_from', 'region_from', 'normalisation_from'].map(plain.info), [
      'request',
      'request',
      'server',
      'model card',
    ]);
    // What the demo field is centred on is told by its own header.
    const centre = ['CRVAL1', 'CRVAL2'].map((key) => {
      const card = new RegExp(`${key} *= *([-+0-9.E]+)`).exec(image.toString('latin1', 0, 5760));
      return card?.[1] ?? '';
    });
    const [ra = '', dec = ''] = centre;
    const inside = await table(server, await post(server, image, { ra, dec, roi_w: '128', roi_h: '96' }));
    const [, , width, height] = inside.info('region').split(',');
    assert.deepEqual([width, height, inside.info('region_from')], ['128', '96', 'request']);
    assert.ok(inside.rows < plain.rows);

    // What the client sends when nobody drew a region: not on the image, so the whole of it.
    const nowhere = await table(server, await post(server, image, { ra: '0.0', dec: '0.0' }));
    assert.deepEqual([nowhere.info('region'), nowhere.rows], [plain.info('region'), plain.rows]);
    assert.match(nowhere.info('warning'), /RA 0 Dec 0 is not on the image: all of it was searched/);

    const id = await post(server, image, { norm_fct: 'sqrt', min_pix: '20', max_pix: '99.9' });
    const changed = await table(server, id);
    assert.equal(changed.info('normalisation'), 'clip_percentile(20,99.9) rescale sqrt(1)');
    assert.equal(changed.info('normalisation_from'), 'request');
    assert.match(changed.info('warning'), /not the one demo-continuum was trained with \(request\)/);
    const cells = ({ xml }: { xml: string }) => xml.slice(xml.indexOf('<TABLEDATA>'));
    assert.notEqual(cells(changed), cells(plain));
    const provenance = await server.text(`/jobs/${id}/results/provjson`);
    assert.match(provenance, /"otf:normalisation_from": "request"/);
    assert.match(provenance, /"otf:normalisation": "clip_percentile\(20,99.9\) rescale sqrt\(1\)"/);

    // The same by the fields of a UWS client.
    const standard = await server.submit({ NORM_FCT: 'sqrt', MIN_PIX: '20', MAX_PIX: '99.9' }, image);
    await server.until(standard, 'COMPLETED');
    assert.ok((await server.text(`/jobs/${standard}/results/result`)).endsWith(cells(changed)));
  });

  it("stands above the server's configuration, and that above the model card", async (t) => {
    const image = await field(await tempDir(t), 200, 5);
    const server = await startTestServer(t, {
      env: {
        CIANNA_OTF_DETECTION_NORM_FCT: 'sqrt',
        CIANNA_OTF_DETECTION_MIN_PIX: '10',
        CIANNA_OTF_DETECTION_QUANTIZATION: 'FP32C_FP32A',
      },
    });
    const ofServer = await server.submit({}, image);
    await server.until(ofServer, 'COMPLETED');
    const text = await server.text(`/jobs/${ofServer}/results/result`);
    for (const fact of [
      'name="normalisation" value="clip_percentile(10,99.8) rescale sqrt(1)"',
      'name="normalisation_from" value="server"',
      'name="quantization_from" value="server"',
    ])
      assert.ok(text.includes(fact), fact);
    const merged = await table(server, await post(server, image, { norm_fct: 'tanh', max_pix: '99' }));
    assert.equal(merged.info('normalisation'), 'clip_percentile(10,99) rescale tanh(3)');
  });
});
