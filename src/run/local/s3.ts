/** The object stores of the configuration, with their keys: read when they are needed, so that a key can be changed. */
import { readFileSync } from 'node:fs';
import type { Config } from '../../config/schema.js';
import { OtfError, systemReason } from '../../errors/catalogue.js';
import type { S3Credentials } from '../../fetch/places.js';

/** Throws OTF_CONFIG_INVALID when a key cannot be read. */
export function s3Credentials({ s3 }: Config['fetch']): S3Credentials[] {
  return Object.entries(s3).map(([name, { endpoint, region, access_key, secret_key_file, buckets, owners }]) => {
    try {
      const secretKey = readFileSync(secret_key_file, 'utf8').trim();
      return { endpoint, region, accessKey: access_key, secretKey, buckets, owners };
    } catch (thrown) {
      throw new OtfError('OTF_CONFIG_INVALID', `fetch.s3.${name}: cannot read its key: ${systemReason(thrown)}`);
    }
  });
}
