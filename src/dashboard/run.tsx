/** The dashboard of one server, until its user has enough of it. */
import { render } from 'ink';
import type { UwsClient } from '../client/client.js';
import { toOtfError } from '../errors/catalogue.js';
import { App } from './app.js';
import { type Actions, Controller } from './controller.js';
import { followServer } from './feed.js';
import { Model } from './model.js';
import { takeScreen } from './screen.js';

/** Of what was there before; newer ones come as events. */
const kJobsAtStart = 500;
const kRedrawMs = 100;
const kClockMs = 1000;
const kSignals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;
const kTopics = ['job', 'progress', 'log', 'server'];

/** `onCrash`: for a fault of ours, once the terminal is as it was; it ends the program. */
export async function runDashboard(
  client: UwsClient,
  actions: Actions,
  onCrash: (thrown: unknown) => never,
): Promise<void> {
  const model = new Model();
  const redraw = new Redraw();
  const controller = new Controller(actions, () => redraw.soon());
  const ending = new AbortController();
  const list = async () => {
    try {
      // Events meanwhile are newer: they come after it.
      model.replaceJobs(await client.list({ last: kJobsAtStart }));
    } catch (thrown) {
      model.lost(Date.now(), toOtfError(thrown).message);
    }
    redraw.soon();
  };
  let listed: Promise<void> = Promise.resolve();
  const open = (signal: AbortSignal) => client.events(kTopics, signal);
  const following = followServer(open, ending.signal, {
    connected: () => {
      model.connected(Date.now());
      listed = list();
    },
    event: (type, data) => {
      listed = listed.then(() => model.event(type, data, Date.now()));
      redraw.soon();
    },
    lost: (reason) => {
      model.lost(Date.now(), reason);
      redraw.soon();
    },
  });
  const clock = setInterval(() => redraw.soon(), kClockMs);
  const leave = takeScreen();
  const app = render(
    <App
      model={model}
      controller={controller}
      url={client.base}
      subscribe={(listener) => redraw.subscribe(listener)}
    />,
    { exitOnCtrlC: true, patchConsole: false, maxFps: 15 },
  );
  const end = () => app.unmount();
  for (const signal of kSignals) process.on(signal, end);
  const crash = (thrown: unknown) => {
    leave();
    onCrash(thrown);
  };
  process.on('uncaughtException', crash);
  try {
    await app.waitUntilExit();
  } finally {
    for (const signal of kSignals) process.off(signal, end);
    process.off('uncaughtException', crash);
    clearInterval(clock);
    controller.stopEmulating();
    ending.abort();
    leave();
    await following;
  }
}

/** However often something changes: drawn ten times a second at most. */
class Redraw {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const listener of this.#listeners) listener();
    }, kRedrawMs);
  }
}
