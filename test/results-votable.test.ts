/** VOTables against other people's readers: STILTS' validator and astropy. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { votable } from '#otf/results/votable.js';
import { catalogueDocument } from '#otf/tasks/detection/catalogue-document.js';
import { kNoAstropy, kNoStilts, python, scratchDir } from './support/cli.js';
import { type FakeOptions, fakeRecord, resultText, writeResult } from './support/records.js';

const dir = scratchDir();

const kCases: Record<string, FakeOptions> = {
  'with everything': { primaryBeam: 'beam.fits' },
  'without WCS': { wcs: null },
  'without sources': { count: 0 },
  'in FK5': {
    wcs: {
      system: 'FK5',
      equinox: 2000,
      native: 'RA/DEC',
      projection: 'TAN',
      pixelScaleDeg: 1e-4,
      centreRaDeg: 0,
      centreDecDeg: 0,
    },
  },
  'in FK4': {
    wcs: {
      system: 'FK4',
      equinox: 1950,
      native: 'RA/DEC',
      projection: 'TAN',
      pixelScaleDeg: 1e-4,
      centreRaDeg: 0,
      centreDecDeg: 0,
    },
  },
  'with many rows': { count: 1700 },
};

function votlint(path: string): string {
  const { stdout, stderr } = spawnSync('stilts', ['votlint', `votable=${path}`, 'ucd=true', 'unit=true'], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`.trim();
}

describe('VOTable: STILTS finds nothing to say about it', { skip: kNoStilts }, () => {
  for (const [name, options] of Object.entries(kCases)) {
    for (const format of ['votable', 'votable-binary2'] as const) {
      it(`${name}, ${format}`, async () => {
        const path = join(dir, `${name.replaceAll(' ', '-')}-${format}.vot`);
        await writeResult(await fakeRecord(options), format, path);
        assert.equal(votlint(path), '');
      });
    }
  }

  it('finds a fault when there is one', async () => {
    const path = join(dir, 'faulty.vot');
    await writeResult(await fakeRecord(), 'votable', path);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, readFileSync(path, 'utf8').replace('nrows="5"', 'nrows="6"'));
    assert.match(votlint(path), /row/i);
  });
});

const kReadBoth = `
import sys, json, numpy
from astropy.io.votable import parse
def read(path):
    file = parse(path, verify='exception')
    table = file.get_first_table()
    out = {'fields': {f.name: [f.datatype, str(f.unit or ''), f.ucd, f.ref] for f in table.fields}, 'rows': {}}
    for name in table.array.dtype.names:
        column = table.array[name]
        values = column.data.tolist()
        mask = numpy.ma.getmaskarray(column).tolist()
        out['rows'][name] = [None if m or v != v else v for v, m in zip(values, mask)]
    out['infos'] = {i.name: i.value for i in file.resources[0].infos}
    out['coosys'] = [[c.ID, c.system, c.equinox] for c in file.resources[0].coordinate_systems]
    out['params'] = [p.name for p in file.resources[0].params]
    return out
print(json.dumps([read(path) for path in sys.argv[1:]], default=lambda b: b.decode() if isinstance(b, bytes) else str(b)))
`;

interface ReadTable {
  fields: Record<string, [string, string, string, string | null]>;
  rows: Record<string, (number | string | null)[]>;
  infos: Record<string, string>;
  coosys: [string, string, string | null][];
}

async function readBack(options: FakeOptions): Promise<[ReadTable, ReadTable]> {
  const record = await fakeRecord(options);
  const paths = [join(dir, 'text.vot'), join(dir, 'binary.vot')] as const;
  await writeResult(record, 'votable', paths[0]);
  await writeResult(record, 'votable-binary2', paths[1]);
  return python(kReadBoth, ...paths) as [ReadTable, ReadTable];
}

describe('VOTable: astropy reads what was meant', { skip: kNoAstropy }, () => {
  for (const [name, options] of Object.entries(kCases)) {
    it(`both serialisations hold the same: ${name}`, async () => {
      const [text, binary] = await readBack(options);
      assert.deepEqual(text, binary);
    });
  }

  it('columns have the types, units, UCDs and references of the contract', async () => {
    const [{ fields }] = await readBack({ primaryBeam: 'beam.fits' });
    assert.deepEqual(fields.ra, ['double', 'deg', 'pos.eq.ra;meta.main', 'sky']);
    assert.deepEqual(fields.dec, ['double', 'deg', 'pos.eq.dec;meta.main', 'sky']);
    assert.deepEqual(fields.x, ['float', 'pix', 'pos.cartesian.x;instr.det', null]);
    assert.deepEqual(fields.width, ['float', 'pix', 'phys.size;instr.pixel', null]);
    assert.deepEqual(fields.objectness, ['float', '', 'stat.probability', null]);
    assert.deepEqual(fields.flux, ['float', 'Jy', 'phot.flux.density;em.radio', null]);
    assert.deepEqual(fields.bmaj, ['float', 'arcsec', 'phys.angSize.smajAxis', null]);
    assert.deepEqual(fields.pa, ['float', 'deg', 'pos.posAng', null]);
    assert.equal(fields.source_id?.[2], 'meta.id;meta.main');
    assert.ok(fields.flux_corrected && fields.primary_beam);
  });

  it('missing values are null, pixel positions begin at 1, flux is corrected by the beam', async () => {
    const [{ rows, coosys, infos }] = await readBack({ primaryBeam: 'beam.fits' });
    assert.equal(rows.ra?.[1], null);
    assert.equal(rows.pa?.[2], null);
    assert.equal(rows.x?.[0], 1);
    assert.equal(rows.flux?.[0], Math.fround(1e-5));
    assert.equal(rows.flux_corrected?.[0], Math.fround(2e-5));
    assert.equal(rows.flux_corrected?.[1], null);
    assert.equal(new Set(rows.source_id).size, 5);
    assert.deepEqual(coosys, [['sky', 'ICRS', null]]);
    assert.equal(infos.QUERY_STATUS, 'OK');
    assert.equal(infos.quantization_asked, 'BF16C_FP32A');
    assert.equal(infos.quantization, 'FP32C_FP32A');
    // The control character cannot be held by XML; everything else survives.
    assert.equal(infos.input, 'a<b>&"c"\'d\ufffd\u{1f52d}.fits');
  });

  it('an image without WCS has no COOSYS and no sky positions', async () => {
    const [{ rows, coosys, fields }] = await readBack({ wcs: null });
    assert.deepEqual(coosys, []);
    assert.equal(fields.ra?.[3], null);
    assert.ok(rows.ra?.every((value) => value === null) && rows.dec?.every((value) => value === null));
  });
});

describe('VOTable 1.5', () => {
  it('differs from 1.4 in its version and the names of coordinate systems, and in nothing else', async () => {
    for (const [system, equinox, old, now] of [
      ['FK5', 2000, 'eq_FK5', 'FK5'],
      ['FK4', 1950, 'eq_FK4', 'FK4'],
      ['ICRS', 0, 'ICRS', 'ICRS'],
    ] as const) {
      const record = await fakeRecord();
      const { wcs } = record.outcome.image;
      if (wcs) Object.assign(wcs, { system, equinox });
      const text = (format: 'votable' | 'votable-1.5') => resultText(record, format);
      const earlier = text('votable');
      assert.ok(earlier.includes(`system="${old}"`));
      const expected = earlier
        .replace('<VOTABLE version="1.4"', '<VOTABLE version="1.5"')
        .replace(`system="${old}"`, `system="${now}"`);
      assert.equal(text('votable-1.5'), expected);
    }
  });
});

describe('VOTable text', () => {
  it('has its elements in the order of the schema and says where pixels begin', async () => {
    const text = [...votable(catalogueDocument(await fakeRecord()), 'TABLEDATA')].join('');
    const order = [
      '<RESOURCE type="results">',
      '<DESCRIPTION>',
      '<INFO name="QUERY_STATUS" value="OK"/>',
      '<COOSYS',
      '<TIMESYS',
      '<PARAM',
      '<TABLE',
    ];
    const places = order.map((part) => text.indexOf(part));
    assert.deepEqual(
      [...places].sort((a, b) => a - b),
      places,
    );
    assert.ok(!places.includes(-1));
    assert.ok(text.lastIndexOf('<INFO') < text.indexOf('<COOSYS'));
    assert.match(text, /centre of the first pixel is 1/);
    assert.match(text, /nrows="5"/);
  });

  it('names time scales as the vocabulary of the IVOA does', async () => {
    const document = catalogueDocument(await fakeRecord());
    const scaleOf = (scale: string) => {
      const [text] = votable({ ...document, time: { scale, position: 'UNKNOWN' } }, 'TABLEDATA');
      return /<TIMESYS ID="mjd" [^>]*timescale="([^"]*)"/.exec(String(text))?.[1];
    };
    const told = ['UTC', 'TT', 'TDB', 'UT1', 'LOCAL', 'utc'].map(scaleOf);
    assert.deepEqual(told, ['UTC', 'TT', 'TDB', 'UT', 'UNKNOWN', 'UNKNOWN']);
  });

  it('comes in pieces: no piece of 100000 rows is large', async () => {
    let largest = 0;
    let total = 0;
    for (const piece of votable(catalogueDocument(await fakeRecord({ count: 100_000 })), 'TABLEDATA')) {
      largest = Math.max(largest, piece.length);
      total += piece.length;
    }
    assert.ok(total > 20e6, `total ${total}`);
    assert.ok(largest < 1e6, `largest ${largest}`);
  });
});
