/**
 * Files that are there for now: what is written under a name of its own until it is whole. A command that fails removes them;
 * here they are removed when a signal ends the process, which it does as if nobody had been listening.
 */
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const kSignals = ['SIGINT', 'SIGTERM'] as const;
const kMostName = 200;

const temporaries = new Set<string>();
const outputs = new Set<string>();
let isListening = false;

/** A file or folder. Gives what is to be called once it has gone, or has its own name. */
export function forNow(path: string): () => void {
  listen();
  const there = resolve(path);
  temporaries.add(there);
  return () => temporaries.delete(there);
}

/** Files that the native side writes have its own names until they are whole: outputs of this process, by what they will be. */
export function claimOutput(path: string): boolean {
  listen();
  if (outputs.has(path)) return false;
  outputs.add(path);
  return true;
}

function listen(): void {
  if (isListening || !isMainThread) return;
  isListening = true;
  // First of all: those who end in an order of their own are asked for once, and are still counted then.
  for (const signal of kSignals) process.prependListener(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  for (const path of [...temporaries, ...[...outputs].flatMap(nativeTemporaries)]) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // The next one may still be removed, and there is nobody to tell.
    }
  }
  process.removeListener(signal, onSignal);
  process.kill(process.pid, signal);
}

/** As native/fits/output_file.cpp and native/tensor/npy.cpp name them. */
function nativeTemporaries(output: string): string[] {
  const [folder, name] = [dirname(output), basename(output)];
  const begin = `.${Buffer.from(name).subarray(0, kMostName).toString()}.${process.pid}.`;
  const isOurs = (each: string) =>
    (each.startsWith(begin) && each.endsWith('.part')) || each === `${name}.part${process.pid}`;
  try {
    return readdirSync(folder)
      .filter(isOurs)
      .map((each) => join(folder, each));
  } catch {
    return [];
  }
}
