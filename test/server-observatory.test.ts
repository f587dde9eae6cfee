/** A request of today's client, really run: its region and normalisation decide, and the results say who decided. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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

describe("a request of today's client", () => {
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
