/**
 * The older server's own client, as it is: a checkout of GregS1t/CIANNA_OTF named by OTF_OLDER_CLIENT. Its modules build
 * the request, send it, poll, fetch the result and read the model registry.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { python, withoutPython } from './service/python.js';
import { field, startTestServer, tempDir } from './support/server.js';

const kScript = `
import json, sys
root, url, image, folder = sys.argv[1:]
sys.path.insert(0, root + '/client')
from src.core.xml_utils import create_xml_param
from src.core.file_transfer import send_xml_fits_to_server
from src.services.server_comm import poll_for_completion, download_result
from src.utils.cianna_xml_updater import update_cianna_models, get_model_info
from src.utils.fits_utils import get_image_dim
registry = folder + '/registry.xml'
updated = update_cianna_models(url + '/model-files/CIANNA_models.xml', registry)
model = get_model_info(registry, 'demo-continuum')
rows, columns = get_image_dim(image)['shape'][-2:]
params = {'user_id': '1', 'name': 'N', 'firstname': 'F', 'ra': 45.0, 'dec': -30.0, 'w': 300, 'h': 200,
          'image_path': image, 'yolo_model': 'demo-continuum', 'quantization': 'FP32C_FP32A'}
job = send_xml_fits_to_server(url, create_xml_param(params, fits_path=image))
phase = poll_for_completion(url, job, '1', poll_interval=0.2, timeout_s=60)
result = download_result(url, job, folder + '/results')
print(json.dumps({'updated': updated, 'model': bool(model), 'shape': [int(rows), int(columns)], 'job': job, 'phase': phase, 'result': result}))
`;

function skipReason(): string | false {
  const root = process.env.OTF_OLDER_CLIENT;
  if (!root) return 'needs OTF_OLDER_CLIENT: a checkout of GregS1t/CIANNA_OTF';
  if (!existsSync(join(root, 'client/src'))) return `OTF_OLDER_CLIENT=${root} has no client/src`;
  return withoutPython('requests') || withoutPython('tqdm') || withoutPython('astropy');
}

interface Outcome {
  updated: boolean;
  model: boolean;
  shape: [number, number];
  job: string;
  phase: string;
  result: string;
}

describe('The client of the older server', () => {
  it('gets the output of the network for its region, unmodified', { skip: skipReason() }, async (t) => {
    const dir = await tempDir(t);
    const server = await startTestServer(t);
    const image = join(dir, 'image.fits');
    await writeFile(image, await field(dir, 700, 3));
    const printed = await python(kScript, [process.env.OTF_OLDER_CLIENT ?? '', server.url, image, dir]);
    const outcome = JSON.parse(printed.trim().split('\n').pop() ?? '') as Outcome;
    assert.deepEqual([outcome.updated, outcome.model, outcome.phase], [true, true, 'COMPLETED']);
    assert.deepEqual(outcome.shape, [700, 700]);
    const raw = await server.send(`/jobs/${outcome.job}/results/raw`);
    assert.ok(Buffer.from(await raw.arrayBuffer()).equals(await readFile(outcome.result)));
    const { tilesTotal } = (await server.job(outcome.job)).info;
    const values = (await readFile(outcome.result)).length / 4 / Number(tilesTotal);
    assert.ok(Number.isInteger(values) && values > 0, `${values} values a tile`);
  });
});
