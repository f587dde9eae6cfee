/** How far the network's own columns scatter over Monte Carlo draws of its dropout (docs/detection.md). */
import type { SpreadColumns } from '../../engine/addon.js';
import { fitsPixel } from '../../results/pixels.js';
import type { AddNumber } from './columns.js';
import type { RunRecord } from './run-record.js';

/** Two columns for each of the network's own: `NAME_mc` and `NAME_mc_std`. */
export function addDrawn({ outcome, card, draws }: RunRecord, number: AddNumber): void {
  const of = outcome.drawn;
  if (!of || !draws) return;
  const over = `over ${draws.repeats} Monte Carlo draws of the network's dropout`;
  const pair = (name: string, unit: string, ucd: string, { mean, deviation }: SpreadColumns, more: More = {}) => {
    const { what = name, spreadUnit = unit, celestial = false, kind = 'Mean' } = more;
    const type = celestial ? 'double' : 'float';
    number(type, `${name}_mc`, unit, `${ucd};stat.mean`, `${kind} ${over} of ${what}`, mean, celestial);
    const text = `Standard deviation ${over} of ${what}`;
    number('float', `${name}_mc_std`, spreadUnit, `stat.stdev;${ucd}`, text, deviation);
  };
  const onSky = { spreadUnit: 'arcsec', celestial: true };
  pair('ra', 'deg', 'pos.eq.ra', of.ra, { ...onSky, what: 'ra (times cos Dec)' });
  pair('dec', 'deg', 'pos.eq.dec', of.dec, onSky);
  pair('x', 'pixel', 'pos.cartesian.x;instr.det', inFits(of.x));
  pair('y', 'pixel', 'pos.cartesian.y;instr.det', inFits(of.y));
  // Of what the network predicts as a logarithm.
  const log = { kind: 'Geometric mean' };
  pair('width', 'pixel', 'phys.size;instr.pixel', of.width, log);
  pair('height', 'pixel', 'phys.size;instr.pixel', of.height, log);
  pair('objectness', '', 'stat.probability', of.objectness);
  pair('probability', '', 'stat.probability', of.probability);
  let angles = false;
  for (const entry of card.detector.parameters) {
    const values = of.values[entry.column];
    if (!('max' in entry)) angles = true;
    else if (values) pair(entry.column, entry.unit, entry.ucd, values, entry.scale === 'log' ? log : {});
  }
  if (angles) pair('pa', 'deg', 'pos.posAng', of.pa);
}

interface More {
  /** What it is of, where the name alone does not say it. */
  what?: string;
  /** Of the deviation. */
  spreadUnit?: string;
  celestial?: boolean;
  kind?: string;
}

function inFits({ mean, deviation }: SpreadColumns): SpreadColumns {
  return { mean: mean.map(fitsPixel), deviation };
}
