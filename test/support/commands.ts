/** The commands as separate processes, beside a server of the test's own process; and images for them. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { floatData, header, imageCards, skyCards } from './fits-writer.js';

const kMain = fileURLToPath(new URL('../../../bin/cianna-otf.js', import.meta.url));

export function cli(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [kMain, ...args], { env: { ...process.env, ...env } });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

export function image(width: number, height: number): Buffer {
  return Buffer.concat([
    header([...imageCards([width, height]), ...skyCards(16)]),
    floatData(new Float32Array(width * height)),
  ]);
}
