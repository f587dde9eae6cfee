/** POST of a form with large files: streamed from disk, its length announced, progress told. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OtfError, systemReason } from '../errors/catalogue.js';

export interface UploadAnswer {
  status: number;
  location: string | undefined;
  text: string;
  /** OTF-Error. */
  code: string | undefined;
}

export type UploadProgress = (sent: number, total: number) => void;

const kMaxAnswerBytes = 1 << 20;
const kLineEnd = Buffer.from('\r\n');

/** `files`: a path for each field. Throws OTF_INPUT_UNREADABLE; network failures as node gives them. */
export async function postFiles(
  url: URL,
  fields: Record<string, string>,
  files: Record<string, string>,
  onProgress: UploadProgress,
  authorization: Record<string, string> = {},
): Promise<UploadAnswer> {
  const boundary = `cianna-otf-${randomBytes(12).toString('hex')}`;
  const texts = Object.entries(fields).map(
    ([field, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`,
  );
  const parts: FilePart[] = [];
  for (const [field, path] of Object.entries(files)) parts.push(await filePart(boundary, field, path));
  const head = Buffer.from(texts.join(''));
  const tail = Buffer.from(`--${boundary}--\r\n`);
  const total = parts.reduce(
    (sum, part) => sum + part.head.length + part.size + kLineEnd.length,
    head.length + tail.length,
  );
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = {
    ...authorization,
    'content-type': `multipart/form-data; boundary=${boundary}`,
    'content-length': total,
  };
  const request = send(url, { method: 'POST', headers });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  async function* body() {
    let sent = head.length;
    yield head;
    for (const part of parts) {
      sent += part.head.length;
      yield part.head;
      const end = Math.max(0, part.size - 1);
      for await (const chunk of createReadStream(part.path, { highWaterMark: 1 << 18, end })) {
        sent += (chunk as Buffer).length;
        onProgress(sent, total);
        yield chunk as Buffer;
      }
      yield kLineEnd;
    }
    yield tail;
  }
  const sending = pipeline(Readable.from(body(), { objectMode: false }), request);
  // A server may refuse before it has read everything: its answer counts, not the broken pipe.
  sending.catch(() => undefined);
  const response = await answered;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= kMaxAnswerBytes) chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    location: response.headers.location,
    text: Buffer.concat(chunks).toString('utf8'),
    code: response.headers['otf-error']?.toString(),
  };
}

interface FilePart {
  head: Buffer;
  path: string;
  size: number;
}

async function filePart(boundary: string, field: string, path: string): Promise<FilePart> {
  const found = await stat(path).catch((thrown) => {
    throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${path}: ${systemReason(thrown)}`);
  });
  if (!found.isFile()) throw new OtfError('OTF_INPUT_UNREADABLE', `cannot read ${path}: it is no file`);
  const name = basename(path).replace(/[\r\n"\\]/g, '_');
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\n` +
    'Content-Type: application/fits\r\n\r\n';
  return { head: Buffer.from(head), path, size: found.size };
}
