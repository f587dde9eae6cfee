/** PROV-JSON (W3C member submission, 2013). */
import { type Attribute, kXsd, type ProvenanceRecords, type Value } from './records.js';

type Json = string | { $: string; type: string };
type Members = Record<string, Json | Json[]>;

export function provJson(records: ProvenanceRecords): string {
  const document: Record<string, Record<string, unknown>> = {
    prefix: { ...records.prefixes, xsd: kXsd },
  };
  const put = (kind: string, id: string, members: Members) => {
    document[kind] = { ...document[kind], [id]: members };
  };
  for (const element of records.elements) {
    const members: Members = {};
    if (element.startTime) members['prov:startTime'] = element.startTime;
    if (element.endTime) members['prov:endTime'] = element.endTime;
    put(element.kind, element.id, addAttributes(members, element.attributes));
  }
  records.relations.forEach((relation, index) => {
    const members: Members = {};
    for (const [argument, value] of Object.entries(relation.arguments)) members[`prov:${argument}`] = value;
    put(relation.kind, `_:r${index + 1}`, addAttributes(members, relation.attributes));
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}

function addAttributes(members: Members, attributes: Attribute[]): Members {
  for (const { name, value } of attributes) {
    const before = members[name];
    if (before === undefined) members[name] = json(value);
    else members[name] = Array.isArray(before) ? [...before, json(value)] : [before, json(value)];
  }
  return members;
}

function json(value: Value): Json {
  if (value.type === 'string') return value.text;
  return { $: value.text, type: value.type === 'qname' ? 'prov:QUALIFIED_NAME' : `xsd:${value.type}` };
}
