/** Model cards: the good one, and one test per fault. */

import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '#otf/config/load.js';
import { sha256File } from '#otf/io/checksum.js';
import { verifyWeights } from '#otf/models/card.js';
import { chooseEngine } from '#otf/models/engine-choice.js';
import { chooseQuantization } from '#otf/models/quantization.js';
import { findModel, kShippedModelsDir } from '#otf/models/registry.js';
import { parseUpstreamRegistry } from '#otf/models/upstream.js';
import { loadRegistry, parseModelCard, readModelCard, resolveModel } from '#otf/tasks/cards.js';
import { detectorCard, toDetectorConfig } from '#otf/tasks/detection/card.js';
import { generateUpstreamRegistry } from '#otf/tasks/detection/upstream-registry.js';
import { ModelDirectory } from '#otf/uws/model-directory.js';
import { scratchDir } from './support/cli.js';
import { kDemoCard } from './support/records.js';

const good = readFileSync(kDemoCard, 'utf8');

describe('the shipped model', () => {
  it('has a valid card, and weights of its checksum', async () => {
    const card = await readModelCard(kDemoCard);
    await verifyWeights(card);
    assert.equal(card.id, 'demo-continuum');
  });

  it('becomes the configuration the conformance data was made with', async () => {
    const config = toDetectorConfig(detectorCard(await readModelCard(kDemoCard)));
    assert.deepEqual(config.normalise, [
      { op: 'clip', a: 4e-7, b: 4e-5 },
      { op: 'rescale', a: 0, b: 0 },
      { op: 'tanh', a: 3, b: 0 },
    ]);
    assert.deepEqual(
      config.parameters.map((parameter) => parameter.scale),
      ['log', 'log', 'log', 'cos', 'sin'],
    );
    assert.equal(config.parameters[0]?.max, -6.214608098422191);
    const { tilePx, overlapPx, gridElementPx, minBoxPx, dropEdgeTiles } = config;
    assert.deepEqual([tilePx, overlapPx, gridElementPx, minBoxPx, dropEdgeTiles], [256, 32, 16, 5, 0]);
  });
});

/** What is changed in the good card, and what the message must name. */
const kFaults: Record<string, [from: string | RegExp, to: string, says: RegExp]> = {
  'TOML that does not parse': ['tile = 256', 'tile = = 256', /card\.toml, line \d+/],
  'an unknown key': ['tile = 256', 'tile = 256\ntile_size = 256', /unknown key "tile_size"/],
  'an unknown key in a section': ['min_box = 5', 'min_boxx = 5', /unknown key "min_boxx" in detector/],
  'a missing key': [/licence = .*\n/, '', /licence: .*missing/],
  'a value of the wrong type': ['tile = 256', 'tile = "256"', /tile: expected number/],
  'a number that is none': ['tile = 256', 'tile = nan', /tile/],
  'an id that is no id': ['"demo-continuum"\n', '"../etc"\n', /id: must be lower-case/],
  'weights outside the folder': ['"weights.dat"', '"../weights.dat"', /weights: must be a file name/],
  'a checksum that is none': [/sha256 = "8916/, 'sha256 = "XX16', /sha256: must be 64/],
  'an unknown quantization': ['"BF16C_FP32A"', '"INT8"', /quantizations\[1\]/],
  'INT8 without a calibration': [/^int8 = .*\n/m, '', /quantizations: INT8C_INT32A needs a calibration/],
  'a calibration outside the folder': ['"int8-ranges.txt"', '"../x.txt"', /int8\.calibration: must be a file name/],
  'an unknown normalisation': ['"tanh"', '"atan"', /normalisation\[2\]/],
  'a normalisation without its argument': [', k = 3.0', '', /normalisation\[2\]\.k/],
  'clip limits the wrong way round': [
    'min = 4e-7, max = 4e-5',
    'min = 4e-5, max = 4e-7',
    /normalisation\[0\]: min must be below max/,
  ],
  'rescale without clip': [/ {2}\{ op = "clip".*\n/, '', /rescale needs a clip/],
  'an overlap as large as the tile': ['overlap = 32', 'overlap = 256', /overlap: must be below tile/],
  'a tile that is no multiple of the grid element': ['tile = 256', 'tile = 250', /tile: must be a multiple/],
  'too few thresholds': [
    '[0.62, 0.60, 0.65, 0.65, 0.95]',
    '[0.62]',
    /objectness_threshold: must have one value per box: 5, not 1/,
  ],
  'too few thresholds for what is measured': [
    '[0.5, 0.5, 0.5, 0.5, 0.7]',
    '[0.4, 0.6]',
    /measured_objectness_threshold: must have one value per box: 5, not 2/,
  ],
  'thresholds for what is measured, and no cut': [
    'min_snr = 4.3',
    'min_snr = 0',
    /measured_objectness_threshold: needs a min_snr above 0/,
  ],
  'suppression lists of different lengths': [
    '[1.01, 0.9, 0.7, 0.4]',
    '[1.01]',
    /first_objectness: must be as long as first_iou/,
  ],
  'a sine without a cosine': [/\[\[detector.parameters\]\]\ncolumn = "cos_pa"\nscale = "cos"\n/, '', /cos and sin/],
  'a column given twice': ['column = "bmin"', 'column = "bmaj"', /given twice/],
  'another kind of model': ['"detector"', '"classifier"', /kind/],
};

describe('a model card with a fault is refused, naming file and key', () => {
  for (const [name, [from, to, says]] of Object.entries(kFaults)) {
    it(name, () => {
      const changed = good.replace(from, to);
      assert.notEqual(changed, good, 'the fault was not put in');
      assert.throws(
        () => parseModelCard(changed, 'dir/card.toml'),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'OTF_MODEL_CARD_INVALID');
          assert.match(error.message, /^dir\/card\.toml/);
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        },
      );
    });
  }
});

function modelsDir(change: (card: string) => string = (card) => card): string {
  const dir = scratchDir();
  mkdirSync(join(dir, 'demo-continuum'));
  mkdirSync(join(dir, 'not-a-model'));
  writeFileSync(join(dir, 'demo-continuum/model.toml'), change(good));
  for (const name of ['weights.dat', 'int8-ranges.txt'])
    copyFileSync(kDemoCard.replace('model.toml', name), join(dir, 'demo-continuum', name));
  return dir;
}

describe('the models folder', () => {
  it('finds a model by id, alias, with or without .dat, in any case, and by the path of its card', async () => {
    const dir = modelsDir();
    const registry = await loadRegistry(dir);
    for (const name of ['demo-continuum', 'DEMO-CONTINUUM.dat', 'demo', 'demo.dat']) {
      assert.equal(findModel(registry, name)?.id, 'demo-continuum', name);
    }
    assert.equal((await resolveModel(dir, join(dir, 'demo-continuum/model.toml'))).id, 'demo-continuum');
    assert.equal((await resolveModel(dir, join(dir, 'demo-continuum'))).id, 'demo-continuum');
  });

  it('an unknown model is refused, naming those there are', async () => {
    await assert.rejects(resolveModel(kShippedModelsDir, 'sdc9'), {
      code: 'OTF_MODEL_UNKNOWN',
      message: /"sdc9".*demo-continuum/,
    });
  });

  it('a broken card does not hide the others, and is named when it is asked for', async () => {
    const dir = modelsDir();
    mkdirSync(join(dir, 'broken'));
    writeFileSync(join(dir, 'broken/model.toml'), 'id = 3');
    const registry = await loadRegistry(dir);
    assert.deepEqual([registry.cards.length, registry.faults.length], [1, 1]);
    await assert.rejects(resolveModel(dir, 'broken'), {
      code: 'OTF_MODEL_CARD_INVALID',
      message: /broken\/model\.toml/,
    });
  });

  it('a card in the folder of another id is a fault', async () => {
    const dir = modelsDir((card) => card.replace('id = "demo-continuum"', 'id = "other"'));
    assert.match((await loadRegistry(dir)).faults[0]?.message ?? '', /id is "other".*"demo-continuum"/);
  });

  it('weights that are not those of the card are refused; so are weights that are not there', async () => {
    const dir = modelsDir();
    const weights = join(dir, 'demo-continuum/weights.dat');
    const bytes = readFileSync(weights);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(weights, bytes);
    const card = await resolveModel(dir, 'demo');
    await assert.rejects(verifyWeights(card), { code: 'OTF_MODEL_CHECKSUM', message: /demo-continuum.*8916ced6c0c3/ });
    await assert.rejects(verifyWeights({ ...card, weightsPath: join(dir, 'gone.dat') }), {
      code: 'OTF_MODEL_UNREADABLE',
    });
  });

  it('a default that is no model is a fault of the configuration; one nobody has chosen may be missing', async () => {
    const models = (await loadConfig({})).models;
    const open = (more: Partial<typeof models>) => ModelDirectory.open({ ...models, ...more });
    await assert.rejects(open({ default: 'demo-continum' }), {
      code: 'OTF_CONFIG_INVALID',
      message: /^models\.default: unknown model "demo-continum": there are demo-continuum, /,
    });
    assert.equal(
      (await open({ default: 'mine', aliases: { mine: 'demo-transients' } })).find(undefined).id,
      'demo-transients',
    );
    const others = await loadRegistry(models.dir);
    const cards = others.cards.filter(({ id }) => id !== models.default);
    assert.throws(() => new ModelDirectory({ ...others, cards }, models).find(undefined), {
      code: 'OTF_MODEL_UNKNOWN',
    });
  });

  it('a folder that is not there is a fault of the configuration', async () => {
    await assert.rejects(loadRegistry('/no/such/folder'), {
      code: 'OTF_CONFIG_INVALID',
      message: /no such file or directory/,
    });
  });
});

describe('checksums and compute types', () => {
  it('sha256 of a known file', async () => {
    const path = join(scratchDir(), 'abc');
    writeFileSync(path, 'abc');
    assert.equal(await sha256File(path), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('a compute type is one the card offers, by either name', async () => {
    const card = await readModelCard(kDemoCard);
    assert.equal(chooseQuantization(card, undefined), 'FP32C_FP32A');
    assert.equal(chooseQuantization(card, 'bf16'), 'BF16C_FP32A');
    assert.throws(() => chooseQuantization(card, 'FP16'), {
      code: 'OTF_QUANTIZATION_UNKNOWN',
      message: /FP16.*BF16C_FP32A/,
    });
  });
});

describe('the upstream registry, CIANNA_models.xml', () => {
  it('is read back from what is generated, for one model and for several', async () => {
    const card = detectorCard(await readModelCard(kDemoCard));
    const awkward = { ...card, id: 'other', aliases: [], title: 'x', training: { name: 'a<b>&"c"', description: 'd' } };
    const [only] = parseUpstreamRegistry(generateUpstreamRegistry([card]), 'one.xml');
    assert.equal(only?.name, 'demo-continuum.dat');
    assert.equal(only?.parameters.BiasInit, '0.1');
    assert.equal(only?.parameters.ObjThresholds, '0.62,0.6,0.65,0.65,0.95');
    const both = generateUpstreamRegistry([card, awkward]);
    assert.match(both, /^<\?xml[^>]*>\s*<uws:jobs /, 'a root the older client reads on from');
    const two = parseUpstreamRegistry(both, 'two.xml');
    assert.deepEqual(
      two.map((model) => model.name),
      ['demo-continuum.dat', 'other.dat'],
    );
    assert.equal(two[1]?.parameters.TrainingDatasetName, 'a<b>&"c"');
  });

  it('reads the form upstream writes: own order, blanks around values, comments', () => {
    const xml = `<?xml version="1.0"?>
      <uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" version="1.1"><uws:jobId>J</uws:jobId>
      <uws:parameters><uws:parameter id="ModelName">net0_s1800.dat</uws:parameter> <!-- note -->
      <uws:parameter id="ProbObjCases">
        0.3101,0.2759
      </uws:parameter><uws:parameter id="YOLOBoxCount">8</uws:parameter></uws:parameters><uws:results/></uws:job>`;
    const [model] = parseUpstreamRegistry(xml, 'CIANNA_models.xml');
    assert.equal(model?.name, 'net0_s1800.dat');
    assert.equal(model?.parameters.ProbObjCases, '0.3101,0.2759');
    assert.equal(model?.parameters.YOLOBoxCount, '8');
  });

  it('reads the older form too: Model elements, values in quotes, the dataset in an element of its own', () => {
    const xml = `<CIANNAModels><LastUpdate>2025-02-04</LastUpdate>
      <Model id="SDC1_2024"><Name>net0_s1800.dat</Name><OriginalInputDim>"256x256x1x1"</OriginalInputDim>
      <InferenceQuantization>"FP16C_FP32A"</InferenceQuantization><URL_Link>"zenodo.org/1"</URL_Link>
      <TrainingDatasets><Name>SDC1 &amp; more</Name><Location>"web"</Location></TrainingDatasets></Model>
      <Model id="other"><Name>b.dat</Name></Model></CIANNAModels>`;
    const [first, second] = parseUpstreamRegistry(xml, 'CIANNA_models.xml');
    assert.deepEqual(first, {
      name: 'net0_s1800.dat',
      parameters: {
        ModelId: 'SDC1_2024',
        ModelName: 'net0_s1800.dat',
        OriginalInputDim: '256x256x1x1',
        InferenceQuantization: 'FP16C_FP32A',
        ModelURL: 'zenodo.org/1',
        TrainingDatasetName: 'SDC1 & more',
        TrainingDatasetLocation: 'web',
      },
    });
    assert.equal(second?.name, 'b.dat');
  });

  it("carries what today's clients read, where it is known", async () => {
    const card = detectorCard(await readModelCard(kDemoCard));
    const detector = { ...card.detector, box_prior_class: [0, 0, 0, 1, 1] };
    const full = { ...card, receptive_field: 100, detector };
    const server = { url: 'https://otf.example.org/a', maxBatch: 8 };
    const [model] = parseUpstreamRegistry(generateUpstreamRegistry([full], server), 'x');
    const { ModelURL, BoxPriorClass, ProbObjCases, ReceptiveField, MaxBatchSize } = model?.parameters ?? {};
    assert.deepEqual(
      { ModelURL, BoxPriorClass, ProbObjCases, ReceptiveField, MaxBatchSize },
      {
        ModelURL: 'https://otf.example.org/a/model-files/demo-continuum.dat',
        BoxPriorClass: '0,0,0,1,1',
        ProbObjCases: '0.62,0.6,0.65,0.65,0.95',
        ReceptiveField: '100',
        MaxBatchSize: '8',
      },
    );
    const [plain] = parseUpstreamRegistry(generateUpstreamRegistry([card]), 'x');
    for (const unknown of ['ModelURL', 'BoxPriorClass', 'ReceptiveField', 'MaxBatchSize'])
      assert.ok(!(unknown in (plain?.parameters ?? {})), unknown);
  });

  it('refuses broken XML, document types and files without a model', () => {
    const refused = { code: 'OTF_XML_MALFORMED' };
    assert.throws(() => parseUpstreamRegistry('<a><b></a>', 'x'), refused);
    assert.throws(() => parseUpstreamRegistry('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'x'), refused);
    assert.throws(() => parseUpstreamRegistry('<a/>', 'x'), refused);
  });
});

describe('a card that demands an engine', () => {
  const card = { id: 'm', engine: 'cianna' as const };
  it('gets it when nothing else is asked for', () => assert.equal(chooseEngine(card, 'auto'), 'cianna'));
  it('gets it when the same is asked for', () => assert.equal(chooseEngine(card, 'cianna'), 'cianna'));
  it('is not run by another', () =>
    assert.throws(() => chooseEngine(card, 'onednn'), { code: 'OTF_USAGE', message: /demands the engine cianna/ }));
  it('leaves the choice to the user when it demands none', () =>
    assert.equal(chooseEngine({ id: 'm' }, 'onednn'), 'onednn'));
});
