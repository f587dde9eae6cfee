/** PROV-N, the notation for people (W3C Recommendation, 2013). */
import { type Attribute, kArguments, kXsd, type ProvenanceRecords, type Value } from './records.js';

export function provN(records: ProvenanceRecords): string {
  const lines = ['document'];
  for (const [prefix, uri] of Object.entries({ ...records.prefixes, xsd: kXsd }))
    lines.push(`  prefix ${prefix} <${uri}>`);
  lines.push('');
  for (const element of records.elements) {
    const times = element.kind === 'activity' ? `, ${element.startTime ?? '-'}, ${element.endTime ?? '-'}` : '';
    lines.push(`  ${element.kind}(${element.id}${times}${attributeList(element.attributes)})`);
  }
  for (const relation of records.relations) {
    const args = kArguments[relation.kind].map((name) => relation.arguments[name] ?? '-');
    lines.push(`  ${relation.kind}(${args.join(', ')}${attributeList(relation.attributes)})`);
  }
  lines.push('endDocument');
  return `${lines.join('\n')}\n`;
}

function attributeList(attributes: Attribute[]): string {
  if (attributes.length === 0) return '';
  return `, [${attributes.map(({ name, value }) => `${name}=${literal(value)}`).join(', ')}]`;
}

function literal(value: Value): string {
  if (value.type === 'qname') return `'${value.text}'`;
  const escaped = value.text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t');
  return value.type === 'string' ? `"${escaped}"` : `"${escaped}" %% xsd:${value.type}`;
}
