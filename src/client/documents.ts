/** UWS documents as values: what the client commands show. Reads any UWS 1.1 server's XML, not only ours. */
import { XMLParser } from 'fast-xml-parser';
import { OtfError } from '../errors/catalogue.js';

export interface JobSummary {
  id: string;
  href: string;
  phase: string;
  runId?: string;
  creationTime?: string;
  // Of servers of ours alone:
  kind?: string;
  ownerId?: string;
  image?: string;
  model?: string;
  quantization?: string;
  startTime?: string;
  endTime?: string;
  quote?: string;
  engine?: string;
  device?: string;
  computeType?: string;
  error?: string;
  errorCode?: string;
  position?: number;
  progress?: { done: number; total: number; unit: string };
  /** `rows`: what they are, e.g. sources. */
  found?: { count: number; rows: string };
  batch?: { id: string; size: number; reason: string };
}

export interface RemoteResult {
  id: string;
  href: string;
  mime?: string;
  size?: number;
}

export interface RemoteJob {
  id: string;
  phase: string;
  runId?: string;
  creationTime?: string;
  startTime?: string;
  endTime?: string;
  quote?: string;
  parameters: Record<string, string>;
  results: RemoteResult[];
  error?: string;
  /** Elements of jobInfo by name, e.g. tilesDone. */
  info: Record<string, string>;
}

type Node = Record<string, unknown>;

/** The five entities of XML and numbers only: `processEntities` with a document type would be refused by parse(). */
const kParser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  isArray: (name) => ['jobref', 'parameter', 'result'].includes(name),
});

export function parseJobs(xml: string): JobSummary[] {
  return list(root(xml, 'jobs').jobref).map((ref) => ({
    id: text(ref['@id']) ?? '',
    href: text(ref['@href']) ?? '',
    phase: text(ref.phase) ?? 'UNKNOWN',
    ...some('runId', text(ref.runId)),
    ...some('creationTime', text(ref.creationTime)),
  }));
}

export function parseJob(xml: string): RemoteJob {
  const job = root(xml, 'job');
  const parameters = list(node(job.parameters).parameter).map((each) => [text(each['@id']) ?? '', text(each) ?? '']);
  const results = list(node(job.results).result).map((each) => {
    const size = text(each['@size']);
    return {
      id: text(each['@id']) ?? '',
      href: text(each['@href']) ?? '',
      ...some('mime', text(each['@mime-type'])),
      ...(size === undefined ? {} : { size: Number(size) }),
    };
  });
  const info = Object.entries(node(job.jobInfo)).flatMap(([name, value]) => {
    const known = text(value);
    return name.startsWith('@') || known === undefined ? [] : [[name, known]];
  });
  return {
    id: text(job.jobId) ?? '',
    phase: text(job.phase) ?? 'UNKNOWN',
    ...some('runId', text(job.runId)),
    ...some('creationTime', text(job.creationTime)),
    ...some('startTime', text(job.startTime)),
    ...some('endTime', text(job.endTime)),
    ...some('quote', text(job.quote)),
    parameters: Object.fromEntries(parameters) as Record<string, string>,
    results,
    ...some('error', text(node(job.errorSummary).message)),
    info: Object.fromEntries(info) as Record<string, string>,
  };
}

function root(xml: string, name: string): Node {
  let document: Node;
  try {
    if (/<!DOCTYPE/i.test(xml)) throw new Error('it has a document type');
    document = kParser.parse(xml) as Node;
  } catch (thrown) {
    throw new OtfError('OTF_SERVER_ANSWER', `the server's answer cannot be read: ${(thrown as Error).message}`);
  }
  if (document[name] === undefined)
    throw new OtfError('OTF_SERVER_ANSWER', `the server's answer is no UWS document "${name}"`);
  return node(document[name]);
}

function node(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : {};
}

function list(value: unknown): Node[] {
  if (value === undefined || value === '') return [];
  return (Array.isArray(value) ? value : [value]).map((each) =>
    typeof each === 'object' ? node(each) : { '#text': each },
  );
}

/** Undefined for what is absent, empty or xsi:nil. */
function text(value: unknown): string | undefined {
  const found = typeof value === 'string' ? value : node(value)['#text'];
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function some<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });
}
