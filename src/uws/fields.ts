/** The fields of a job's creation, described for machines: what every kind has, its inputs, and what is its own. */
import type { DigestName } from '../fetch/digests.js';
import { kMaxPriority } from '../jobs/job.js';
import type { TaskKind } from '../tasks/kind.js';
import type { ParameterDescription } from '../tasks/parameters.js';

const kMaxSeconds = 999_999_999;
export const kMostFollowed = 100;
export const kMostMirrors = 8;

const kFirst: readonly ParameterDescription[] = [
  { name: 'MODEL', type: 'text', default: "the server's", help: 'model id or alias' },
  { name: 'QUANTIZATION', type: 'text', default: "the model's first", help: 'compute type, e.g. FP32C_FP32A' },
];

const kLast: readonly ParameterDescription[] = [
  {
    name: 'PRIORITY',
    type: 'integer',
    min: 0,
    max: kMaxPriority,
    default: '5',
    help: 'of your waiting jobs of a model and compute type the highest goes first',
  },
  {
    name: 'AFTER',
    type: 'text',
    most: kMostFollowed,
    help: 'ids of jobs that must end well first; until then the job is HELD, and ABORTED when one does not',
  },
  {
    name: 'RESULTS_TO',
    type: 'text',
    help: 'where results go once the job is complete: a presigned URL (the result alone), s3://, dav:// or davs://; a folder ends with /',
  },
  { name: 'RUNID', type: 'text', help: 'any text; comes back as runId' },
  { name: 'EXECUTIONDURATION', type: 'integer', min: 0, max: kMaxSeconds, unit: 's', help: 'seconds, 0 = no limit' },
  { name: 'DESTRUCTION', type: 'text', help: 'instant at which the job goes away' },
  { name: 'PHASE', type: 'text', help: 'RUN starts the job at once' },
];

export function checksumName(input: string, digest: DigestName = 'sha256'): string {
  return `${input}_${digest.toUpperCase()}`;
}

export function mirrorsName(input: string): string {
  return `${input}_MIRRORS`;
}

const kGiven =
  'a FITS file (also in gzip), or param:NAME of another file part, or upload:ID, or job:ID/RESULT, or a URL (http, https, dav, davs, s3)';

/** Of what is uploaded SHA-256 is known, and no other. */
export const kOfUrls = ['md5', 'adler32'] as const;

function checksumOfUrl(input: string, digest: DigestName): ParameterDescription {
  return { name: checksumName(input, digest), type: 'text', help: `the same of a URL, as ${digest.toUpperCase()}` };
}

function severalText(most: number): string {
  return `; up to ${most} of them, as parts of one name, or separated by blanks`;
}

/** In the order in which people are told of them. */
export function fieldsOf({ inputs, parameters, formats }: TaskKind): ParameterDescription[] {
  const files = inputs.flatMap(({ name, help, checked, most }): ParameterDescription[] => [
    { name, type: 'text', help: `${help}: ${kGiven}${most === undefined ? '' : severalText(most)}` },
    {
      name: mirrorsName(name),
      type: 'text',
      most: kMostMirrors,
      help: `more URLs of the file ${name} names, tried in order`,
    },
    ...(checked ? [{ name: checksumName(name), type: 'text', help: `checksum ${name} must have` } as const] : []),
    ...(checked ? kOfUrls.map((digest) => checksumOfUrl(name, digest)) : []),
  ]);
  const choices = Object.keys(formats);
  const [first = ''] = choices;
  const help = `format of the result named result: ${choices.join(', ')}`;
  const format: ParameterDescription = { name: 'RESPONSEFORMAT', type: 'text', default: first, help };
  return [...kFirst, ...files, ...parameters, format, ...kLast];
}
