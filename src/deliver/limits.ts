/** How results may be put somewhere, by [fetch] of otf.toml. */
import type { Config } from '../config/schema.js';
import type { PutLimits } from '../fetch/put.js';
import { s3Credentials } from '../fetch/s3-credentials.js';

/** For results of a job of `owner`. Keys are read now. Throws OTF_CONFIG_INVALID. */
export function putLimits(
  { allow_private: allowPrivate, max_redirects: maxRedirects, timeout_s, s3 }: Config['fetch'],
  owner: string | null,
): PutLimits {
  return { allowPrivate, maxRedirects, timeoutMs: timeout_s * 1000, places: { s3: s3Credentials(s3), owner } };
}
