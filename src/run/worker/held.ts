/** A job that this worker was given, from then until the server knows how it ended. */
import { type Folder, folderAt, folderRef } from '../../io/folder.js';
import type { Used } from '../../jobs/executor.js';
import type { Job } from '../../jobs/job.js';
import type { Progress } from '../../tasks/kind.js';
import type { Order } from '../remote/order.js';

export class Held {
  readonly order: Order;
  readonly folder: Folder;
  /** Fires when the server wants nothing of it any more, or the worker ends. */
  readonly stop = new AbortController();
  progress: Progress | undefined;
  used: Used | undefined;
  /** As the server told when it was allowed to go on. */
  startedMs: number | null = null;
  baseUrl = '';
  log: string[] = [];
  /** It is the local runner's. */
  begun = false;
  /** The server is being told how it ended. */
  ending = false;

  constructor(order: Order, dir: string) {
    this.order = order;
    this.folder = folderAt(folderRef(dir));
  }

  get job(): Job {
    return this.order.job;
  }

  get dropped(): boolean {
    return this.stop.signal.aborted;
  }
}
