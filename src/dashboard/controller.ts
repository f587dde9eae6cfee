/** What the keys do: each action tells in one line how it went, and a failure is a line, never the end. */
import { toOtfError } from '../errors/catalogue.js';
import { printable } from '../io/terminal.js';
import { type EmulationSpec, emulate } from './emulate.js';

/** What can be done at the server; each throws what refuses it. */
export interface Actions {
  /** Gives the id. */
  submit: (image: string, model: string) => Promise<string>;
  abort: (id: string) => Promise<void>;
  remove: (id: string) => Promise<void>;
  /** Into the current folder; gives the paths. */
  download: (id: string) => Promise<string[]>;
  /** All that is known of a job, by name. */
  facts: (id: string) => Promise<[name: string, value: string][]>;
}

export interface Status {
  text: string;
  bad: boolean;
}

export class Controller {
  readonly actions: Actions;
  status: Status | undefined;
  /** Of the load that is emulated. */
  emulation: string | undefined;
  readonly #changed: () => void;
  #emulating: AbortController | undefined;

  constructor(actions: Actions, changed: () => void) {
    this.actions = actions;
    this.#changed = changed;
  }

  /** `work` gives the line that tells how it went. */
  do(doing: string, work: () => Promise<string>): void {
    this.#say(`${doing} ...`, false);
    work()
      .then((text) => this.#say(text, false))
      .catch((thrown) => this.#say(toOtfError(thrown).message, true));
  }

  get isEmulating(): boolean {
    return this.#emulating !== undefined;
  }

  emulate(spec: EmulationSpec): void {
    const ending = new AbortController();
    this.#emulating = ending;
    const tell = (text: string) => {
      this.emulation = text;
      this.#changed();
    };
    emulate(spec, this.actions, ending.signal, tell)
      .then((text) => this.#say(text, false))
      .catch((thrown) => this.#say(toOtfError(thrown).message, true))
      .finally(() => {
        this.#emulating = undefined;
        this.emulation = undefined;
        this.#changed();
      });
  }

  stopEmulating(): void {
    this.#emulating?.abort();
  }

  #say(text: string, bad: boolean): void {
    this.status = { text: printable(text), bad };
    this.#changed();
  }
}
