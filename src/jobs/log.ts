/** A job's own log: one line per event, in UTC. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomically } from '../io/write.js';
import type { LogLevel } from './executor.js';
import { syncFolder } from './folders.js';
import type { FileKind, ResultFile } from './job.js';

export const kLogFile: FileKind = { id: 'log', file: 'job.log', mime: 'text/plain;charset=UTF-8' };

export function logLine(level: LogLevel, message: string): string {
  return `${new Date().toISOString()} ${level} ${message.replace(/\s+/g, ' ')}`;
}

export function logText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** No lines, no file. */
export async function writeLog(dir: string, lines: readonly string[]): Promise<ResultFile[]> {
  if (lines.length === 0) return [];
  const bytes = Buffer.from(logText(lines), 'utf8');
  await writeFileAtomically(join(dir, kLogFile.file), [bytes]);
  // Before its row is: a row must not name what a power cut can take back.
  await syncFolder(dir);
  return [{ ...kLogFile, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
}
