/** Links to what belongs to something, one row each, errors as rows. Source: IVOA DataLink 1.1, section 3. */
import { escapeXml } from '../io/xml.js';

export const kDatalinkType = 'application/x-votable+xml;content=datalink';

export interface Link {
  id: string;
  url?: string;
  error?: string;
  description: string;
  /** Of the vocabulary datalink/core. */
  semantics: string;
  type?: string;
  length?: number;
}

const kFields = [
  ['ID', 'char', 'meta.id;meta.main'],
  ['access_url', 'char', 'meta.ref.url'],
  ['service_def', 'char', 'meta.ref'],
  ['error_message', 'char', 'meta.code.error'],
  ['description', 'char', 'meta.note'],
  ['semantics', 'char', 'meta.code'],
  ['content_type', 'char', 'meta.code.mime'],
  ['content_length', 'long', 'phys.size;meta.file'],
] as const;

export function datalinkDocument(links: readonly Link[]): string {
  const fields = kFields.map(([name, type, ucd]) => {
    const size = type === 'char' ? ' arraysize="*"' : ' unit="byte"';
    return `<FIELD name="${name}" datatype="${type}"${size} ucd="${ucd}"/>\n`;
  });
  const rows = links.map((link) => {
    const cells = [link.id, link.url, undefined, link.error, link.description, link.semantics, link.type, link.length];
    return `<TR>${cells.map((cell) => `<TD>${cell === undefined ? '' : escapeXml(String(cell))}</TD>`).join('')}</TR>\n`;
  });
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n' +
    '<INFO name="QUERY_STATUS" value="OK"/>\n<INFO name="standardID" value="ivo://ivoa.net/std/DataLink#links-1.1"/>\n' +
    `<TABLE nrows="${links.length}">\n${fields.join('')}<DATA><TABLEDATA>\n${rows.join('')}` +
    '</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n'
  );
}
