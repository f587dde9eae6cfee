/**
 * Whether the server speaks TLS itself (server.tls_cert and tls_key), or HTTP, with TLS left to a proxy. Never both: who asks
 * a port for HTTP that speaks TLS is cut off, and no token of his is read.
 */
import uWebSockets, { type TemplatedApp } from 'uWebSockets.js';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.js';
import { OtfError, systemReason } from '../errors/catalogue.js';

type Settings = Pick<Config['server'], 'tls_cert' | 'tls_key'>;

export function speaksTls({ tls_cert }: Settings): boolean {
  return tls_cert !== '';
}

/** `warn` is told in words. Throws OTF_CONFIG_INVALID: both files are read now, and not again before the next start. */
export function makeApp(settings: Settings, warn: (line: string) => void): TemplatedApp {
  if (!speaksTls(settings)) return uWebSockets.App();
  checkFiles(settings, warn);
  return uWebSockets.SSLApp({ cert_file_name: settings.tls_cert, key_file_name: settings.tls_key });
}

/** The library would listen and refuse every client. */
function checkFiles({ tls_cert, tls_key }: Settings, warn: (line: string) => void): void {
  // The first certificate of the file is the server's own; those that lead to its issuer follow.
  const certificate = read('tls_cert', tls_cert, 'a certificate in PEM', (bytes) => new X509Certificate(bytes));
  const key = read('tls_key', tls_key, 'a private key in PEM without a passphrase', (bytes) => createPrivateKey(bytes));
  if (!certificate.checkPrivateKey(key)) {
    throw new OtfError('OTF_CONFIG_INVALID', `server.tls_key ${tls_key} is not the key of ${tls_cert}`);
  }
  const until = Date.parse(certificate.validTo);
  if (until < Date.now())
    warn(`server.tls_cert ${tls_cert} has ended on ${new Date(until).toISOString().slice(0, 10)}`);
}

function read<T>(key: string, path: string, what: string, parse: (bytes: Buffer) => T): T {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    throw new OtfError('OTF_CONFIG_INVALID', `cannot read server.${key} ${path}: ${systemReason(thrown)}`);
  }
  try {
    return parse(bytes);
  } catch {
    throw new OtfError('OTF_CONFIG_INVALID', `server.${key} ${path} is not ${what}`);
  }
}
