/**
 * The script inside the one-file program (Node's single executable application): unpacks what is not unpacked yet, looks
 * whether it is what was packed, and starts it. scripts/package bundles it; nothing else loads it.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getAsset, getRawAsset } from 'node:sea';
import { toOtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';
import type { Contents } from './contents.js';
import { cacheHome, programsFolder } from './place.js';
import { unpackOnce } from './unpack.js';
import { verify } from './verify.js';

/** Of the digits of a SHA-256: as many as keep two contents apart. */
const kKeyDigits = 32;

async function start(): Promise<number> {
  const text = getAsset('contents.json', 'utf8');
  const contents = JSON.parse(text) as Contents;
  const key = createHash('sha256').update(text).digest('hex').slice(0, kKeyDigits);
  const archive = new Uint8Array(getRawAsset('files') as ArrayBuffer);
  const folder = unpackOnce(contents, key, archive, programsFolder(cacheHome(process.env)));
  verify(contents, folder);
  const enter = createRequire(join(folder, 'package.json'))('./dist/standalone/enter.cjs') as (
    args: string[],
  ) => Promise<number>;
  return enter(process.argv.slice(2));
}

start().then(
  (code) => {
    process.exitCode = code;
  },
  (thrown) => {
    const error = toOtfError(thrown);
    process.stderr.write(`cianna-otf: ${printable(error.message)}\n`);
    if (process.env.OTF_DEBUG) process.stderr.write(`${error.stack}\n`);
    process.exitCode = error.kind.exitCode;
  },
);
