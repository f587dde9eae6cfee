/** `models list|show|check|pull|verify`: which networks there are, what is in them, and whether a file is one. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type ModelSummary, native } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { sha256File } from '../io/checksum.js';
import { type ModelCard, verifyWeights } from '../models/card.js';
import { parseUpstreamRegistry } from '../models/upstream.js';
import { loadRegistry, resolveModel } from '../tasks/cards.js';
import { type DetectorCard, detectorCards } from '../tasks/detection/card.js';
import { generateUpstreamRegistry } from '../tasks/detection/upstream-registry.js';
import { registerCalibrate } from './models-calibrate.js';
import { addIndexOptions, listRemote, registerRemoteModels } from './models-remote.js';
import { addModelsOption, example } from './options.js';
import { clientOf } from './remote.js';
import { bold, print, textTable } from './table.js';

interface ModelsOptions {
  models: string;
  server?: string;
  remote?: boolean;
  index?: string;
  cache: string;
  json?: boolean;
  xml?: boolean;
}

export function registerModels(root: Command): void {
  const group = root.command('models').description('the networks that can be used');
  const list = group.command('list').description('models of the folder');
  list.option('--json', 'as JSON').option('--xml', "as the upstream server's CIANNA_models.xml").action(listModels);
  list.option('--server <url>', "models of a server, ours or the observatory's");
  list.option('--remote', 'models of an index: what `models pull` can fetch');
  example(addIndexOptions(addModelsOption(list)), [
    'cianna-otf models list',
    'cianna-otf models list --server http://otf.example.org:5000',
  ]);

  const show = group
    .command('show')
    .description('card and layers of a model')
    .argument('<id>', 'model id or model.toml');
  show.option('--json', 'as JSON').action(showModel);
  example(addModelsOption(show), ['cianna-otf models show demo-continuum']);

  const check = group
    .command('check')
    .description('read a network file (or a card and its weights) and say what is wrong with it')
    .argument('<file>', 'network file, model.toml or model id');
  check.option('--json', 'as JSON').action(checkModel);
  example(addModelsOption(check), ['cianna-otf models check net0_s1800.dat', 'cianna-otf models check demo-continuum']);
  registerCalibrate(group);
  registerRemoteModels(group);
}

async function listServerModels(url: string, options: ModelsOptions): Promise<void> {
  const client = await clientOf({ ...options, server: url });
  const xml = await client.modelRegistry();
  if (options.xml) return print(xml.trimEnd());
  const models = parseUpstreamRegistry(xml, `${client.base}: CIANNA_models.xml`);
  if (options.json) return print(JSON.stringify(models, null, 2));
  const titles = ['model', 'file', 'compute types', 'tile', 'trained on'];
  const rows = models.map(({ name, parameters: of }) => [
    of.ModelId ?? name.replace(/\.dat$/, ''),
    name,
    of.InferenceQuantization ?? '',
    of.OriginalInputDim?.split('x')[0] ?? '',
    of.TrainingDatasetName ?? '',
  ]);
  print(
    textTable(
      titles.map((title) => ({ title, align: 'left' })),
      rows,
    ),
  );
}

async function listModels(options: ModelsOptions): Promise<void> {
  if (options.remote) return listRemote(options);
  if (options.server !== undefined) return listServerModels(options.server, options);
  const registry = await loadRegistry(options.models);
  if (options.xml) process.stdout.write(generateUpstreamRegistry(detectorCards(registry.cards)));
  else if (options.json) print(JSON.stringify(registry.cards, null, 2));
  else if (registry.cards.length > 0) {
    const columns = ['id', 'kind', 'quantizations', 'tile', 'title'];
    const rows = registry.cards.map((card) => [
      card.id,
      card.kind,
      card.quantizations.join(', '),
      `${card.tile}`,
      card.title,
    ]);
    print(
      textTable(
        columns.map((title) => ({ title, align: 'left' })),
        rows,
      ),
    );
  } else if (registry.faults.length === 0) print(`no models in ${registry.dir}`);
  const [first, ...others] = registry.faults;
  if (first === undefined) return;
  const more = others.length > 0 ? ` (and ${others.length} more broken cards)` : '';
  throw new OtfError(first.code, `${first.message}${more}`);
}

async function showModel(name: string, options: ModelsOptions): Promise<void> {
  const card = await resolveModel(options.models, name);
  const addon = native();
  const summary = await addon.inspectModel(card.weightsPath, card.tile, card.tile);
  if (options.json) return print(JSON.stringify({ card, network: summary }, null, 2));
  print(bold(`${card.id}: ${card.title}`));
  const facts: [string, string][] = [
    ['weights', `${card.weightsPath} (sha256 ${card.sha256.slice(0, 12)}...)`],
    ['quantizations', card.quantizations.join(', ')],
    ...calibrationFacts(card),
    ['tiles', tilesText(card)],
    ['normalisation', card.normalisation.map((step) => Object.values(step).join(' ')).join(', ')],
    ...detectorFacts(card),
    ['training', `${card.training.name}: ${card.training.description}`],
    ['licence', card.licence],
    ['citation', card.citation],
  ];
  for (const [key, value] of facts) print(`${key.padEnd(14)} ${value}`);
  print('');
  printNetwork(summary);
}

function calibrationFacts({ calibrationPath, int8 }: ModelCard): [string, string][] {
  if (calibrationPath === undefined || !int8) return [];
  return [['calibration', `${calibrationPath} (sha256 ${int8.sha256.slice(0, 12)}...)`]];
}

function tilesText(card: ModelCard): string {
  const [detector] = detectorCards([card]);
  const grid = detector ? `, grid element ${detector.detector.grid_element}` : '';
  return `${card.tile} pixels, overlap ${card.overlap}${grid}`;
}

function detectorFacts(card: ModelCard): [string, string][] {
  return detectorCards([card]).flatMap(({ detector }) => [
    ['predicts', detector.parameters.map((entry) => entry.column).join(', ') || 'boxes only'],
    ['thresholds', detector.objectness_threshold.join(' ')],
    ...measuredFacts(detector),
  ]);
}

function measuredFacts({ min_snr, measured_objectness_threshold }: DetectorCard['detector']): [string, string][] {
  if (min_snr === undefined) return [];
  const thresholds = measured_objectness_threshold ? `, thresholds ${measured_objectness_threshold.join(' ')}` : '';
  return [['measured', `SNR at least ${min_snr}${thresholds}`]];
}

async function checkModel(name: string, options: ModelsOptions): Promise<void> {
  const card = (await isCardName(name)) ? await resolveModel(options.models, name) : undefined;
  const path = card?.weightsPath ?? name;
  const addon = native();
  const summary = await addon.inspectModel(path, card?.tile ?? 0, card?.tile ?? 0);
  if (card) {
    await verifyWeights(card);
    compareCard(card, summary);
  }
  const sha256 = await sha256File(path);
  if (options.json) return print(JSON.stringify({ ok: true, sha256, network: summary }, null, 2));
  printNetwork(summary);
  print(`sha256 ${sha256}`);
  print(card ? `${card.id}: card and weights are good` : `${basename(path)}: good`);
}

/** model.toml is a card; an existing file, or a name only a file would have, is a network file; the rest are ids. */
async function isCardName(name: string): Promise<boolean> {
  if (name.endsWith('.toml')) return true;
  if (/[/.]/.test(name)) return false;
  return stat(name).then(
    (found) => !found.isFile(),
    () => true,
  );
}

/** A card that does not fit its network would fail at the first job: better said here. */
function compareCard(card: ModelCard, summary: ModelSummary): void {
  const fault = (text: string) => new OtfError('OTF_MODEL_CARD_INVALID', `${card.path}: ${text}`);
  const [detector] = detectorCards([card]);
  if (!detector) return;
  const { boxes, parameters } = detector.detector;
  const { yolo } = summary;
  if (!yolo) throw fault('kind is "detector", but the network does not end in a YOLO layer');
  if (yolo.boxes !== boxes) {
    throw fault(`detector.boxes is ${boxes}, the network has ${yolo.boxes}`);
  }
  if (yolo.parameters !== parameters.length) {
    throw fault(`detector.parameters has ${parameters.length}, the network has ${yolo.parameters}`);
  }
}

function printNetwork(summary: ModelSummary): void {
  const size = (of: readonly number[]) => of.join('x');
  const rows = summary.layers.map((layer) => [
    String(layer.index),
    layer.text,
    size(layer.output),
    layer.parameters.toLocaleString('en'),
    (layer.flops / 1e6).toFixed(1),
  ]);
  print(
    textTable(
      [
        { title: '#' },
        { title: 'layer', align: 'left' },
        { title: 'output WxHxDxC' },
        { title: 'parameters' },
        { title: 'MFLOP' },
      ],
      rows,
    ),
  );
  const flops = summary.layers.reduce((sum, layer) => sum + layer.flops, 0);
  const kind = summary.fullyConvolutional ? 'fully convolutional' : 'fixed input size';
  print('');
  print(
    `${summary.format} file, trained at ${size(summary.trained)} (WxHxDxC), ${kind}, ` +
      `${summary.parameters.toLocaleString('en')} parameters, ${(flops / 1e9).toFixed(2)} GFLOP per item`,
  );
  if (summary.yolo) {
    const { boxes, classes, parameters, priors } = summary.yolo;
    print(`YOLO: ${boxes} boxes (priors ${priors.map(size).join(' ')}), ${classes} classes, ${parameters} parameters`);
  }
}
