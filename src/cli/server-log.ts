/** The log of a server: JSON lines on standard output, several to a write. */
import { type Logger, pino } from 'pino';
import type { Config } from '../config/schema.js';
import { withoutSecrets } from '../errors/public-text.js';

const kWriteBytes = 4096;
const kFlushMs = 100;

/** Lines are out 100 ms after they were written at the latest, and at the end of the program. */
export function serverLog({ logging }: Config): Logger {
  const destination = pino.destination({ sync: false, minLength: kWriteBytes });
  // Whatever a library puts into its errors: no line opens anything.
  const log = pino({ level: logging.level, hooks: { streamWrite: withoutSecrets } }, destination);
  setInterval(() => log.flush(), kFlushMs).unref();
  return log;
}
