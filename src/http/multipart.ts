/** multipart/form-data: parts go to disk as they arrive; each file is synced before the request counts as read. */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Busboy, type BusboyFileStream } from '@fastify/busboy';
import { OtfError } from '../errors/catalogue.js';
import { refuseForDisk, type Spool } from '../jobs/folders.js';
import type { UploadedFile } from '../jobs/job.js';
import type { FilePart, Form } from '../uws/exchange.js';
import type { Parameters } from '../uws/parameters.js';
import type { FormRequest } from './form.js';

const kLimits = { fieldNameSize: 100, fieldSize: 1 << 16, fields: 100, files: 16, parts: 116, headerPairs: 50 };
/** Types an upload may keep: anything else would let a stranger have a browser show their page as ours. */
const kKnownTypes = new Set(['application/fits', 'image/fits', 'application/xml', 'text/xml', 'application/gzip']);

function malformed(reason: string): OtfError {
  return new OtfError('OTF_MULTIPART_MALFORMED', `the multipart body cannot be read: ${reason}`);
}

/** `refuse` reads on and throws OTF_TOO_LARGE: called once more than `maxBytes` have come. */
export async function readMultipart(
  request: FormRequest,
  parameters: Parameters,
  maxBytes: number,
  refuse: () => Promise<never>,
): Promise<Form> {
  let parser: Busboy;
  try {
    parser = new Busboy({ headers: { 'content-type': request.contentType }, limits: kLimits });
  } catch (thrown) {
    throw malformed((thrown as Error).message);
  }
  const reader = new PartReader(parser, request, parameters);
  let bytes = 0;
  let over = false;
  try {
    // Not to be destroyed on leaving the loop: what is too long is still read to its end.
    for await (const chunk of request.body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      over = bytes > maxBytes;
      if (over) break;
      await reader.write(chunk);
    }
    if (!over) return await reader.end();
  } catch (thrown) {
    await reader.giveUp();
    throw thrown;
  }
  await reader.giveUp();
  return refuse();
}

/** Feeds the parser and gathers what comes out of it. */
class PartReader {
  readonly #parser: Busboy;
  readonly #request: FormRequest;
  readonly #parameters: Parameters;
  readonly #files: FilePart[] = [];
  readonly #writing: Promise<void>[] = [];
  readonly #streams: BusboyFileStream[] = [];
  #spool: Promise<Spool> | undefined;
  #fault: unknown;
  #wake: () => void = () => undefined;
  #finished = false;

  constructor(parser: Busboy, request: FormRequest, parameters: Parameters) {
    this.#parser = parser;
    this.#request = request;
    this.#parameters = parameters;
    parser.on('file', (field, stream, filename, _encoding, mime) => {
      this.#streams.push(stream);
      // May come before anybody reads it; the parser reports the same fault itself.
      stream.on('error', () => undefined);
      this.#writing.push(this.#writeFile(field, stream, filename, mime).catch((thrown) => this.#fail(thrown)));
    });
    parser.on('field', (name, value, nameCut, valueCut) => {
      try {
        if (nameCut || valueCut) throw malformed(`field ${name.slice(0, 40)} is too long`);
        parameters.add(name, value);
      } catch (thrown) {
        this.#fail(thrown);
      }
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      parser.on(limit, () => this.#fail(malformed('it has too many parts')));
    }
    parser.on('error', (error: unknown) => this.#fail(malformed((error as Error).message)));
    parser.on('drain', () => this.#wake());
    parser.on('finish', () => {
      this.#finished = true;
      this.#wake();
    });
  }

  async write(chunk: Buffer): Promise<void> {
    this.#throwFault();
    // Backpressure: the parser is full while a file waits for the disk.
    if (!this.#parser.write(chunk)) await new Promise<void>((resolve) => this.#waitFor(resolve));
    this.#throwFault();
  }

  async end(): Promise<Form> {
    this.#parser.end();
    if (!this.#finished && this.#fault === undefined) await new Promise<void>((resolve) => this.#waitFor(resolve));
    this.#throwFault();
    await Promise.all(this.#writing);
    this.#throwFault();
    return { kind: 'multipart', parameters: this.#parameters, files: this.#files, spool: await this.#spool };
  }

  /** Everything written is removed. */
  async giveUp(): Promise<void> {
    this.#fail(malformed('given up'));
    this.#parser.destroy();
    for (const stream of this.#streams) stream.destroy();
    await Promise.allSettled(this.#writing);
    await (await this.#spool?.catch(() => undefined))?.discard();
  }

  #waitFor(resolve: () => void): void {
    this.#wake = resolve;
    if (this.#fault !== undefined) resolve();
  }

  #fail(thrown: unknown): void {
    this.#fault ??= thrown;
    this.#wake();
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #writeFile(field: string, stream: BusboyFileStream, filename: string | undefined, mime: string): Promise<void> {
    this.#spool ??= this.#request.folders.newSpool();
    const spool = await this.#spool;
    const { file, path } = spool.newFile();
    const hash = createHash('sha256');
    let size = 0;
    const handle = await open(path, 'wx', 0o640).catch(refuseForDisk);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
        await handle.write(chunk).catch(refuseForDisk);
      }
      await handle.sync().catch(refuseForDisk);
    } catch (thrown) {
      throw thrown instanceof OtfError ? thrown : malformed((thrown as Error).message);
    } finally {
      await handle.close();
    }
    const upload: UploadedFile = {
      kind: 'upload',
      file,
      name: plainName(filename ?? field),
      mime: kKnownTypes.has(mime) ? mime : 'application/octet-stream',
      size,
      sha256: hash.digest('hex'),
    };
    this.#files.push({ field, filename: filename === undefined ? undefined : plainName(filename), upload });
  }
}

/** A name for people: no folders, no control characters, not endless. */
function plainName(name: string): string {
  return basename(name.replaceAll('\\', '/'))
    .replace(/[\u0000-\u001f\u007f]/g, '')
    .slice(0, 200);
}
