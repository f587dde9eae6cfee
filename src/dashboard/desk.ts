/**
 * What its user does with the dashboard: which view there is, which job is chosen, and what a key means there. Keys come
 * faster than pictures are drawn, so nothing here is a state of a picture.
 */
import type { Key } from 'ink';
import type { JobSummary } from '../client/documents.js';
import { OtfError } from '../errors/catalogue.js';
import type { Controller } from './controller.js';
import { readEmulation } from './emulate.js';
import type { Model } from './model.js';

export type Mode =
  | { view: 'list' }
  | { view: 'detail'; id: string; skip: number; facts: [string, string][] | undefined }
  /** `typed`: before the form was drawn. */
  | { view: 'submit' | 'emulate'; typed: string }
  | { view: 'help' }
  | { view: 'sure'; what: 'abort' | 'delete'; id: string };

/** As a view needs it of ink's keys. */
export type Pressed = Partial<Key>;

export class Desk {
  mode: Mode = { view: 'list' };
  /** Lines of the list: a page. */
  pageRows = 1;
  readonly #model: Model;
  readonly #controller: Controller;
  readonly #changed: () => void;
  readonly #exit: () => void;
  #chosen: string | undefined;
  /** Of the one that was chosen: when it leaves the list, the job that takes its place is chosen. */
  #place = 0;

  constructor(model: Model, controller: Controller, changed: () => void, exit: () => void) {
    this.#model = model;
    this.#controller = controller;
    this.#changed = changed;
    this.#exit = exit;
  }

  get job(): JobSummary | undefined {
    const jobs = this.#model.shown;
    return jobs[this.#at(jobs)];
  }

  #at(jobs: readonly JobSummary[]): number {
    const found = jobs.findIndex(({ id }) => id === this.#chosen);
    return found >= 0 ? found : Math.min(this.#place, Math.max(0, jobs.length - 1));
  }

  #move(to: (at: number, jobs: number) => number): void {
    const jobs = this.#model.shown;
    const at = Math.max(0, Math.min(jobs.length - 1, to(this.#at(jobs), jobs.length)));
    this.#place = at;
    this.#chosen = jobs[at]?.id;
  }

  /** Keys that came together (fast fingers, a slow line) are one `input`, Enter as \r in it: each counts, where it leads to. */
  press(input: string, key: Pressed): void {
    if (input.length <= 1) this.#pressOne(input, key);
    else for (const each of input) this.#pressOne(each, each === '\r' ? { ...key, return: true } : key);
    this.#changed();
  }

  #pressOne(input: string, key: Pressed): void {
    const { mode } = this;
    // Until the form is drawn, and takes its keys itself.
    if (mode.view === 'submit' || mode.view === 'emulate') mode.typed += key.return ? '\r' : input;
    else if (mode.view === 'help') this.back();
    else if (mode.view === 'sure') {
      this.back();
      if (input === 'y') this.#act(mode.what, mode.id);
    } else if (mode.view === 'detail') this.#pressInDetail(mode, input, key);
    else this.#pressInList(input, key);
  }

  back(): void {
    this.mode = { view: 'list' };
    this.#changed();
  }

  #pressInList(input: string, key: Pressed): void {
    const { job } = this;
    if (input === 'q') this.#exit();
    else if (key.upArrow || input === 'k') this.#move((at) => at - 1);
    else if (key.downArrow || input === 'j') this.#move((at) => at + 1);
    else if (key.pageUp) this.#move((at) => at - this.pageRows);
    else if (key.pageDown) this.#move((at) => at + this.pageRows);
    else if (input === 'g') this.#move(() => 0);
    else if (input === 'G') this.#move((_, jobs) => jobs - 1);
    else if (key.return && job) this.#open(job.id);
    else if (input === 's') this.mode = { view: 'submit', typed: '' };
    else if (input === 'a' && job) this.mode = { view: 'sure', what: 'abort', id: job.id };
    else if (input === 'd' && job) this.mode = { view: 'sure', what: 'delete', id: job.id };
    else if (input === 'f') this.#model.nextPhase();
    else if (input === 'o') this.#model.nextOwner();
    else if (input === 'e' && this.#controller.isEmulating) this.#controller.stopEmulating();
    else if (input === 'e') this.mode = { view: 'emulate', typed: '' };
    else if (input === '?') this.mode = { view: 'help' };
  }

  #pressInDetail(detail: Mode & { view: 'detail' }, input: string, key: Pressed): void {
    const { id, skip } = detail;
    if (key.escape || key.return || input === 'q') this.back();
    else if (key.downArrow || input === 'j') this.mode = { ...detail, skip: skip + 1 };
    else if (key.upArrow || input === 'k') this.mode = { ...detail, skip: Math.max(0, skip - 1) };
    else if (input === 'a') this.#act('abort', id);
    else if (input === 'w') {
      const { download } = this.#controller.actions;
      this.#controller.do('fetching', async () => `written: ${(await download(id)).join(', ')}`);
    }
  }

  #open(id: string): void {
    this.mode = { view: 'detail', id, skip: 0, facts: undefined };
    this.#controller.do('asking', async () => {
      const facts = await this.#controller.actions.facts(id);
      if (this.mode.view === 'detail' && this.mode.id === id) this.mode = { ...this.mode, facts };
      return '';
    });
  }

  #act(what: 'abort' | 'delete', id: string): void {
    const { abort, remove } = this.#controller.actions;
    const short = id.slice(0, 8);
    if (what === 'abort') this.#controller.do('aborting', () => abort(id).then(() => `aborted ${short}`));
    else this.#controller.do('deleting', () => remove(id).then(() => `deleted ${short}`));
  }

  submit({ image = '', model = '' }: Record<string, string>): void {
    this.back();
    this.#controller.do('sending', async () => {
      if (image.trim() === '') throw new OtfError('OTF_USAGE', 'no image was named');
      return `sent as ${await this.#controller.actions.submit(image.trim(), model.trim())}`;
    });
  }

  emulate(values: Record<string, string>): void {
    this.back();
    this.#controller.do('emulating', async () => {
      const spec = readEmulation(values);
      this.#controller.emulate(spec);
      return `emulating ${spec.jobs} jobs; e stops it`;
    });
  }
}
