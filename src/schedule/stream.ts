/**
 * The tiles of every task under way with one (model, quantization), as one stream through its engine.
 *
 *   compose ──► fill (workers, one call per task) ──► forward (engine process)
 *      ▲                                                     │
 *      └─ slot ◄── consume (workers, one call per task) ◄────┘
 *
 * Several tasks share a pass (compose.ts). The slots bound what is under way. A death of the engine is survived as in isolate.ts.
 */
import type { SlotsHandle, TilePiece } from '../engine/addon.js';
import type { Lease } from '../engine/pool.js';
import type { OtfError } from '../errors/catalogue.js';
import { toOtfError } from '../errors/catalogue.js';
import { composePass } from './compose.js';
import { type Forward, forwardSurviving } from './isolate.js';
import type { TaskRun } from './task.js';
import type { Turns } from './turns.js';
import type { Workers } from './workers.js';

export interface Piece {
  task: TaskRun;
  first: number;
  count: number;
  item: number;
}

export interface Pass {
  slot: number;
  pieces: Piece[];
}

export interface StreamEvents {
  /** Tiles of the task have been consumed; with the last one it waits to be finished. */
  consumed: (task: TaskRun) => void;
  failed: (task: TaskRun, error: OtfError) => void;
  log: (task: TaskRun, level: 'info' | 'warn', message: string) => void;
  passDone: (key: string, tiles: number, seconds: number) => void;
  /** Something moved: more may be released, or the stream may be given up. */
  changed: () => void;
}

export interface StreamParts {
  lease: Lease;
  workers: Workers;
  /** Forward passes on this device. */
  device: Turns;
  events: StreamEvents;
}

export class TileStream {
  readonly lease: Lease;
  readonly #workers: Workers;
  readonly #device: Turns;
  readonly #events: StreamEvents;
  readonly #slotCount: number;
  readonly #free: number[];
  /** Used to run parts of a pass apart, after a death. */
  readonly #spare: number;
  #slotWanted: ((slot: number) => void) | undefined;
  #active: TaskRun[] = [];
  #filling = false;
  #waitingPasses = 0;
  /** Passes that are tried again, one after the other. */
  #alone: Promise<unknown> = Promise.resolve();

  constructor({ lease, workers, device, events }: StreamParts) {
    this.lease = lease;
    this.#workers = workers;
    this.#device = device;
    this.#events = events;
    const { slots } = lease.engine.spec;
    this.#spare = slots - 1;
    this.#slotCount = slots - 1;
    this.#free = Array.from({ length: this.#slotCount }, (_, slot) => slot);
  }

  /** Opened tasks. */
  add(tasks: readonly TaskRun[]): void {
    this.#active.push(...tasks);
    if (this.#filling) return;
    this.#filling = true;
    this.#fillAll()
      .catch((thrown) => this.#failAll(toOtfError(thrown)))
      .finally(() => {
        this.#filling = false;
        this.#events.changed();
      });
  }

  /** Tiles are waiting: to be filled, or filled and not yet begun by the engine. */
  get hasWork(): boolean {
    return this.#filling || this.#waitingPasses > 0;
  }

  /** Nothing is under way in any stage. */
  get quiet(): boolean {
    return !this.#filling && this.#free.length === this.#slotCount;
  }

  async #fillAll(): Promise<void> {
    const { slots } = await this.lease.engine.slots();
    while (this.#active.length > 0) {
      const slot = await this.#takeSlot();
      const pass = this.#compose(slot);
      await Promise.all(pass.pieces.map((piece) => this.#fill(piece, pass.slot, slots)));
      if (!pass.pieces.some((piece) => !piece.task.ended)) {
        this.#giveSlot(slot);
        continue;
      }
      this.#waitingPasses++;
      this.#device
        .run(this, () => this.#infer(pass, slots))
        .then(() => this.#giveSlotAfter(pass, slots))
        .catch((thrown) => this.#failPass(pass, toOtfError(thrown)));
    }
  }

  /** Those whose tiles have not been filled; the others are told by their passes. */
  #failAll(error: OtfError): void {
    const tasks = this.#active;
    this.#active = [];
    for (const task of tasks) this.#events.failed(task, error);
  }

  /** What no stage foresaw must not keep a slot. */
  #failPass(pass: Pass, error: OtfError): void {
    for (const { task } of pass.pieces) this.#events.failed(task, error);
    this.#giveSlot(pass.slot);
    this.#events.changed();
  }

  #compose(slot: number): Pass {
    const pieces: Piece[] = [];
    let item = 0;
    for (const { task, count } of composePass(this.#active, this.lease.engine.spec.batch)) {
      pieces.push({ task, first: task.filledTiles, count, item });
      task.filledTiles += count;
      item += count;
    }
    this.#active = this.#active.filter((task) => task.tilesToFill > 0);
    return { slot, pieces };
  }

  async #fill(piece: Piece, slot: number, slots: SlotsHandle): Promise<void> {
    try {
      await this.#workers.run('fill', nativePiece(piece, slot, slots));
    } catch (thrown) {
      this.#events.failed(piece.task, toOtfError(thrown));
    }
  }

  async #infer(pass: Pass, slots: SlotsHandle): Promise<void> {
    await this.#alone;
    this.#waitingPasses--;
    this.#events.changed();
    const forward: Forward = async (slot, pieces) => {
      const tiles = pieces.reduce((sum, piece) => sum + piece.count, 0);
      const done = await this.lease.engine.forward(slot, tiles);
      this.#events.passDone(this.lease.engine.spec.key, tiles, done.seconds);
      for (const piece of pieces) piece.task.inferSeconds += (done.seconds * piece.count) / tiles;
    };
    const survivors = await forwardSurviving(pass, this.#spare, {
      forward,
      copy: (from, to, piece, toItem) =>
        this.#workers.run('copy', {
          slots,
          fromSlot: from,
          fromItem: piece.item,
          toSlot: to,
          toItem,
          count: piece.count,
        }),
      consume: (slot, pieces) => this.#consume(slot, pieces, slots),
      failed: this.#events.failed,
      log: this.#events.log,
      alone: (work) => {
        const mine = this.#alone.then(work);
        this.#alone = mine.catch(() => undefined);
        return mine;
      },
    }).catch((thrown) => {
      for (const { task } of pass.pieces) this.#events.failed(task, toOtfError(thrown));
      return [];
    });
    pass.pieces = survivors;
  }

  /** What a whole pass left, outside the engine's turn. */
  async #giveSlotAfter(pass: Pass, slots: SlotsHandle): Promise<void> {
    this.#events.changed();
    await this.#consume(pass.slot, pass.pieces, slots);
    this.#giveSlot(pass.slot);
    this.#events.changed();
  }

  async #consume(slot: number, pieces: readonly Piece[], slots: SlotsHandle): Promise<void> {
    await Promise.all(
      pieces.map(async (piece) => {
        const { task } = piece;
        if (task.ended) return;
        try {
          await this.#workers.run('consume', nativePiece(piece, slot, slots));
          task.consumedTiles += piece.count;
          if (!task.ended) this.#events.consumed(task);
        } catch (thrown) {
          this.#events.failed(task, toOtfError(thrown));
        }
      }),
    );
  }

  #takeSlot(): Promise<number> {
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve) => {
      this.#slotWanted = resolve;
    });
  }

  #giveSlot(slot: number): void {
    const wanted = this.#slotWanted;
    this.#slotWanted = undefined;
    if (wanted) wanted(slot);
    else this.#free.push(slot);
  }
}

function nativePiece(piece: Piece, slot: number, slots: SlotsHandle): TilePiece {
  const { task, first, count, item } = piece;
  // Closed meanwhile: 0 names no task, and the failure is that of a task that has ended.
  return { task: task.handle ?? 0, first, count, slots, slot, item };
}
