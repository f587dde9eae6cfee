/** The log of a server: JSON lines on standard output, several to a write. */
import { fstatSync, statfsSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { Config } from '../config/schema.js';
import { withoutSecrets } from '../errors/public-text.js';

const kWriteBytes = 4096;
const kFlushMs = 100;
/** What waits for a disk that is full: beyond it the newest lines are lost, not the memory of the server. */
const kMostBytes = 4 << 20;

/** Standard output, when it is a file; what else it may be has always. */
function hasRoom(): boolean {
  try {
    return !fstatSync(1).isFile() || statfsSync('/proc/self/fd/1').bavail > 0;
  } catch {
    return false; // it is closed
  }
}

/** Lines are out 100 ms after they were written at the latest, and at the end of the program. */
export function serverLog({ logging }: Config): Logger {
  const destination = pino.destination({
    ...{ sync: false, minLength: kWriteBytes, maxLength: kMostBytes },
    // Its own: pino's flush() listens anew each time, and a slow write keeps what it has put there.
    periodicFlush: kFlushMs,
  });
  // A file on a full disk: what could not be written is kept and tried again. Nobody else could be told; without a listener
  // the server would end.
  let failing = false;
  destination.on('error', () => {
    failing = true;
  });
  destination.on('write', () => {
    failing = false;
  });
  // Of what cannot be written at once sonic-boom tries the same for ever, at the end of the program too.
  const flushSync = destination.flushSync.bind(destination);
  destination.flushSync = () => {
    if (!failing && hasRoom()) flushSync();
  };
  // Whatever a library puts into its errors: no line opens anything.
  return pino({ level: logging.level, hooks: { streamWrite: withoutSecrets } }, destination);
}

/** Of a command that runs jobs and is no server: on standard error, which is nobody's result, and what people should know only. */
export function commandLog({ logging }: Config): Logger {
  const level = logging.level === 'info' ? 'warn' : logging.level;
  return pino({ level, hooks: { streamWrite: withoutSecrets } }, pino.destination({ dest: 2, sync: true }));
}
