/** Whose image a picture is of: an upload's, or that of an input of a job, or of a file it left. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { OtfError } from '../errors/catalogue.js';
import { openableLocalPath } from '../fetch/local-file.js';
import { type Job, ownerKey } from '../jobs/job.js';
import type { Chosen, Client, PictureSource } from '../pictures/source.js';
import type { ResultFile } from '../tasks/files.js';
import { type ParameterDescription, readParameter } from '../tasks/parameters.js';
import { kindNamed } from '../tasks/registry.js';
import type { UwsContext } from './context.js';
import { parameterEntries } from './documents.js';
import type { Request } from './exchange.js';
import { id } from './job.js';
import { badRequest, type Parameters } from './parameters.js';

export interface Viewed {
  source: PictureSource;
  chosen: Chosen;
  client: Client;
  /** Absolute URL. */
  href: string;
  /** What must stand in the query of every address of this image. */
  query: string;
  /** Absolute URL of its bytes; undefined = it is not given out. */
  bytes: string | undefined;
}

export type Viewer = (context: UwsContext, request: Request, given: Parameters) => Viewed | Promise<Viewed>;

const kHdu: ParameterDescription = { name: 'HDU', type: 'integer', min: 0, max: 9999, help: 'HDU of the image' };
const kPlane: ParameterDescription = {
  name: 'PLANE',
  type: 'integer',
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  help: 'plane of a cube',
};

export const ofUpload: Viewer = ({ uploads }, request, given) => {
  const kept = uploads.get(id(request), request);
  const source = { group: kept.id, file: 'file', fixed: true, path: uploads.path(kept), name: kept.upload.name };
  const path = `/uploads/${kept.id}`;
  return viewed(request, { source, chosen: readChosen(given, {}), path: `${path}/image`, bytes: `${path}/file` });
};

/** Its parameters HDU and PLANE, where its kind has them, are what it looks at: so are they here. */
export const ofJob: Viewer = async (context, request, given) => {
  const { jobs, config } = context;
  const job = jobs.get(id(request), request);
  const result = given.single('RESULT');
  if (result !== undefined) {
    if (given.single('INPUT') !== undefined) throw badRequest('give INPUT or RESULT, not both');
    return ofResult(context, request, job, result, given);
  }
  const kind = kindNamed(job.kind);
  const input = (given.single('INPUT') ?? kind.inputs[0]?.name ?? '').toUpperCase();
  const entries = parameterEntries(job, '');
  const entry = entries.find((each) => each.id === input && each.byReference);
  if (!entry) throw new OtfError('OTF_NOT_FOUND', 'the job has no such image');
  const own = (name: string) => entries.find((each) => each.id === name && !each.byReference)?.value;
  const chosen = readChosen(given, input === kind.inputs[0]?.name ? { hdu: own('HDU'), plane: own('PLANE') } : {});
  const { upload } = entry;
  // Parameters of a PENDING job may be replaced.
  const source = upload
    ? {
        group: job.id,
        file: `${input}.${upload.sha256}`,
        fixed: job.phase !== 'PENDING',
        path: jobs.pathOf(job, upload),
        name: upload.name,
      }
    : { group: job.id, ...(await localFile(input, entry.value, config.fetch.file_roots)) };
  const path = `/jobs/${job.id}`;
  return viewed(request, {
    source,
    chosen,
    path: `${path}/image`,
    bytes: upload ? `${path}/parameters/${input}` : undefined,
    first: input === kind.inputs[0]?.name ? '' : `INPUT=${input}`,
  });
};

/** An image that the job left: HDU and PLANE of its request are none of it. */
function ofResult({ jobs }: UwsContext, request: Request, job: Job, name: string, given: Parameters): Viewed {
  const result = job.results.find((each) => each.id === name && isImage(each));
  if (!result) throw new OtfError('OTF_NOT_FOUND', 'the job has no such image');
  const path = `/jobs/${job.id}`;
  const file = { file: `result.${result.sha256}`, fixed: true, path: jobs.pathOf(job, result), name: result.id };
  const asked = encodeURIComponent(result.id);
  return viewed(request, {
    source: { group: job.id, ...file },
    chosen: readChosen(given, {}),
    path: `${path}/image`,
    bytes: `${path}/results/${asked}`,
    first: `RESULT=${asked}`,
  });
}

/** A file of its own: tables are in a format of the kind. */
function isImage({ mime, format }: ResultFile): boolean {
  return mime === 'application/fits' && format === undefined;
}

interface Placed {
  source: PictureSource;
  chosen: Chosen;
  /** Of the picture and of its bytes, on this server. */
  path: string;
  bytes: string | undefined;
  /** What its query begins with. */
  first?: string;
}

function viewed(request: Request, { source, chosen, path, bytes, first = '' }: Placed): Viewed {
  const gone = new AbortController();
  request.onGone(() => gone.abort());
  const { hdu, plane } = chosen;
  const parts = [first, hdu === undefined ? '' : `HDU=${hdu}`, plane === 0 ? '' : `PLANE=${plane}`];
  return {
    source,
    chosen,
    client: { owner: ownerKey(request), signal: gone.signal },
    href: `${request.origin}${path}`,
    query: parts.filter((part) => part !== '').join('&'),
    bytes: bytes === undefined ? undefined : `${request.origin}${bytes}`,
  };
}

/** Throws OTF_BAD_REQUEST. */
function readChosen(given: Parameters, own: { hdu?: string | undefined; plane?: string | undefined }): Chosen {
  const number = (description: ParameterDescription, otherwise: string | undefined) => {
    const value = readParameter(description, given) as number | undefined;
    return value ?? (otherwise === undefined ? undefined : Number(otherwise));
  };
  return { hdu: number(kHdu, own.hdu), plane: number(kPlane, own.plane) ?? 0 };
}

/** What was fetched is gone once the job has run; a file of this machine is where it was. Throws OTF_IMAGE_GONE. */
async function localFile(input: string, url: string, roots: readonly string[]): Promise<Omit<PictureSource, 'group'>> {
  if (!/^file:/i.test(url)) {
    throw new OtfError('OTF_IMAGE_GONE', 'the image was fetched from its URL for the job, and is not kept here');
  }
  try {
    const path = await openableLocalPath(new URL(url), roots);
    const { size, mtimeMs } = await stat(path);
    return { file: `${input}.${size}-${mtimeMs}`, fixed: false, path, name: basename(path) };
  } catch (thrown) {
    throw new OtfError('OTF_IMAGE_GONE', 'the image is a file of the server that is not there any more', {
      cause: thrown,
    });
  }
}
