/** The object stores of the configuration, with their keys: read when they are needed, so that a key can be changed. */
import { readFileSync } from 'node:fs';
import { OtfError, systemReason } from '../errors/catalogue.js';
import type { S3Credentials } from './places.js';

/** As [fetch.s3.NAME] has it. */
export interface S3Section {
  endpoint: string;
  region: string;
  access_key: string;
  secret_key_file: string;
  buckets: readonly string[];
  write: readonly string[];
  owners: readonly string[];
}

/** Throws OTF_CONFIG_INVALID when a key cannot be read. */
export function s3Credentials(sections: Readonly<Record<string, S3Section>>): S3Credentials[] {
  return Object.entries(sections).map(([name, section]) => {
    const { endpoint, region, access_key: accessKey, secret_key_file, buckets, write: writable, owners } = section;
    try {
      const secretKey = readFileSync(secret_key_file, 'utf8').trim();
      return { endpoint, region, accessKey, secretKey, buckets, writable, owners };
    } catch (thrown) {
      throw new OtfError('OTF_CONFIG_INVALID', `fetch.s3.${name}: cannot read its key: ${systemReason(thrown)}`);
    }
  });
}
