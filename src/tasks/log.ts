/** A job's own log: one line per event, in UTC. */
import type { FileKind } from './files.js';

export type LogLevel = 'info' | 'warn' | 'error';

export const kLogFile: FileKind = { id: 'log', file: 'job.log', mime: 'text/plain;charset=UTF-8' };

export function logLine(level: LogLevel, message: string): string {
  return `${new Date().toISOString()} ${level} ${message.replace(/\s+/g, ' ')}`;
}

export function logText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
