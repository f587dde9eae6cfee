/** multipart/form-data: parts go to disk as they arrive; each file is synced before the request counts as read. */

import { basename } from 'node:path';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { OtfError } from '../errors/catalogue.js';
import type { Spool } from '../jobs/folders.js';
import type { FilePart, Form } from '../uws/exchange.js';
import type { Parameters } from '../uws/parameters.js';
import type { FormRequest } from './form.js';
import { PartFile } from './part-file.js';

/** A cube may come as an image and a PSF per frame (`most` of the kinds' inputs). */
const kMostFiles = 1040;
const kLimits = {
  ...{ fieldNameSize: 100, fieldSize: 1 << 16, fields: 100, headerPairs: 50 },
  ...{ files: kMostFiles, parts: 100 + kMostFiles },
};
/** Types an upload may keep: anything else would let a stranger have a browser show their page as ours. */
export const kKnownTypes: ReadonlySet<string> = new Set([
  'application/fits',
  'image/fits',
  'application/xml',
  'text/xml',
  'application/gzip',
]);

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
  let parser: BusboyInstance;
  try {
    parser = new Busboy({ headers: { 'content-type': request.contentType }, limits: kLimits });
  } catch (thrown) {
    throw malformed((thrown as Error).message);
  }
  const { body } = request;
  const reader = new PartReader(parser, request, parameters);
  let bytes = 0;
  try {
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      await reader.write(chunk);
      body.release();
    }
    if (bytes <= maxBytes) return await reader.end();
  } catch (thrown) {
    await reader.giveUp();
    throw thrown;
  }
  await reader.giveUp();
  return refuse();
}

/** Feeds the parser and gathers what comes out of it: of a chunk nothing is left in memory once it has been written. */
class PartReader {
  readonly #parser: BusboyInstance;
  readonly #request: FormRequest;
  readonly #parameters: Parameters;
  readonly #files: FilePart[] = [];
  readonly #open: { file: PartFile; done: (sha256: string) => FilePart }[] = [];
  #spool: Spool | undefined;
  #fault: unknown;
  #wake: () => void = () => undefined;
  #wakeAtEnd: () => void = () => undefined;
  #finished = false;

  constructor(parser: BusboyInstance, request: FormRequest, parameters: Parameters) {
    this.#parser = parser;
    this.#request = request;
    this.#parameters = parameters;
    parser.on('file', (field, stream, filename, _encoding, mime) => {
      stream.on('error', (error) => this.#fail(malformed(error.message)));
      try {
        this.#receive(stream, field, filename, mime);
      } catch (thrown) {
        this.#fail(thrown);
      }
    });
    parser.on('field', (name, value, nameCut, valueCut) => {
      try {
        assertNamed(name);
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
    parser.on('finish', () => {
      this.#finished = true;
      this.#wakeAtEnd();
    });
  }

  async write(chunk: Buffer): Promise<void> {
    // What follows the last boundary is of no meaning (RFC 2046 section 5.1.1, epilogue).
    if (this.#finished) return;
    await this.#until((done) => this.#parser.write(chunk, done));
    await this.#writeOut();
  }

  async end(): Promise<Form> {
    await this.#until((done) => {
      this.#wakeAtEnd = done;
      this.#parser.end();
      if (this.#finished) done();
    });
    await this.#writeOut();
    if (this.#open.length > 0) throw malformed('a file ends before its boundary');
    return { kind: 'multipart', parameters: this.#parameters, files: this.#files, spool: this.#spool };
  }

  /** Everything written is removed. */
  async giveUp(): Promise<void> {
    this.#fail(malformed('given up'));
    this.#parser.destroy();
    for (const { file } of this.#open) file.close();
    await this.#spool?.discard();
  }

  /** Resolves when `begin` says so, throws what went wrong instead. */
  async #until(begin: (done: () => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      begin(resolve);
      if (this.#fault !== undefined) resolve();
    });
    if (this.#fault !== undefined) throw this.#fault;
  }

  #fail(thrown: unknown): void {
    this.#fault ??= thrown;
    this.#wake();
  }

  #receive(stream: BusboyFileStream, field: string, filename: string | undefined, mime: string): void {
    assertNamed(field);
    this.#spool ??= this.#request.uploads.newSpool();
    const file = new PartFile(this.#spool);
    stream.on('data', (bytes: Buffer) => file.add(bytes));
    stream.on('end', () => {
      file.ended = true;
    });
    const done = (sha256: string): FilePart => ({
      field,
      filename: filename === undefined ? undefined : plainName(filename),
      upload: {
        kind: 'upload',
        file: file.file,
        name: plainName(filename ?? field),
        mime: kKnownTypes.has(mime) ? mime : 'application/octet-stream',
        size: file.size,
        sha256,
      },
    });
    this.#open.push({ file, done });
  }

  async #writeOut(): Promise<void> {
    // A new part's stream begins to flow in the next tick: after this everything parsed has been delivered.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { file, done } of [...this.#open]) {
      await file.flush();
      if (!file.ended) continue;
      this.#files.push(done(await file.finish()));
      this.#open.shift();
    }
    if (this.#fault !== undefined) throw this.#fault;
  }
}

/** RFC 7578 section 4.2; the parser's types promise a name, its code does not. */
function assertNamed(name: string | undefined): void {
  if (typeof name !== 'string') throw malformed('a part has no name');
}

/** A name for people: no folders, no control characters, not endless. */
export function plainName(name: string): string {
  return basename(name.replaceAll('\\', '/'))
    .replace(/[\u0000-\u001f\u007f]/g, '')
    .slice(0, 200);
}
