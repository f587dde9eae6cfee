/** `bench engine`: one network, one batch, layer by layer. */

import { type EngineOptions, engineRequest } from '#otf/cli/options.js';
import { progressBar } from '#otf/cli/progress.js';
import { bold, print, textTable } from '#otf/cli/table.js';
import {
  type BenchCiannaOutcome,
  type BenchEngineOutcome,
  type BenchEngineRequest,
  type NativeAddon,
  native,
} from '#otf/engine/addon.js';
import { quantizationName } from '#otf/models/quantization.js';
import { conditions, printConditions } from './conditions.js';

interface BenchEngineOptions extends EngineOptions {
  model: string;
  size: number;
  repeats: number;
  json?: boolean;
}

export async function benchEngine(options: BenchEngineOptions): Promise<void> {
  const addon = native();
  const before = await conditions();
  const { model, size, repeats, batch } = options;
  const engine = engineRequest(options, quantizationName(options.quantization ?? 'FP32'));
  const bar = progressBar('passes');
  const outcome = await addon
    .benchEngine({ model, width: size, height: size, repeats, inputBias: 0.1, engine }, bar.update)
    .finally(bar.stop);
  const summary = summarise(outcome, batch);
  const cianna = await besideCianna(addon, { model, width: size, height: size, repeats, inputBias: 0.1, engine });
  if (options.json)
    return print(JSON.stringify({ conditions: before, model, size, batch, ...summary, outcome, cianna }, null, 2));
  printConditions(before);
  const { effective, asked, threads } = outcome.engine;
  const type = effective === asked ? effective : `${effective} (asked for ${asked})`;
  print(`${model} at ${size}x${size}, batch ${batch}, ${type}, ${threads} threads, ${repeats} repeats`);
  print('');
  printLayers(outcome);
  print('');
  print(bold(`${summary.tilesPerSecond.toFixed(2)} tiles/s, ${(summary.flopRate / 1e9).toFixed(0)} GFLOP/s`));
  const giga = (rate: number) => (rate / 1e9).toFixed(0);
  print(
    `limits measured here: ${outcome.unit} ${giga(outcome.peakFlops)} GFLOP/s, L2 ${giga(outcome.cacheBytesPerSecond)} GB/s, ` +
      `memory ${giga(outcome.memoryBytesPerSecond)} GB/s`,
  );
  print(`share of the arithmetic ${percent(summary.peakShare)}${limitShare(summary.limitShare)}`);
  print(
    `bare oneDNN layers: ${summary.bareTilesPerSecond.toFixed(2)} tiles/s; this is ${summary.overBare.toFixed(2)} x (median of ratios)`,
  );
  printBeside(outcome, batch);
  printCianna(cianna, batch, summary.tilesPerSecond);
  print(`spread of the repeats: ${percent(summary.spread)} (slowest over fastest)`);
}

/** Of INT8: what it was calibrated on, and the same network in what its other layers are in. */
function printBeside({ besideSeconds, forwardSeconds }: BenchEngineOutcome, batch: number): void {
  if (!besideSeconds) return;
  const ratio = median(forwardSeconds.map((own, repeat) => (besideSeconds[repeat] ?? Number.NaN) / own));
  print(
    'calibrated on the input of this benchmark: a speed, not an accuracy; all but the first 4 convolutions in INT8',
  );
  const onednn = native()
    .describeEngines()
    .find(({ name }) => name === 'onednn');
  const beside = onednn?.computeTypes.includes('BF16C_FP32A') ? 'BF16' : 'FP32';
  print(
    `${beside} in turns: ${(batch / median(besideSeconds)).toFixed(2)} tiles/s; INT8 is ${ratio.toFixed(2)} x (median of ratios)`,
  );
}

/** The same network in CIANNA's own library, FP32, when this build has one. Fewer repeats: it is the slower one. */
async function besideCianna(addon: NativeAddon, request: BenchEngineRequest): Promise<BenchCiannaOutcome | undefined> {
  const present = addon.describeEngines().some((engine) => engine.name === 'cianna' && engine.available);
  if (!present || request.engine.name !== 'onednn') return undefined;
  const engine = { ...request.engine, name: 'cianna', quantization: 'FP32C_FP32A' };
  return addon.benchCianna({ ...request, repeats: Math.min(request.repeats, 3), engine });
}

function printCianna(cianna: BenchCiannaOutcome | undefined, batch: number, tilesPerSecond: number): void {
  if (!cianna) return;
  const own = batch / cianna.remoteSeconds;
  const { version, effective } = cianna.engine;
  print(
    `cianna (${version}, ${effective}): ${own.toFixed(2)} tiles/s; onednn is ${(tilesPerSecond / own).toFixed(2)} x`,
  );
}

interface EngineSummary {
  tilesPerSecond: number;
  flopRate: number;
  peakShare: number;
  bareTilesPerSecond: number;
  /** Speed relative to the bare layers, 1 = as fast: the median of the repeats' ratios. */
  overBare: number;
  /** The sum of the layers' own limits over the time taken; undefined where the engine gives no layers. */
  limitShare: number | undefined;
  spread: number;
}

/** Medians: one disturbed repeat must not decide. */
function summarise(outcome: BenchEngineOutcome, batch: number): EngineSummary {
  const seconds = median(outcome.forwardSeconds);
  const bare = median(outcome.bareSeconds);
  const flopRate = (outcome.flopsPerItem * batch) / seconds;
  const done = sum(outcome.layers.map((layer) => layer.flops * layer.arithmetic));
  const limits = outcome.layers.map((layer) => layer.limitSeconds);
  return {
    tilesPerSecond: batch / seconds,
    flopRate,
    peakShare: done / seconds / outcome.peakFlops,
    bareTilesPerSecond: batch / bare,
    overBare: median(outcome.forwardSeconds.map((own, repeat) => (outcome.bareSeconds[repeat] ?? Number.NaN) / own)),
    limitShare: limits.includes(undefined) ? undefined : sum(limits) / seconds,
    spread: Math.max(...outcome.forwardSeconds) / Math.min(...outcome.forwardSeconds) - 1,
  };
}

function printLayers(outcome: BenchEngineOutcome): void {
  const rate = (flops: number, seconds: number) => (flops > 0 && seconds > 0 ? flops / seconds : Number.NaN);
  const gflops = (value: number) => (Number.isFinite(value) ? (value / 1e9).toFixed(0) : '');
  const share = (value: number) => (Number.isFinite(value) ? percent(value) : '');
  const rows = outcome.layers.map((layer, index) => [
    String(index + 1),
    layer.layer,
    (layer.seconds * 1e3).toFixed(2),
    gflops(rate(layer.flops, layer.seconds)),
    layer.bytes === undefined ? '' : (layer.bytes / 1e6).toFixed(1),
    layer.bound ?? '',
    share((layer.limitSeconds ?? Number.NaN) / layer.seconds),
    layer.bareSeconds > 0 ? (layer.bareSeconds * 1e3).toFixed(2) : '',
    layer.follows ? `${layer.kernel}, in strips of the above` : layer.kernel,
  ]);
  print(
    textTable(
      [
        { title: '#' },
        { title: 'layer', align: 'left' },
        { title: 'ms' },
        { title: 'GFLOP/s' },
        { title: 'MB' },
        { title: 'bound', align: 'left' },
        { title: 'of it' },
        { title: 'bare ms' },
        { title: 'kernel', align: 'left' },
      ],
      rows,
    ),
  );
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function limitShare(share: number | undefined): string {
  return share === undefined ? '' : `, of all layers' own limits ${percent(share)}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
