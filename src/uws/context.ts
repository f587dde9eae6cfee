/** What every handler works with, and the addresses of jobs. */
import type { Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import type { ExecutorState } from '../jobs/executor.js';
import type { Inference } from '../jobs/inference.js';
import type { Job } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import type { WorkDesk } from '../jobs/work-desk.js';
import type { Pictures } from '../pictures/service.js';
import type { KeptUploads } from '../uploads/store.js';
import type { Answer, Request } from './exchange.js';
import type { ModelDirectory } from './model-directory.js';

/** How the server is, for people. */
export interface ServerState extends ExecutorState {
  software: { name: string; version: string };
  startedAt: string;
  ready: boolean;
  /** By phase. */
  jobs: Record<string, number>;
  storedBytes: number;
  /** Of the disk of the data folder. */
  freeBytes: number;
  executing: number;
}

export interface Rate {
  /** Milliseconds since 1970. */
  timeMs: number;
  itemsPerSecond: number;
}

export interface StateFeed {
  now: () => ServerState;
  /** Of the last hour, the oldest first. */
  history: () => readonly Rate[];
  /** As JSON, once at once and then every second. The result ends it. */
  subscribe: (listener: (document: string) => void) => () => void;
}

/** How people may say who they are, and whether they have to. */
export interface Ways {
  anonymous: boolean;
  tokens: boolean;
  oidc: boolean;
}

export interface UwsContext {
  jobs: JobService;
  uploads: KeptUploads;
  pictures: Pictures;
  state: StateFeed;
  models: ModelDirectory;
  config: Config;
  metrics: Registry;
  ways: () => Ways;
  /** undefined = jobs run here. */
  desk: (() => WorkDesk) | undefined;
  /** Tensors without jobs; undefined = work is done elsewhere. */
  inference: Inference | undefined;
  /** Milliseconds since 1970. */
  startedMs: number;
  /** For the log: an error of ours that was answered in words of an older server. */
  internal: (thrown: unknown, where: string) => void;
}

/**
 * One tree is served twice: /jobs with the rules for the observatory's clients, /uws without. Whoever follows the links of
 * GET /jobs must meet UWS documents, so those of jobs of such clients lead into the second.
 */
export type Tree = '/jobs' | '/uws';

export type Handler = (context: UwsContext, request: Request, tree: Tree) => Answer | Promise<Answer>;

/** Absolute URL of a job that always answers in XML. */
export function jobHref(request: Pick<Request, 'origin'>, job: Pick<Job, 'id' | 'style'>): string {
  return `${request.origin}${job.style === 'standard' ? '/jobs' : '/uws'}/${job.id}`;
}

/** Where a POST to a job leads back to: the tree it came through. */
export function jobLocation(request: Request, tree: Tree, id: string): string {
  return `${request.origin}${tree}/${id}`;
}

/** Does this request follow the rules of the older server? */
export function isLegacy(tree: Tree, job: Job): boolean {
  return tree === '/jobs' && job.style === 'legacy';
}
