/** Certificates for tests, signed by themselves. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { missingProgram } from './cli.js';

export const kNoOpenssl = missingProgram('openssl', ['version'], 'openssl');

/** For this machine, as PEM files in `dir`. */
export function certificate(dir: string, name = 'server'): { cert: string; key: string } {
  const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...made, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}
