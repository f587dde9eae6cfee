/**
 * What a service tells systemd (sd_notify(3)): that it is ready, that it stops, and, again and again, that it is alive. By
 * systemd's own library, which is there wherever systemd is; without NOTIFY_SOCKET nothing is loaded and nothing is told.
 */
import { createRequire } from 'node:module';
import { OtfError } from '../errors/catalogue.js';

export interface Supervisor {
  /** Who looks (`systemctl status`) sees the line. */
  ready: (status: string) => void;
  stopping: () => void;
}

const kLibrary = 'libsystemd.so.0';
const kNobody: Supervisor = { ready: () => undefined, stopping: () => undefined };
/** sd_watchdog_enabled(3): a ping at half of the time it gives. */
const kPingsPerTime = 2;

/** Throws OTF_CONFIG_INVALID: a service that systemd waits for must not seem to hang. */
export function openSupervisor(env: NodeJS.ProcessEnv, library = kLibrary): Supervisor {
  if (!env.NOTIFY_SOCKET) return kNobody;
  const notify = loadNotify(library);
  const tell = (state: string) => {
    const code = notify(state);
    if (code < 0) throw new OtfError('OTF_CONFIG_INVALID', `systemd cannot be told at NOTIFY_SOCKET (errno ${-code})`);
  };
  let watching: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      // One line: a newline begins the next assignment.
      tell(`READY=1\nSTATUS=${status.replace(/\s+/g, ' ')}`);
      const everyMs = watchdogMs(env);
      // From the event loop: one that stands still is what the watchdog is for.
      if (everyMs !== undefined) watching = setInterval(() => notify('WATCHDOG=1'), everyMs / kPingsPerTime);
      watching?.unref();
    },
    stopping() {
      notify('STOPPING=1');
      // Stopping may take shutdown_s; systemd has TimeoutStopSec for it.
    },
  };
}

function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  const us = Number(WATCHDOG_USEC);
  const ours = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  return ours && us > 0 ? us / 1000 : undefined;
}

function loadNotify(library: string): (state: string) => number {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const call = koffi.load(library).func('sd_notify', 'int', ['int', 'str']);
    return (state) => call(0, state) as number;
  } catch (thrown) {
    throw new OtfError(
      'OTF_CONFIG_INVALID',
      `NOTIFY_SOCKET is set, but ${library} cannot be loaded (${(thrown as Error).message}): install libsystemd0, or run the service without Type=notify`,
      { cause: thrown },
    );
  }
}
