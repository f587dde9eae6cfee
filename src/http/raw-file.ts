/** A body that is the bytes of one file: it goes to disk as it arrives, and is synced before the request counts as read. */
import type { Form } from '../uws/exchange.js';
import { badRequest, type Parameters } from '../uws/parameters.js';
import type { FormRequest } from './form.js';
import { kKnownTypes, plainName } from './multipart.js';
import { PartFile } from './part-file.js';

/** What FITS files, also in gzip, are sent as (RFC 4047, RFC 6713). */
export const kRawTypes: ReadonlySet<string> = new Set([
  'application/fits',
  'image/fits',
  'application/gzip',
  'application/octet-stream',
]);

/** `refuse` reads on and throws OTF_TOO_LARGE. Throws OTF_BAD_REQUEST for a body without a byte. */
export async function readRawFile(
  { body, uploads, maxBytes }: FormRequest,
  mime: string,
  parameters: Parameters,
  refuse: () => Promise<never>,
): Promise<Form> {
  const name = plainName(parameters.single('NAME') ?? '') || 'image.fits';
  const spool = uploads.newSpool();
  let file: PartFile | undefined;
  try {
    file = new PartFile(spool);
    for (let chunk = await body.next(); chunk && file.size <= maxBytes; chunk = await body.next()) {
      file.add(chunk);
      await file.flush();
      body.release();
    }
    if (file.size > maxBytes) await refuse();
    if (file.size === 0) throw badRequest('the body is empty');
    const sha256 = await file.finish();
    const type = kKnownTypes.has(mime) ? mime : 'application/octet-stream';
    const upload = { kind: 'upload', file: file.file, name, mime: type, size: file.size, sha256 } as const;
    return { kind: 'raw', parameters, files: [{ field: 'file', filename: name, upload }], spool };
  } catch (thrown) {
    file?.close();
    await spool.discard();
    throw thrown;
  }
}
