/** What workers on other machines get and bring (src/jobs/work-desk.ts). The header Otf-Attempt opens the files of the one job it is of. */
import { OtfError } from '../errors/catalogue.js';
import { type ServedFile, tooLargeResult, type WorkDesk } from '../jobs/work-desk.js';
import type { Handler, UwsContext } from './context.js';
import { type FileAnswer, json } from './exchange.js';
import { badRequest, Parameters } from './parameters.js';

export const kAttemptHeader = 'otf-attempt';

export const getWork: Handler = (context) => json(200, deskOf(context).terms());

export const getWeights: Handler = (context, { variables: [model = ''] }) => fileAnswer(deskOf(context).weights(model));

export const getWorkFile: Handler = (context, request) => {
  const [jobId = '', file = ''] = request.variables;
  return fileAnswer(deskOf(context).input(jobId, request.header(kAttemptHeader), file));
};

export const postWorkFile: Handler = async (context, request) => {
  const { config } = context;
  const desk = deskOf(context);
  const [jobId = '', file = ''] = request.variables;
  const attempt = request.header(kAttemptHeader);
  const sha256 = Parameters.fromQuery(request.query).single('SHA256') ?? '';
  // Before a byte of it is kept.
  desk.assertExpected(jobId, attempt, file);
  const { max_result_mb: mostMb } = config.workers;
  const { files, spool } = await request.form({ raw: true, maxBytes: mostMb * 2 ** 20 }).catch((thrown) => {
    if (!(thrown instanceof OtfError) || thrown.code !== 'OTF_TOO_LARGE') throw thrown;
    throw tooLargeResult(file, mostMb, thrown);
  });
  try {
    const [came] = files;
    if (!spool || !came) throw badRequest('the body is empty');
    const { size, sha256: found, file: name } = came.upload;
    await desk.bring(jobId, attempt, file, sha256, { path: spool.path(name), size, sha256: found });
  } finally {
    await spool?.discard();
  }
  return json(201, { file });
};

/** One request for all of a run where it is small, which most are. */
export const postWorkEnd: Handler = async (context, request) => {
  const desk = deskOf(context);
  const [jobId = ''] = request.variables;
  return json(200, await desk.end(jobId, await request.bytes(desk.mostEndBytes)));
};

function deskOf({ desk }: UwsContext): WorkDesk {
  if (desk) return desk();
  throw new OtfError('OTF_NOT_FOUND', 'this server runs its jobs itself: it has no workers (docs/workers.md)');
}

function fileAnswer({ path, sha256 }: ServedFile): FileAnswer {
  return { kind: 'file', path, mime: 'application/octet-stream', size: undefined, etag: sha256, headers: {} };
}
