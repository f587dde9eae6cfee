/**
 * The W3C PROV records of a run, once, as a model the three notations are written from (docs/interop.md, Provenance).
 * Terms: PROV-DM (W3C) for records and relations, IVOA ProvenanceDM 1.0 as attributes under voprov.
 */
import type { FileFacts, ProvenanceInput } from './input.js';

export const kProv = 'http://www.w3.org/ns/prov#';
const kVoprov = 'http://www.ivoa.net/documents/ProvenanceDM/voprov/';
export const kXsd = 'http://www.w3.org/2001/XMLSchema#';

/** A typed value: text, a number, an instant, a URL or the qualified name of something. */
export type Value =
  | { type: 'string' | 'anyURI' | 'dateTime' | 'qname'; text: string }
  | { type: 'int' | 'double'; text: string };

export interface Attribute {
  /** Qualified, e.g. prov:label. */
  name: string;
  value: Value;
}

export type ElementKind = 'entity' | 'activity' | 'agent';

export interface Element {
  kind: ElementKind;
  id: string;
  /** Activities only. */
  startTime?: string;
  endTime?: string;
  attributes: Attribute[];
}

export type RelationKind =
  | 'used'
  | 'wasGeneratedBy'
  | 'wasAssociatedWith'
  | 'wasDerivedFrom'
  | 'wasAttributedTo'
  | 'wasInformedBy';

/** Formal arguments of each relation, in the order of PROV-N; `time` is an instant, the others are names. */
export const kArguments: Record<RelationKind, readonly string[]> = {
  used: ['activity', 'entity', 'time'],
  wasGeneratedBy: ['entity', 'activity', 'time'],
  wasAssociatedWith: ['activity', 'agent', 'plan'],
  wasDerivedFrom: ['generatedEntity', 'usedEntity', 'activity', 'generation', 'usage'],
  wasAttributedTo: ['entity', 'agent'],
  wasInformedBy: ['informed', 'informant'],
};

export interface Relation {
  kind: RelationKind;
  /** By argument name; those left out are unknown. */
  arguments: Record<string, string>;
  attributes: Attribute[];
}

export interface ProvenanceRecords {
  prefixes: Record<string, string>;
  elements: Element[];
  relations: Relation[];
}

const text = (value: string): Value => ({ type: 'string', text: value });
const name = (value: string): Value => ({ type: 'qname', text: value });
const instant = (ms: number): string => new Date(ms).toISOString();

function attribute(key: string, value: Value): Attribute {
  return { name: key, value };
}

export function provenanceRecords(input: ProvenanceInput): ProvenanceRecords {
  const run = `otf:job-${input.jobId}`;
  const service = 'otf:service';
  const owner = input.owner === null ? 'otf:owner-anonymous' : `otf:owner-${ncName(input.owner)}`;
  const { used, generated, main } = input;
  const plan = used.find((each) => each.as === 'Plan')?.file;
  const elements: Element[] = [
    activity(run, input),
    ...used.map(({ file, as, about }) => {
      const type = name(as === 'Plan' ? 'prov:Plan' : 'voprov:Entity');
      const more = Object.entries(about).map(([key, value]) => attribute(`otf:${key}`, text(value)));
      return fileEntity(file, [attribute('prov:type', type), ...more]);
    }),
    ...generated.map(({ file }) =>
      fileEntity(file, [attribute('voprov:generatedAtTime', { type: 'dateTime', text: instant(input.endedMs) })]),
    ),
    agent(service, input.service.name, 'prov:SoftwareAgent', [
      attribute('voprov:version', text(input.service.version)),
      attribute('voprov:url', { type: 'anyURI', text: input.service.url }),
    ]),
    agent(owner, input.owner ?? 'anonymous', 'prov:Person', []),
  ];
  const entity = (file: FileFacts) => `otf:${file.id}`;
  const [began, ended] = [instant(input.startedMs), instant(input.endedMs)];
  const relations: Relation[] = [
    ...used.map(({ file, role, type }) =>
      relation('used', { activity: run, entity: entity(file), time: began }, role, type),
    ),
    ...generated.map(({ file, role }) =>
      relation('wasGeneratedBy', { entity: entity(file), activity: run, time: ended }, role),
    ),
    relation(
      'wasAssociatedWith',
      { activity: run, agent: service, ...(plan ? { plan: entity(plan) } : {}) },
      'Operator',
    ),
    ...used
      .filter(({ type }) => type === 'Main')
      .map(({ file, role }) => {
        const derived = { generatedEntity: entity(main), usedEntity: entity(file), activity: run };
        return relation('wasDerivedFrom', derived, role);
      }),
    relation('wasAttributedTo', { entity: entity(main), agent: owner }, 'Owner'),
  ];
  if (input.batch) addBatch(input.batch, run, service, elements, relations);
  const prefixes = { otf: input.namespace, voprov: kVoprov };
  return { prefixes, elements, relations };
}

/** The forward passes a run shared: an activity that influenced it. */
function addBatch(
  batch: NonNullable<ProvenanceInput['batch']>,
  run: string,
  service: string,
  elements: Element[],
  relations: Relation[],
): void {
  const id = `otf:batch-${ncName(batch.id)}`;
  elements.push({
    kind: 'activity',
    id,
    startTime: instant(batch.startedMs),
    endTime: instant(batch.endedMs),
    attributes: [
      attribute('prov:label', text(`batch ${batch.id}`)),
      attribute('otf:jobs', { type: 'int', text: String(batch.size) }),
      attribute('otf:released', text(batch.reason)),
    ],
  });
  relations.push(relation('wasInformedBy', { informed: run, informant: id }, 'batch'));
  relations.push(relation('wasAssociatedWith', { activity: id, agent: service }, 'Operator'));
}

function activity(id: string, input: ProvenanceInput): Element {
  return {
    kind: 'activity',
    id,
    startTime: instant(input.startedMs),
    endTime: instant(input.endedMs),
    attributes: [
      attribute('prov:label', text(input.label)),
      attribute('prov:location', { type: 'anyURI', text: input.jobUrl }),
      attribute('prov:type', name('voprov:Analysis')),
      attribute('voprov:type', text('Analysis')),
      attribute('voprov:name', text(input.activity)),
      attribute('voprov:version', text(input.service.version)),
      ...Object.entries(input.parameters).map(([key, value]) =>
        attribute(`otf:${key.replace(/[^A-Za-z0-9_.-]/g, '_')}`, parameterValue(value)),
      ),
    ],
  };
}

function parameterValue(value: string | number): Value {
  if (typeof value === 'string') return text(value);
  return Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31
    ? { type: 'int', text: String(value) }
    : { type: 'double', text: String(value) };
}

function fileEntity(file: FileFacts, more: Attribute[]): Element {
  return {
    kind: 'entity',
    id: `otf:${file.id}`,
    attributes: [
      attribute('prov:label', text(file.label)),
      attribute('prov:location', { type: 'anyURI', text: file.location }),
      ...more,
      attribute('otf:mediaType', text(file.mime)),
      ...optional('otf:sha256', file.sha256),
      ...(file.size === undefined ? [] : [attribute('otf:size', sizeValue(file.size))]),
    ],
  };
}

function sizeValue(bytes: number): Value {
  return bytes < 2 ** 31 ? { type: 'int', text: String(bytes) } : { type: 'double', text: String(bytes) };
}

function agent(id: string, label: string, type: string, more: Attribute[]): Element {
  const attributes = [
    attribute('prov:label', text(label)),
    attribute('prov:type', name(type)),
    attribute('voprov:name', text(label)),
    ...more,
  ];
  return { kind: 'agent', id, attributes };
}

function relation(kind: RelationKind, args: Record<string, string>, role: string, type?: string): Relation {
  const attributes = [attribute('prov:role', text(role))];
  if (type !== undefined)
    attributes.push(attribute('prov:type', name(`voprov:${type}`)), attribute('voprov:type', text(type)));
  return { kind, arguments: args, attributes };
}

function optional(key: string, value: string | undefined): Attribute[] {
  return value === undefined ? [] : [attribute(key, text(value))];
}

/** Any text as the tail of an NCName: what a name cannot hold becomes _ and its code, so that two stay two. */
function ncName(value: string): string {
  return value.replace(/[^A-Za-z0-9.-]/g, (character) => `_${(character.codePointAt(0) ?? 0).toString(16)}`);
}
