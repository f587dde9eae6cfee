/**
 * VOTable 1.4 with either serialisation, or 1.5 for who asks for it: readers in use report that as a fault.
 * Source: IVOA VOTable 1.4 and 1.5 (element order: section 3.2 and the schema), DALI 1.1 section 4.4, VOUnits 1.0.
 * Everything is made in pieces (generators), so that a large catalogue is never one string.
 */

import { escapeXml } from '../io/xml.js';
import type { Catalogue, Column } from './columns.js';
import type { VotableDocument } from './document.js';
import { rowPieces } from './rows.js';
import { timestamp } from './run-record.js';
import { binary2Rows } from './votable-binary.js';

export type Serialisation = 'TABLEDATA' | 'BINARY2';
export type Version = '1.4' | '1.5';

const kNamespace = 'http://www.ivoa.net/xml/VOTable/v1.3';
const kRowsPerPiece = 512;

export function* votable(
  document: VotableDocument,
  serialisation: Serialisation,
  version: Version = '1.4',
): Generator<string | Buffer> {
  const { catalogue } = document.table;
  yield head(document, version);
  yield tableHead(document);
  yield '    <DATA>\n';
  if (serialisation === 'TABLEDATA') yield* tableData(catalogue);
  else yield* binary2(catalogue);
  yield '    </DATA>\n  </TABLE>\n</RESOURCE>\n</VOTABLE>\n';
}

function head({ description, infos, coordinates, createdAt }: VotableDocument, version: Version): string {
  const stamp = 'datatype="char" arraysize="*" xtype="timestamp" ref="utc" ucd="time.creation"';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<VOTABLE version="${version}" xmlns="${kNamespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`,
    ` xsi:schemaLocation="${kNamespace} ${kNamespace}">\n`,
    '<RESOURCE type="results">\n',
    `  <DESCRIPTION>${escapeXml(description)}</DESCRIPTION>\n`,
    // DALI 1.1 section 4.4: QUERY_STATUS is the first INFO.
    info({ name: 'QUERY_STATUS', value: 'OK' }),
    ...infos.map(info),
    coordinates ? coosys(coordinates, version) : '',
    '  <TIMESYS ID="utc" timescale="UTC" refposition="UNKNOWN"/>\n',
    `  <PARAM name="created" ${stamp} value="${timestamp(createdAt)}"/>\n`,
  ].join('');
}

/** 1.5 names systems by the vocabulary refframe: FK5 for what 1.4 calls eq_FK5. */
function coosys({ system, equinox }: NonNullable<VotableDocument['coordinates']>, version: Version): string {
  const name = version === '1.5' ? system.replace(/^eq_/, '') : system;
  return `  <COOSYS ID="sky" system="${name}"${attribute('equinox', equinox)}/>\n`;
}

function info({ name, value }: { name: string; value: string }): string {
  return `  <INFO name="${escapeXml(name)}" value="${escapeXml(value)}"/>\n`;
}

function tableHead({ table, coordinates }: VotableDocument): string {
  const { name, description, catalogue } = table;
  return [
    `  <TABLE ID="${escapeXml(name)}" name="${escapeXml(name)}" nrows="${catalogue.rows}">\n`,
    `    <DESCRIPTION>${escapeXml(description)}</DESCRIPTION>\n`,
    ...catalogue.columns.map((column) => field(column, coordinates !== undefined)),
  ].join('');
}

/** VOTable 1.4 section 3.1 names; `system` and `equinox` as the native side gives them. */
export function coordinateSystem(wcs: { system: string; equinox: number }): { system: string; equinox: string } {
  if (wcs.system === 'FK5') return { system: 'eq_FK5', equinox: `J${wcs.equinox || 2000}` };
  if (wcs.system === 'FK4') return { system: 'eq_FK4', equinox: `B${wcs.equinox || 1950}` };
  return { system: 'ICRS', equinox: '' };
}

function attribute(name: string, value: string): string {
  return value === '' ? '' : ` ${name}="${escapeXml(value)}"`;
}

function field(column: Column, hasSystem: boolean): string {
  const type = column.type === 'text' ? 'datatype="char" arraysize="*"' : `datatype="${column.type}"`;
  const ref = hasSystem && column.type !== 'text' && column.celestial ? 'sky' : '';
  const attributes = attribute('unit', column.unit) + attribute('ucd', column.ucd) + attribute('ref', ref);
  const description = `<DESCRIPTION>${escapeXml(column.description)}</DESCRIPTION>`;
  return `    <FIELD ID="${escapeXml(column.name)}" name="${escapeXml(column.name)}" ${type}${attributes}>${description}</FIELD>\n`;
}

/** A missing number is an empty cell (VOTable 1.4 section 5.5 and docs/interop.md). */
function* tableData(catalogue: Catalogue): Generator<string | Buffer> {
  yield '      <TABLEDATA>\n';
  const before = (_column: Column, index: number) => (index === 0 ? '        <TR><TD>' : '</TD><TD>');
  yield* rowPieces(catalogue, { before, end: '</TD></TR>\n', text: escapeXml });
  yield '      </TABLEDATA>\n';
}

function* binary2(catalogue: Catalogue): Generator<string> {
  yield '      <BINARY2>\n        <STREAM encoding="base64">\n';
  yield* base64Lines(binary2Rows(catalogue, kRowsPerPiece));
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
