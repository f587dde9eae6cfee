/** Numbers and states as the dashboard words them. */
import type { JobSummary } from '../client/documents.js';
import { duration } from '../io/terminal.js';
import type { QueueView, WorkerView } from './server-view.js';

const kBlocks = '▁▂▃▄▅▆▇█';

/** The last `width` values, from 0 to the greatest of them. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  const block = (value: number) => kBlocks[most === 0 ? 0 : Math.round((value / most) * (kBlocks.length - 1))] ?? ' ';
  return shown.map(block).join('').padStart(width);
}

export function bar(done: number, total: number, width: number): string {
  const full = total > 0 ? Math.min(width, Math.round((width * done) / total)) : 0;
  return '█'.repeat(full) + '░'.repeat(width - full);
}

const kUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 25444596 -> "25.4 MB" */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  for (; value >= 1000 && unit < kUnits.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${kUnits[unit]}`;
}

/** Since an instant, coarsely: 5 s, 3 min, 2 h 5 min, 4 d 3 h. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How a job stands beside its phase: its bar, its place, what it found, or what is wrong. */
export function standing({ phase, progress, position, found, error }: JobSummary, barWidth: number): string {
  if (error !== undefined) return error;
  if (phase === 'EXECUTING' && progress) {
    return `${bar(progress.done, progress.total, barWidth)} ${progress.done}/${progress.total}`;
  }
  if (found) return `${found.count} ${found.rows}`;
  return position === undefined ? '' : `${position} in the queue`;
}

/** How long it ran, runs, or waits. */
export function timeOf({ startTime, endTime, creationTime }: JobSummary, nowMs: number): string {
  const from = Date.parse(startTime ?? (endTime === undefined ? (creationTime ?? '') : ''));
  const ms = (endTime === undefined ? nowMs : Date.parse(endTime)) - from;
  if (!Number.isFinite(ms)) return '';
  return endTime === undefined ? age(ms) : duration(Math.max(0, ms) / 1000);
}

const kWhy = new Map([
  ['busy', 'devices busy'],
  ['opening', 'the batch before is being opened'],
  ['alone', 'what a crash cut short runs alone first'],
  ['short', 'something ran short'],
]);

/** 3 wait; 3 of 8 within 1.20 s, devices busy */
export function queueLine({ waiting, batch, why, leavesMs }: QueueView, maxBatch: number, nowMs: number): string {
  const within = leavesMs === undefined || leavesMs <= nowMs ? '' : ` within ${duration((leavesMs - nowMs) / 1000)}`;
  return `${waiting} wait; ${batch} of ${maxBatch}${within}, ${kWhy.get(why) ?? why}`;
}

/** 10:12:13 */
export function clock(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8);
}

/** What it has, and what has become of jobs there. */
export function workerLine(worker: WorkerView): string {
  const { node, leaving, keys, held, completed, lost, swept, back, refused } = worker;
  const networks = keys.length === 0 ? 'no network' : keys.join(', ');
  const mishaps = [
    lost === 0 ? '' : `${lost} lost${swept === 0 ? '' : ` (${swept} not known there)`}`,
    back === 0 ? '' : `${back} given back`,
    refused === 0 ? '' : `${refused} refused`,
  ].filter((each) => each !== '');
  const counts = [`has ${held}`, `${completed} completed`, ...mishaps].join(', ');
  return `on ${node}${leaving ? ', ends' : ''}: ${counts}; ${networks}`;
}
