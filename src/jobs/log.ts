/** Writing the log of a job that failed; what is done is logged by its own end (src/tasks/finish.ts). */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeFileAtomically } from '../io/write.js';
import type { ResultFile } from '../tasks/files.js';
import { kLogFile, logText } from '../tasks/log.js';
import { syncFolder } from './folders.js';

/** No lines, no file. */
export async function writeLog(dir: string, lines: readonly string[]): Promise<ResultFile[]> {
  if (lines.length === 0) return [];
  const bytes = Buffer.from(logText(lines), 'utf8');
  await writeFileAtomically(join(dir, kLogFile.file), [bytes]);
  // Before its row is: a row must not name what a power cut can take back.
  await syncFolder(dir);
  return [{ ...kLogFile, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
}
