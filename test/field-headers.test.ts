/** Headers as they are met in the field, through the command: the same sources, positions and fluxes, or words that say why not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kNoAstropy, kPython, kRoot, runCli, scratchDir } from './support/cli.js';
import { FieldImage, type HeaderCase } from './support/field-image.js';

type Row = Record<string, number | null>;

const kAxesOfRaDec = (ra: number, dec: number): string[] => [
  `CTYPE${ra}  = 'RA---SIN'`,
  `CRPIX${ra}  = 151.0`,
  `CRVAL${ra}  = 150.1`,
  `CDELT${ra}  = ${-0.604 / 3600}`,
  `CTYPE${dec}  = 'DEC--SIN'`,
  `CRPIX${dec}  = 151.0`,
  `CRVAL${dec}  = -30.2`,
  `CDELT${dec}  = ${0.604 / 3600}`,
];
const kAllAxes = ['CTYPE', 'CRPIX', 'CRVAL', 'CDELT', 'CUNIT'].flatMap((stem) => [`${stem}1`, `${stem}2`]);

interface Expected {
  options?: string[];
  /** Exit status, 0 unless given. */
  exit?: number;
  /** No sky positions. */
  noSky?: boolean;
  says?: RegExp;
}

const kCases: Record<string, [HeaderCase, Expected]> = {
  'D exponents in every number': [
    {
      cards: [
        'CRPIX1  = 1.51D+02',
        'CRPIX2  = 1510.D-1',
        'CRVAL1  = 1.501D2',
        'CRVAL2  = -3.02d+01',
        `CDELT1  = ${(-0.604 / 3600).toExponential(15).replace('e', 'D')}`,
        `CDELT2  = ${(0.604 / 3600).toExponential(15).replace('e', 'd')}`,
        'LONPOLE = 1.8D+02',
        'BMAJ    = 4.2D-04',
        'BMIN    = 4.2D-04',
      ],
    },
    {},
  ],
  'a CD matrix with D exponents and no blank after =': [
    {
      drop: ['CDELT1', 'CDELT2'],
      cards: [`CD1_1   =${(-0.604 / 3600).toExponential(12).replace('e', 'D')}`, `CD2_2   =${0.604 / 3600}`],
    },
    {},
  ],
  'keywords in small letters': [{ cards: ['crval1  = 150.1', 'crval2  = -30.2', "ctype1  = 'RA---SIN'"] }, {}],
  'CRPIX absent': [{ drop: ['CRPIX2'] }, { noSky: true, says: /CRPIX2 is missing/ }],
  'CRVAL without a value': [{ cards: ['CRVAL1  ='] }, { noSky: true, says: /CRVAL1/ }],
  'CRVAL in hours, minutes and seconds': [
    { cards: ['CRVAL1  = 10 00 24.0'] },
    { noSky: true, says: /CRVAL1 = 10 00 24.0/ },
  ],
  'CTYPE without projection': [
    { cards: ["CTYPE1  = 'RA'", "CTYPE2  = 'DEC'"] },
    { noSky: true, says: /CTYPE1 and CTYPE2 name no celestial projection/ },
  ],
  'a Stokes axis first, its third plane': [
    { axes: [4, 'X', 'Y'], plane: 2, drop: kAllAxes, cards: ["CTYPE1  = 'STOKES'", ...kAxesOfRaDec(2, 3)] },
    { options: ['--plane', '2'] },
  ],
  'a frequency axis between': [
    {
      axes: ['X', 3, 'Y', 2],
      plane: 4,
      drop: kAllAxes,
      cards: ["CTYPE2  = 'FREQ'", "CTYPE4  = 'STOKES'", ...kAxesOfRaDec(1, 3)],
    },
    { options: ['--plane', '4'] },
  ],
  'a slice along frequency': [
    { axes: ['X', 'Y'], cards: ["CTYPE2  = 'FREQ'"] },
    { exit: 1, says: /FREQ is no picture of the sky/ },
  ],
  'microjanskys in Latin-1': [{ scale: 1e6, cards: ["BUNIT   = '\xb5Jy beam-1'"] }, {}],
  'a unit without quotes': [{ cards: ['BUNIT   = Jy/beam'] }, { says: /not in quotes/ }],
  kelvins: [{ cards: ["BUNIT   = 'K'"] }, { exit: 1, says: /in K \(BUNIT\), the network was trained in Jy\/beam/ }],
  'kelvins that are none': [{ cards: ["BUNIT   = 'K'"] }, { options: ['--pixel-unit', 'Jy/beam'] }],
  'a pixel unit that is none': [{}, { options: ['--pixel-unit', 'furlongs per'], exit: 1, says: /furlongs per/ }],
  'no unit': [{ drop: ['BUNIT'] }, { says: /no BUNIT/ }],
  'a beam of no size': [{ cards: ['BMAJ    = 0.0', 'BMIN    = 0.0'] }, { says: /BMAJ = 0, BMIN = 0 is no beam/ }],
  'a beam in arcseconds': [{ cards: ['BMAJ    = 1.5', 'BMIN    = 1.5'] }, { says: /wider than the image.*arcseconds/ }],
  'undefined CROTA2, LONPOLE and EQUINOX': [
    { cards: ['CROTA2  =', 'LONPOLE =', 'EQUINOX ='] },
    { says: /CROTA2 has no value/ },
  ],
  'a frame nobody knows': [{ cards: ["RADESYS = 'J2000.0?'"] }, { says: /RADESYS = 'J2000.0\?'/ }],
  'blocks filled with NUL': [{ pad: '\0' }, {}],
  'END filled with NUL': [{ end: 'END\0', pad: '\0' }, {}],
  'keywords of the primary HDU': [
    {
      drop: ['BUNIT', 'CRVAL1', 'CRVAL2'],
      scale: 1000,
      cards: ['INHERIT = T'],
      primary: ["BUNIT   = 'mJy/beam'", 'CRVAL1  = 150.1', 'CRVAL2  = -3.02D1', 'BSCALE  = 7.0'],
    },
    {},
  ],
};

describe('headers of the field', () => {
  const dir = scratchDir();
  let field: FieldImage;
  let base: Row[];

  const detect = (name: string, it: HeaderCase, options: string[] = []) => {
    field.write(name, it);
    const { code, stdout, stderr } = runCli(['detect', name, '--format', 'json', '-o', '-', ...options], dir);
    return { code, stderr, rows: code === 0 ? (JSON.parse(stdout) as { sources: Row[] }).sources : [] };
  };

  before(async () => {
    field = await FieldImage.simulate(dir);
    base = detect('base.fits', {}).rows;
    assert.ok(base.length > 30, `a field with sources: ${base.length}`);
  });

  for (const [name, [header, expected]] of Object.entries(kCases)) {
    it(name, () => {
      const { code, stderr, rows } = detect('case.fits', header, expected.options);
      assert.equal(code, expected.exit ?? 0, stderr);
      assert.match(stderr, expected.says ?? /^/);
      const warnings = stderr.split('\n').filter((line) => /warning/i.test(line));
      for (const line of warnings) assert.equal(line.split('case.fits').length, 2, `names the image once: ${line}`);
      assert.equal(new Set(warnings).size, warnings.length, stderr);
      if (expected.exit) return;
      assert.equal(rows.length, base.length);
      for (const [index, row] of rows.entries()) {
        const wanted = base[index] ?? {};
        const off = (key: string) => Math.abs((row[key] ?? Number.NaN) - (wanted[key] ?? Number.NaN));
        assert.ok(off('x') < 0.02 && off('y') < 0.02, `source ${index} at ${row.x} ${row.y}`);
        assert.ok(off('flux') < 1e-3 * (wanted.flux ?? 0), `source ${index} has flux ${row.flux}`);
        if (expected.noSky) assert.equal(row.ra, null);
        else assert.ok(off('ra') < 2e-6 && off('dec') < 2e-6, `source ${index} at ${row.ra} ${row.dec}`);
      }
    });
  }

  it('looks a primary beam in another frame up at the right place', () => {
    // The same sky seen in FK4 B1950: a beam falling off towards one side, in either frame.
    const slope = field.withPixels((x) => 1 - x / (2 * field.side));
    slope.write('beam.fits');
    // Centre of the field precessed by astropy: 150.1 -30.2 ICRS is 149.540477199 -29.959307524 FK4 B1950.
    const fk4 = ['CRVAL1  = 149.540477199', 'CRVAL2  = -29.959307524', "RADESYS = 'FK4'", 'EQUINOX = 1950.0'];
    slope.write('beam-fk4.fits', { cards: fk4 });
    const own = detect('a.fits', {}, ['--beam', 'beam.fits']).rows;
    const other = detect('a.fits', {}, ['--beam', 'beam-fk4.fits']).rows;
    let compared = 0;
    for (const [index, row] of own.entries()) {
      // Sources on the image's very edge lie outside one beam image or the other.
      const [here, there] = [row.primary_beam, other[index]?.primary_beam];
      if (typeof here !== 'number' || typeof there !== 'number') continue;
      compared++;
      // B1950's north is 0.3 degrees from that of ICRS there: within the image that turns the slope by less than this.
      assert.ok(Math.abs(here - there) < 0.01, `source ${index}: ${here} and ${there}`);
    }
    assert.ok(compared > 0.9 * own.length, `${compared} of ${own.length}`);
  });

  it('refuses a primary beam that cannot be placed', () => {
    field.write('no-wcs.fits', { drop: ['CTYPE1', 'CTYPE2'] });
    const { code, stderr } = detect('a.fits', {}, ['--beam', 'no-wcs.fits']);
    assert.equal(code, 1);
    assert.match(stderr, /primary-beam image no-wcs.fits cannot be placed on the sky: it has no celestial WCS/);
  });

  const cases = join(kRoot, '../shared/field');
  const missing = existsSync(join(cases, 'run_cases.py')) ? kNoAstropy : 'shared/field is not beside this checkout';
  it('does what the shared cases ask', { skip: missing }, () => {
    const program = `${process.execPath} ${join(kRoot, 'bin/cianna-otf.js')}`;
    const args = [join(cases, 'run_cases.py'), join(cases, 'cases.json'), '--program', program];
    const { status, stdout, stderr } = spawnSync(kPython, args, { cwd: kRoot, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  });
});
