/** Where new objects come from. */

export interface Seen {
  /** Names the object and its version: the same again is nothing new. */
  key: string;
  /** As the client is given it: a path, or an address the server fetches. */
  input: string;
  /** For people, and for templates: without folders. */
  name: string;
  /** Whoever told of it may forget it. */
  taken?: () => void;
}

export interface Source {
  /** What it is, for people and for the state file. */
  readonly label: string;
  /** Keys of what is there now. */
  present(signal: AbortSignal): AsyncIterable<string>;
  /** Each object at least once, until the signal; again after a restart. Throws what cannot get better by waiting. */
  objects(signal: AbortSignal): AsyncIterable<Seen>;
}
