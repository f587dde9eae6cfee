/** What `bench reconstruct` prints: a table for each set and level, and the acceptance figures with their bars. */
import { print, textTable } from '#otf/cli/table.js';
import type { Scores } from './reconstruct-scores.js';
import { type CubeSet, kAcceptanceSet, kCubeSets } from './reconstruct-sets.js';

export interface LevelResult {
  /** Noise over peak. */
  level: number;
  /** Rms of a transient of peak 1 over all frames: the error of a reconstruction of nothing. */
  zero: number;
  /** Cubes whose PSF is told to be outside the trained range; FWHM in pixels, geometric mean of all frames. */
  warned: number;
  psfFwhmPx: number;
  methods: Record<string, Scores>;
}

export interface SetResult {
  set: string;
  cubes: number;
  levels: LevelResult[];
}

const of = ({ methods }: LevelResult, method: string, figure: keyof Scores): number =>
  Number(methods[method]?.[figure] ?? Number.NaN);
const rmse = (result: LevelResult, method: string) => of(result, method, 'rmse');
const gain = (result: LevelResult) => rmse(result, 'clean') / rmse(result, 'network');
/** Of flux_rec, which is what the results have. */
const refitGain = (result: LevelResult) => rmse(result, 'clean') / of(result, 'network', 'refitRmse');
const overSmooth = (result: LevelResult, method = 'network') => 1 - rmse(result, method) / rmse(result, 'clean-smooth');
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
const titled = (titles: string[], rows: string[][]) =>
  print(
    textTable(
      titles.map((title) => ({ title })),
      rows,
    ),
  );

export function printLevel(set: CubeSet, cubes: number, result: LevelResult): void {
  const { level, zero, psfFwhmPx, warned } = result;
  const clean = rmse(result, 'clean');
  const shapes = Object.keys(result.methods.network?.rmseByShape ?? {});
  print(`${set.name} (${set.what}), noise over peak ${level}, ${cubes} cubes; PSF ${psfFwhmPx.toFixed(1)} pixels wide`);
  if (warned > 0) print(`the result says that the PSF is not as in the training: ${warned} of ${cubes} cubes`);
  const rows = Object.entries(result.methods).map(([method, it]) => [
    method,
    `${it.rmse.toFixed(3)} +- ${it.rmseError.toFixed(3)}`,
    (clean / it.rmse).toFixed(2),
    (clean / it.refitRmse).toFixed(2),
    percent(overSmooth(result, method)),
    it.biasOn.toFixed(3),
    it.background.toFixed(4),
    `${it.forcedBias.toFixed(4)} (${it.forcedBiasDrawn.toFixed(4)})`,
    `${it.pullMean.toFixed(2)} +- ${it.pullWidth.toFixed(2)}`,
    `${it.completeness.toFixed(2)} +- ${it.completenessError.toFixed(2)}`,
    it.labelAuc.toFixed(3),
    it.steadyRmse.toFixed(3),
    ...shapes.map((shape) => (it.rmseByShape[shape] ?? Number.NaN).toFixed(3)),
  ]);
  const nothing = [
    'zero cube',
    zero.toFixed(3),
    (clean / zero).toFixed(2),
    '',
    percent(1 - zero / rmse(result, 'clean-smooth')),
  ];
  const columns =
    'method|profile rmse|gain|of flux_rec|over smooth|bias on|background|forced bias|pulls|found|label AUC|steady';
  const titles = [...columns.split('|'), ...shapes];
  titled(titles, [...rows, [...nothing, ...titles.slice(nothing.length).map(() => '')]]);
  print('');
}

interface Bar {
  what: string;
  /** undefined: not measured in this run. */
  value: number | undefined;
  bar: string;
  isMet: (value: number) => boolean;
}

const atLeast = (what: string, bar: number, value: number | undefined): Bar => ({
  what,
  value,
  bar: `>= ${bar}`,
  isMet: (it) => it >= bar,
});
const within = (what: string, low: number, high: number, value: number | undefined): Bar => ({
  what,
  value,
  bar: `${low} to ${high}`,
  isMet: (it) => it >= low && it <= high,
});

/** Completeness at 5, 4 and 3 times the noise. */
const kCompleteness: [number, number][] = [
  [0.2, 0.98],
  [0.25, 0.94],
  [0.33, 0.8],
];
const kGainLevels = [0.2, 0.33, 0.5];

function acceptanceBars(levels: readonly LevelResult[]): Bar[] {
  const at = (level: number) => levels.find((each) => each.level === level);
  const figure = (level: number, value: (result: LevelResult) => number) => {
    const result = at(level);
    return result && value(result);
  };
  return [
    ...kGainLevels.flatMap((level) => [
      atLeast(`gain over CLEAN at ${level}`, 2.8, figure(level, gain)),
      atLeast(`less than CLEAN smoothed at ${level}`, 0.3, figure(level, overSmooth)),
      atLeast(
        `background of CLEAN over the network's at ${level}`,
        5,
        figure(level, (it) => of(it, 'clean', 'background') / of(it, 'network', 'background')),
      ),
    ]),
    ...levels.flatMap((it) => [
      within(`bias of forced fluxes at ${it.level}`, -0.02, 0.02, of(it, 'network', 'forcedBias')),
      within(`width of their pulls at ${it.level}`, 0.9, 1.1, of(it, 'network', 'pullWidth')),
    ]),
    ...kCompleteness.flatMap(([level, bar]) => [
      atLeast(
        `completeness at ${level}`,
        bar,
        figure(level, (it) => of(it, 'network', 'completeness')),
      ),
      atLeast(
        `that above the filter bank's at ${level}`,
        0,
        figure(level, (it) => of(it, 'network', 'completeness') - of(it, 'clean-bank', 'completeness')),
      ),
    ]),
    atLeast(
      'label: area under the curve at 0.25',
      0.98,
      figure(0.25, (it) => of(it, 'network', 'labelAuc')),
    ),
  ];
}

/** The design's and the bars, and the goals beside them. */
export function printAcceptance(results: readonly SetResult[]): void {
  const trained = results.find(({ set }) => set === kAcceptanceSet);
  if (trained) {
    print(`acceptance, ${trained.cubes} cubes a level (forced bias: without the noise that was drawn)`);
    const rows = acceptanceBars(trained.levels).map(({ what, value, bar, isMet }) => [
      what,
      value === undefined ? '' : value.toFixed(3),
      bar,
      value === undefined ? 'not measured' : isMet(value) ? 'met' : 'MISSED',
    ]);
    titled(['figure', 'measured', 'bar', ''], rows);
    print('');
  }
  const others = results.filter(({ set }) => kCubeSets.find(({ name }) => name === set)?.isOtherArray);
  if (others.length === 0) return;
  print(
    'gain over CLEAN on what the network was not trained for, and that of flux_rec (bar: 1.5 or a warning; goal: 2)',
  );
  const levels = [...new Set(others.flatMap(({ levels: each }) => each.map(({ level }) => level)))];
  titled(
    ['set', ...levels.map(String), 'warned'],
    others.map(({ set, cubes, levels: each }) => [
      set,
      ...levels.map((level) => {
        const result = each.find((it) => it.level === level);
        return result ? `${gain(result).toFixed(2)} (${refitGain(result).toFixed(2)})` : '';
      }),
      `${each[0]?.warned ?? 0} of ${cubes}`,
    ]),
  );
  print('');
}
