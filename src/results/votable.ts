/**
 * VOTable 1.4 with either serialisation, or 1.5 for who asks for it: readers in use report that as a fault.
 * Source: IVOA VOTable 1.4 and 1.5 (element order: section 3.2 and the schema), DALI 1.1 section 4.4, VOUnits 1.0.
 * Everything is made in pieces (generators), so that a large catalogue is never one string.
 */

import { escapeXml } from '../io/xml.js';
import { rowPieces } from './rows.js';
import {
  type Column,
  type Frame,
  kCreated,
  type Table,
  type TableDocument,
  type TimeSystem,
  timestamp,
} from './table.js';
import { binary2Rows } from './votable-binary.js';

export type Serialisation = 'TABLEDATA' | 'BINARY2';
export type Version = '1.4' | '1.5';

const kNamespace = 'http://www.ivoa.net/xml/VOTable/v1.3';
const kRowsPerPiece = 512;

export function* votable(
  document: TableDocument,
  serialisation: Serialisation,
  version: Version = '1.4',
): Generator<string | Buffer> {
  yield head(document, version);
  yield tableHead(document);
  yield '    <DATA>\n';
  if (serialisation === 'TABLEDATA') yield* tableData(document.table);
  else yield* binary2(document.table);
  yield '    </DATA>\n  </TABLE>\n</RESOURCE>\n</VOTABLE>\n';
}

function head({ description, facts, warnings, frame, time, createdAt }: TableDocument, version: Version): string {
  const stamp = 'datatype="char" arraysize="*" xtype="timestamp" ref="utc" ucd="time.creation"';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<VOTABLE version="${version}" xmlns="${kNamespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
    ` xsi:schemaLocation="${kNamespace} ${kNamespace}">\n`,
    '<RESOURCE type="results">\n',
    `  <DESCRIPTION>${escapeXml(description)}</DESCRIPTION>\n`,
    // DALI 1.1 section 4.4: QUERY_STATUS is the first INFO.
    info('QUERY_STATUS', 'OK'),
    // The instant is the document's PARAM: an INFO would lack its time system.
    ...facts.filter(({ name }) => name !== kCreated).map(({ name, value }) => info(name, String(value))),
    ...warnings.map((warning) => info('warning', warning)),
    frame ? coosys(frame, version) : '',
    '  <TIMESYS ID="utc" timescale="UTC" refposition="UNKNOWN"/>\n',
    time ? timesys(time) : '',
    `  <PARAM name="created" ${stamp} value="${timestamp(createdAt)}"/>\n`,
  ].join('');
}

function info(name: string, value: string): string {
  return `  <INFO name="${escapeXml(name)}" value="${escapeXml(value)}"/>\n`;
}

/** VOTable 1.4 section 3.1 names systems eq_FK5 and eq_FK4; 1.5 goes by the vocabulary refframe. */
function coosys({ system, equinox }: Frame, version: Version): string {
  const known = kSystems.get(system);
  if (!known) return '  <COOSYS ID="sky" system="ICRS"/>\n';
  const name = version === '1.5' ? system : `eq_${system}`;
  return `  <COOSYS ID="sky" system="${name}"${attribute('equinox', `${known.epoch}${equinox || known.equinox}`)}/>\n`;
}

/** VOTable 1.4 section 3.2: MJD-origin stands for JD 2400000.5. */
function timesys({ scale, position }: TimeSystem): string {
  const words = attribute('timescale', kTimescales.get(scale) ?? 'UNKNOWN') + attribute('refposition', position);
  return `  <TIMESYS ID="mjd" timeorigin="MJD-origin"${words}/>\n`;
}

/** Scales of FITS that the IVOA's vocabulary timescale has, as it calls them. */
const kTimescales = new Map([
  ...['TAI', 'TT', 'UTC', 'GPS', 'TCG', 'TCB', 'TDB', 'UT'].map((name) => [name, name] as const),
  ['UT1', 'UT'],
]);

const kSystems = new Map([
  ['FK5', { epoch: 'J', equinox: 2000 }],
  ['FK4', { epoch: 'B', equinox: 1950 }],
]);

function tableHead({ name, rowsDescription, table, frame, time }: TableDocument): string {
  const ids = idsOf(table.columns);
  const has = { sky: frame !== undefined, time: time !== undefined };
  return [
    `  <TABLE ID="${escapeXml(name)}" name="${escapeXml(name)}" nrows="${table.rows}">\n`,
    `    <DESCRIPTION>${escapeXml(rowsDescription)}</DESCRIPTION>\n`,
    ...table.columns.map((column, index) => field(ids[index] ?? '', column, has)),
  ].join('');
}

function attribute(name: string, value: string): string {
  return value === '' ? '' : ` ${name}="${escapeXml(value)}"`;
}

/** The system a column refers to, of those the document has. */
function systemOf(column: Column, has: { sky: boolean; time: boolean }): string {
  if (column.type === 'text') return '';
  if (column.celestial && has.sky) return 'sky';
  return column.temporal && has.time ? 'mjd' : '';
}

/** An ID is an NCName, and no two are alike (Namespaces in XML 1.0): a column of another name has the next of col1, col2, ... */
function idsOf(columns: Column[]): string[] {
  const taken = new Set(columns.map(({ name }) => name));
  const used = new Set(['sky', 'utc', 'mjd']); // IDs of the document
  let next = 0;
  return columns.map(({ name }) => {
    let id = name;
    if (!/^[\p{L}_][\p{L}\p{N}._-]*$/u.test(name) || used.has(name)) {
      do {
        next += 1;
        id = `col${next}`;
      } while (taken.has(id));
    }
    used.add(id);
    return id;
  });
}

function field(id: string, column: Column, has: { sky: boolean; time: boolean }): string {
  const type = column.type === 'text' ? 'datatype="char" arraysize="*"' : `datatype="${column.type}"`;
  const ref = systemOf(column, has);
  const attributes = attribute('unit', column.unit) + attribute('ucd', column.ucd) + attribute('ref', ref);
  const description = `<DESCRIPTION>${escapeXml(column.description)}</DESCRIPTION>`;
  return `    <FIELD ID="${escapeXml(id)}" name="${escapeXml(column.name)}" ${type}${attributes}>${description}</FIELD>\n`;
}

/** A missing number is an empty cell (VOTable 1.4 section 5.5 and docs/interop.md). */
function* tableData(table: Table): Generator<string | Buffer> {
  yield '      <TABLEDATA>\n';
  const before = (_column: Column, index: number) => (index === 0 ? '        <TR><TD>' : '</TD><TD>');
  yield* rowPieces(table, { before, end: '</TD></TR>\n', text: escapeXml });
  yield '      </TABLEDATA>\n';
}

function* binary2(table: Table): Generator<string> {
  yield '      <BINARY2>\n        <STREAM encoding="base64">\n';
  yield* base64Lines(binary2Rows(table, kRowsPerPiece));
  yield '        </STREAM>\n      </BINARY2>\n';
}

/** Lines of 76 characters; 57 bytes make one, so pieces are cut there and no padding falls inside. */
function* base64Lines(pieces: Iterable<Buffer>): Generator<string> {
  const kBytesPerLine = 57;
  let rest = Buffer.alloc(0);
  for (const piece of pieces) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    const whole = bytes.length - (bytes.length % kBytesPerLine);
    if (whole > 0) yield bytes.toString('base64', 0, whole).replace(/.{76}/g, '$&\n');
    rest = Buffer.from(bytes.subarray(whole));
  }
  if (rest.length > 0) yield `${rest.toString('base64')}\n`;
}
