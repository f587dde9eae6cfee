/** What bad input gets: exit 1, one line saying what is wrong and where, no output file, no stack trace. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { kFixtures, kRoot, runCli, scratchDir } from './support/cli.js';
import { type CardValue, floatData, header, imageCards, noise, skyCards, writeFits } from './support/fits-writer.js';
import { yoloNetwork } from './support/network.js';

const inputs = scratchDir();
const work = scratchDir();
const kSide = 64;
const good = noise(kSide * kSide);
const plain = imageCards([kSide, kSide]);
const sky = skyCards(kSide / 2);

function image(name: string, cards: [string, CardValue][], pixels: ArrayLike<number> = good): string {
  return writeFits(join(inputs, name), header(cards), floatData(pixels));
}

const kTableCards: [string, CardValue][] = [
  ['XTENSION', 'BINTABLE'],
  ['BITPIX', 8],
  ['NAXIS', 2],
  ['NAXIS1', 4],
  ['NAXIS2', 1],
  ['PCOUNT', 0],
  ['GCOUNT', 1],
  ['TFIELDS', 1],
  ['TFORM1', 'E'],
];

const goodImage = image('good.fits', [...plain, ...sky]);

/** Name of the fault: the file, and what the line must say beside its name. */
const kBadImages: Record<string, [path: string, says: RegExp]> = {
  'a file that is not there': [join(inputs, 'gone.fits'), /no such file|cannot open|does not exist/i],
  'a folder': [inputs, /./],
  'an empty file': [writeFits(join(inputs, 'empty.fits')), /./],
  'a text file': [writeFits(join(inputs, 'text.fits'), Buffer.from('hello\n'.repeat(2000))), /not (a )?FITS/i],
  'a truncated image': [
    writeFits(join(inputs, 'cut.fits'), header([...plain, ...sky]), floatData(good).subarray(0, 5000)),
    /promises 16384 bytes of data, the file holds 5000/,
  ],
  'a truncated header': [writeFits(join(inputs, 'head.fits'), header(plain).subarray(0, 1000)), /./],
  'a header that claims 200000x200000 pixels': [
    writeFits(join(inputs, 'huge.fits'), header([...imageCards([200000, 200000]), ...sky]), floatData(good)),
    /promises 160000000000 bytes of data, the file holds 17280/,
  ],
  'only tables': [
    writeFits(join(inputs, 'tables.fits'), header(imageCards([], 8)), header(kTableCards), Buffer.alloc(2880)),
    /no image/i,
  ],
  'one axis': [image('line.fits', imageCards([kSide * kSide])), /image|axes/i],
  'all NaN': [image('nan.fits', [...plain, ...sky], new Float32Array(good.length).fill(Number.NaN)), /blank|NaN/i],
  'all zero': [image('zero.fits', [...plain, ...sky], new Float32Array(good.length)), /zero/i],
};

/** No reason to refuse: the sources are found, and a warning says what is left out. */
const kOddImages: Record<string, [path: string, says: RegExp]> = {
  'a negative beam': [
    image('beam.fits', [...plain, ...sky, ['BMAJ', -0.001], ['BMIN', 0.001], ['BPA', 0]]),
    /beam|BMAJ/i,
  ],
  'a beam that is no number': [
    image('nanbeam.fits', [...plain, ...sky, ['BMAJ', 'NaN'], ['BMIN', 0.001], ['BPA', 0]]),
    /beam|BMAJ/i,
  ],
  'a broken WCS': [
    image('wcs.fits', [...plain, ...sky.filter(([key]) => key !== 'CTYPE2'), ['CTYPE2', 'DEC--TAN']]),
    /WCS/i,
  ],
};

/** One line, exit 1, and the folder as it was. */
function refused(args: string[], says: RegExp, code = 1): void {
  const before = readdirSync(work);
  const result = runCli(args, work);
  assert.match(result.stderr, /^cianna-otf: [^\n]+\n$/);
  assert.match(result.stderr, says);
  assert.doesNotMatch(result.stderr, /internal error/);
  assert.equal(result.code, code, result.stderr);
  assert.equal(result.stdout, '');
  assert.deepEqual(readdirSync(work), before);
}

describe('detect refuses an image that is', () => {
  for (const [name, [path, says]] of Object.entries(kBadImages)) {
    it(name, () => {
      refused(['detect', path, '-o', 'out.vot'], says);
      const { stderr } = runCli(['detect', path, '-o', 'out.vot'], work);
      assert.ok(stderr.includes(basename(path)), `the file is not named: ${stderr}`);
    });
  }
});

describe('detect takes, with a warning, an image with', () => {
  for (const [name, [path, says]] of Object.entries(kOddImages)) {
    it(name, () => {
      const { code, stderr } = runCli(['detect', path, '-o', '-'], work);
      assert.equal(code, 0, stderr);
      const line = stderr.split('\n').find((text) => text.startsWith('cianna-otf: warning: ') && says.test(text));
      assert.ok(line?.includes(basename(path)), stderr);
    });
  }
});

describe('detect refuses a request', () => {
  it('for a region outside the image', () => {
    refused(['detect', goodImage, '--box', '5000,5000,10,10'], /outside/i);
    refused(['detect', goodImage, '--roi', '10,60,10,10'], /outside|sky/i);
  });
  it('for an HDU or a plane that is not there', () => {
    refused(['detect', goodImage, '--hdu', '7'], /HDU/i);
    refused(['detect', goodImage, '--plane', '7'], /plane/i);
  });
  it('for an unknown model', () =>
    refused(['detect', goodImage, '--model', 'sdc9'], /unknown model "sdc9".*demo-continuum/));
  it('for an unknown engine', () => refused(['detect', goodImage, '--engine', 'abacus'], /abacus/));
  it('for a compute type the model does not offer', () =>
    refused(['detect', goodImage, '--quantization', 'FP8'], /"FP8".*FP32C_FP32A/));
  it('with a primary-beam image that is none', () =>
    refused(['detect', goodImage, '--beam', join(inputs, 'text.fits')], /text\.fits/));
  it('with an output that cannot be written', () => {
    refused(['detect', goodImage, '-o', 'no-such-folder/out.vot'], /no-such-folder.*no such file or directory/);
    refused(['detect', goodImage, '-o', '.'], /is a directory/);
    refused(['detect', goodImage, '-o', 'out.vot', '--preview', 'no-such-folder/p.png'], /no-such-folder/);
  });
});

describe('no command overwrites what it reads, by whatever path', () => {
  const table = join(inputs, 'places.csv');
  const other = join(inputs, 'b.csv');
  for (const path of [table, other]) writeFileSync(path, 'ra,dec,flux\n1,1,1\n');
  const again = join(inputs, '..', basename(inputs), 'places.csv');
  const link = join(work, 'link.csv');
  symlinkSync(table, link);
  const kCommands: Record<string, string[]> = {
    'detect: its image': ['detect', goodImage, '-o', join(inputs, '.', 'good.fits')],
    'detect: by a relative path': ['detect', goodImage, '-o', relative(work, goodImage)],
    'preview: its image': ['preview', goodImage, '-o', relative(work, goodImage)],
    'measure: its places': ['measure', goodImage, '--positions', table, '-o', again],
    'measure: its image': ['measure', goodImage, '--positions', table, '-o', relative(work, goodImage)],
    'match: the second': ['match', other, table, '-o', link],
    'score: the truth': ['score', other, table, '--plain', '-o', again],
    'score: the submission': ['score', table, other, '--freq', '560', '-o', relative(work, table)],
    'infer: its input': ['infer', '--model', other, '--input', table, '--output', again],
    'infer: its network': ['infer', '--model', table, '--input', other, '--output', again],
    'reconstruct: its cube': ['reconstruct', goodImage, '--psf', other, '-o', join(inputs, 'own')],
  };
  mkdirSync(join(inputs, 'own'));
  symlinkSync(goodImage, join(inputs, 'own/residual.fits'));
  for (const [name, args] of Object.entries(kCommands)) {
    it(name, () => refused(args, /is the input itself: choose another (output|folder)/, 2));
  }
});

describe('detect refuses a model', () => {
  const models = join(inputs, 'models');
  const card = readFileSync(join(kRoot, 'models/demo-continuum/model.toml'), 'utf8');
  cpSync(join(kRoot, 'models'), models, { recursive: true });

  it('whose weights are not those of its card', () => {
    const weights = join(models, 'demo-continuum/weights.dat');
    const bytes = readFileSync(weights);
    bytes[5000] = (bytes[5000] ?? 0) ^ 0xff;
    writeFileSync(weights, bytes);
    refused(['detect', goodImage, '--models', models], /demo-continuum.*weights\.dat.*sha256/);
  });

  it('with three channels for a one-channel image', () => {
    const network = yoloNetwork({ channels: 3, boxes: 5, parameters: 5, cellPx: 16 });
    const folder = join(models, 'three');
    mkdirSync(folder);
    writeFileSync(join(folder, 'weights.dat'), network);
    const changed = card
      .replace('id = "demo-continuum"', 'id = "three"')
      .replace(/sha256 = ".*"/, `sha256 = "${createHash('sha256').update(network).digest('hex')}"`)
      .replace(/^int8 = .*\n/m, '')
      .replace(', "INT8C_INT32A"', '')
      .replace(/aliases = .*\n/, '');
    writeFileSync(join(folder, 'model.toml'), changed);
    refused(['detect', goodImage, '--models', models, '--model', 'three'], /model three.* 3 .*channel/);
  });

  it('whose card has an unknown key', () => {
    mkdirSync(join(models, 'odd'));
    writeFileSync(
      join(models, 'odd/model.toml'),
      card.replace('"demo-continuum"', '"odd"').replace('overlap', 'overlapp'),
    );
    refused(['detect', goodImage, '--models', models, '--model', 'odd'], /odd\/model\.toml.*"overlapp"/);
  });
});

describe('an image smaller than a tile is no fault', () => {
  it('gives a catalogue', () => {
    const { code, stderr } = runCli(['detect', goodImage, '-o', join(inputs, 'small.vot')], work);
    assert.equal(code, 0, stderr);
    assert.match(readFileSync(join(inputs, 'small.vot'), 'utf8'), /nrows="\d+"/);
  });
});

describe('infer refuses', () => {
  const networks = join(kFixtures, 'networks');
  const model = join(networks, 'conv3d.dat');
  const input = join(networks, 'conv3d.input.npy');
  const run = (net: string, array: string, says: RegExp) =>
    refused(['infer', '--model', net, '--input', array, '--output', 'out.npy'], says);

  it('an array of another type', () => {
    const bytes = readFileSync(input);
    writeFileSync(join(inputs, 'f8.npy'), Buffer.from(bytes.toString('latin1').replace("'<f4'", "'<f8'"), 'latin1'));
    run(model, join(inputs, 'f8.npy'), /f8\.npy.*(f8|float32|type)/);
  });
  it('an array of another shape', () =>
    run(model, join(networks, 'dense_only.input.npy'), /dense_only\.input\.npy|shape|channels/));
  it('a file that is no array', () => run(model, goodImage, /good\.fits.*NPY/));
  it('an array cut short', () => {
    writeFileSync(join(inputs, 'cut.npy'), readFileSync(input).subarray(0, 500));
    run(model, join(inputs, 'cut.npy'), /cut\.npy/);
  });
  it('an array that is not there', () => run(model, join(inputs, 'gone.npy'), /gone\.npy/));
  it('a network that is not there', () => run(join(inputs, 'gone.dat'), input, /gone\.dat/));
  it('a network cut short', () => {
    writeFileSync(join(inputs, 'cut.dat'), readFileSync(model).subarray(0, 300));
    run(join(inputs, 'cut.dat'), input, /cut\.dat.*(layer|byte)/);
  });
  it('an unknown compute type, engine', () => {
    const files = ['--model', model, '--input', input, '--output', 'out.npy'];
    refused(['infer', ...files, '--quantization', 'FP8'], /"FP8".*FP32C_FP32A/);
    refused(['infer', ...files, '--engine', 'abacus'], /abacus/);
  });
  it('an output that cannot be written', () =>
    refused(['infer', '--model', model, '--input', input, '--output', 'no-such/out.npy'], /no-such\/out\.npy/));
});

describe('models check refuses', () => {
  it('a file that is no network, naming layer or byte', () =>
    refused(['models', 'check', goodImage], /good\.fits.*(byte|layer)/));
  it('a model that is not there', () => refused(['models', 'check', 'nope'], /unknown model "nope"/));
});

describe('a folder that cannot be made is named, with the reason,', () => {
  const kNames: Record<string, string[]> = {
    'by token add': ['token', 'add', 'ada', '--data-dir'],
    'by serve': ['serve', '--port', '0', '--data-dir'],
    'by simulate': ['simulate', '--size', '256', '-o'],
  };
  const file = join(inputs, 'file');
  writeFileSync(file, '');
  const dangling = join(inputs, 'dangling');
  symlinkSync(join(inputs, 'nowhere/at/all'), dangling);
  for (const [name, args] of Object.entries(kNames)) {
    it(`${name}: a file`, () => refused([...args, file], /cannot make .*file: a file of that name is there$/m));
    it(`${name}: below a file`, () => refused([...args, join(file, 'x')], /cannot make .*a part of the path is not/));
    it(`${name}: below a link to nothing`, () => refused([...args, join(dangling, 'x')], /cannot make .*dangling/));
  }
});
