/** How long the jobs that wait will take, from what was measured. No estimate rather than an invented one. */

const kMemory = 0.2;

interface Key {
  tilesPerJob?: number;
  secondsPerTile?: number;
}

export class Estimates {
  readonly #keys = new Map<string, Key>();

  /** A forward pass of `tiles` tiles took so long. */
  passDone(key: string, tiles: number, seconds: number): void {
    const known = this.#of(key);
    known.secondsPerTile = mixed(known.secondsPerTile, seconds / tiles);
  }

  jobOpened(key: string, tiles: number): void {
    const known = this.#of(key);
    known.tilesPerJob = mixed(known.tilesPerJob, tiles);
  }

  tilesSeconds(key: string, tiles: number): number | undefined {
    const rate = this.#keys.get(key)?.secondsPerTile;
    return rate === undefined ? undefined : rate * tiles;
  }

  jobSeconds(key: string): number | undefined {
    const tiles = this.#keys.get(key)?.tilesPerJob;
    return tiles === undefined ? undefined : this.tilesSeconds(key, tiles);
  }

  #of(key: string): Key {
    const known = this.#keys.get(key) ?? {};
    this.#keys.set(key, known);
    return known;
  }
}

function mixed(before: number | undefined, now: number): number {
  return before === undefined ? now : before + kMemory * (now - before);
}
