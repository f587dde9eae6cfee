/** PROV-XML (W3C Note, 2013). Its schema fixes the order: formal elements, label, location, role, type, then others. */
import { escapeXml } from '../io/xml.js';
import { type Attribute, kArguments, kProv, kXsd, type ProvenanceRecords } from './records.js';

const kOrder = ['prov:label', 'prov:location', 'prov:role', 'prov:type', 'prov:value'];
/** Arguments that are instants; all others are references. */
const kTimes = new Set(['time']);

export function provXml(records: ProvenanceRecords): string {
  const spaces = { prov: kProv, xsd: kXsd, xsi: 'http://www.w3.org/2001/XMLSchema-instance', ...records.prefixes };
  const declarations = Object.entries(spaces).map(([prefix, uri]) => ` xmlns:${prefix}="${escapeXml(uri)}"`);
  const parts = ['<?xml version="1.0" encoding="UTF-8"?>\n', `<prov:document${declarations.join('')}>\n`];
  for (const element of records.elements) {
    parts.push(`  <prov:${element.kind} prov:id="${escapeXml(element.id)}">\n`);
    if (element.startTime) parts.push(`    <prov:startTime>${element.startTime}</prov:startTime>\n`);
    if (element.endTime) parts.push(`    <prov:endTime>${element.endTime}</prov:endTime>\n`);
    parts.push(attributes(element.attributes), `  </prov:${element.kind}>\n`);
  }
  for (const relation of records.relations) {
    parts.push(`  <prov:${relation.kind}>\n`);
    for (const name of kArguments[relation.kind]) {
      const value = relation.arguments[name];
      if (value === undefined) continue;
      if (kTimes.has(name)) parts.push(`    <prov:${name}>${value}</prov:${name}>\n`);
      else parts.push(`    <prov:${name} prov:ref="${escapeXml(value)}"/>\n`);
    }
    parts.push(attributes(relation.attributes), `  </prov:${relation.kind}>\n`);
  }
  parts.push('</prov:document>\n');
  return parts.join('');
}

function attributes(list: Attribute[]): string {
  const place = (name: string) => (kOrder.includes(name) ? kOrder.indexOf(name) : kOrder.length);
  return [...list]
    .sort((a, b) => place(a.name) - place(b.name))
    .map(({ name, value }) => {
      const type = value.type === 'qname' ? 'xsd:QName' : `xsd:${value.type}`;
      const typed = value.type === 'string' ? '' : ` xsi:type="${type}"`;
      return `    <${name}${typed}>${escapeXml(value.text)}</${name}>\n`;
    })
    .join('');
}
