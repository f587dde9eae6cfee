/** /uploads: files that are sent before a job is made of them. */
import { toOtfError } from '../errors/catalogue.js';
import { publicText } from '../errors/public-text.js';
import type { KeptUpload } from '../uploads/store.js';
import type { Handler } from './context.js';
import { json, type Request } from './exchange.js';
import { id } from './job.js';
import { announcedBytes } from './job-list.js';
import { attachment } from './job-parameters.js';
import { badRequest, Parameters } from './parameters.js';
import { headerJson } from './picture-documents.js';
import { ofUpload } from './picture-source.js';

export const createUpload: Handler = async ({ jobs, uploads }, request) => {
  jobs.assertOpen();
  const admitted = uploads.admit(request, announcedBytes(request));
  try {
    const form = await request.form({ raw: true });
    try {
      const [part, second] = form.files;
      if (!part || !form.spool || second) throw badRequest(`give one file; this request has ${form.files.length}`);
      const kept = await uploads.keep(form.spool, part.upload, request, admitted);
      return json(201, summary(request, kept), { Location: hrefOf(request, kept) });
    } catch (thrown) {
      await form.spool?.discard();
      throw thrown;
    }
  } finally {
    admitted();
  }
};

/** The header, or why there is none: what cannot be read is no reason to hide what has been sent. */
export const getUpload: Handler = async (context, request) => {
  const kept = context.uploads.get(id(request), request);
  const given = Parameters.fromQuery(request.query, context.config.server.max_text);
  const { source, chosen, client, href } = await ofUpload(context, request, given);
  try {
    const image = await context.pictures.describe(source, chosen, client);
    return json(200, { ...summary(request, kept), header: headerJson(image), image: href });
  } catch (thrown) {
    const error = toOtfError(thrown);
    if (error.kind.httpStatus !== 422 && error.kind.httpStatus !== 413) throw thrown;
    return json(200, { ...summary(request, kept), header: null, problem: publicText(error.message), image: href });
  }
};

export const deleteUpload: Handler = async ({ uploads }, request) => {
  await uploads.delete(id(request), request);
  return json(200, { id: id(request), deleted: true });
};

export const getUploadFile: Handler = ({ uploads }, request) => {
  const kept = uploads.get(id(request), request);
  const { name, mime, size, sha256 } = kept.upload;
  const headers = { 'Content-Disposition': attachment(name) };
  return { kind: 'file', path: uploads.path(kept), mime, size, etag: sha256, headers };
};

function hrefOf(request: Request, { id: uploadId }: KeptUpload): string {
  return `${request.origin}/uploads/${uploadId}`;
}

function summary(request: Request, kept: KeptUpload) {
  const { createdMs, expiresMs, upload } = kept;
  return {
    id: kept.id,
    href: hrefOf(request, kept),
    name: upload.name,
    size: upload.size,
    sha256: upload.sha256,
    createdAt: new Date(createdMs).toISOString(),
    expiresAt: new Date(expiresMs).toISOString(),
  };
}
