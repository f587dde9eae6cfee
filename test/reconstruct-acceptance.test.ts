/** What a reconstruction is worth, on a few cubes with fixed seeds: `bench reconstruct` has the same figures of many. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli, scratchDir } from './support/cli.js';

interface Scores {
  rmse: number;
  background: number;
  forcedBias: number;
  pullMean: number;
  pullWidth: number;
  completeness: number;
  labelAuc: number;
}
interface Level {
  level: number;
  zero: number;
  warned: number;
  methods: Record<'network' | 'clean' | 'clean-smooth' | 'clean-bank', Scores>;
}

const dir = scratchDir();

function bench(...args: string[]): Record<string, Level[]> {
  const { code, stdout, stderr } = runCli(['bench', 'reconstruct', '--json', ...args], dir);
  assert.equal(code, 0, stderr);
  const { results } = JSON.parse(stdout) as { results: { set: string; levels: Level[] }[] };
  return Object.fromEntries(results.map(({ set, levels }) => [set, levels]));
}

describe('a reconstruction', () => {
  it('has the light curves of transients that CLEAN and smoothing have not', () => {
    const { trained = [] } = bench('--set', 'trained', '--cubes', '4', '--level', '0.2', '0.33');
    assert.equal(trained.length, 2);
    for (const { level, zero, methods } of trained) {
      const { network, clean } = methods;
      const [smooth, bank] = [methods['clean-smooth'], methods['clean-bank']];
      const told = JSON.stringify({ level, zero, methods });
      assert.ok(clean.rmse / network.rmse >= 2.5, told);
      assert.ok(network.rmse <= 0.7 * smooth.rmse && network.rmse < zero / 2, told);
      assert.ok(clean.background / network.background >= 5, told);
      assert.ok(Math.abs(network.forcedBias) <= 0.02, told);
      assert.ok(Math.abs(network.pullMean) <= 0.1 && Math.abs(network.pullWidth - 1) <= 0.1, told);
      assert.ok(network.completeness >= 0.8 && network.completeness >= bank.completeness - 0.1, told);
      assert.ok(network.labelAuc >= 0.9, told);
    }
  });

  it('is calibrated on cubes of the observation that is said', () => {
    const rss = (...args: string[]) => {
      const all = ['bench', 'reconstruct', '--calibrate', '--cubes', '2', '--size', '32', '--frames', '16', ...args];
      const { code, stdout, stderr } = runCli(all, dir);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^2 empty cubes of 32x32x16, seed 77: 0\.0125 peaks per cube/);
      return stdout;
    };
    const [usual, natural, later] = [rss(), rss('--weighting', 'natural'), rss('--hour-angles=40,50')];
    assert.equal(rss('--weighting', 'briggs', '--robust', '0', '--hour-angles=-10,10'), usual);
    assert.notEqual(natural, usual);
    assert.notEqual(later, usual);
  });

  it('with a PSF it has not learnt says so, or is still better than CLEAN', () => {
    const sets = bench('--set', 'half', 'gain-errors', '--other-cubes', '2', '--level', '0.33');
    assert.equal(sets.half?.[0]?.warned, 2);
    const [errors] = sets['gain-errors'] ?? [];
    assert.ok(errors && errors.methods.clean.rmse / errors.methods.network.rmse >= 1.5, JSON.stringify(errors));
  });
});
