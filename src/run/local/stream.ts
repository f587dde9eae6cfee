/**
 * The tiles of every task under way with one (model, quantization), as one stream through its engine.
 *
 *   prepare (preparing.ts) ─► compose ──► fill (workers, one visit a pass) ───► forward (engine process)
 *                                ▲                                                     │
 *                                └─ slot ◄── consume (workers, one visit a pass) ◄─────┘
 *
 * Several tasks share a pass (compose.ts). One that is not full waits for tiles that are being prepared only while the
 * engine has something to do. The slots bound what is under way. A death of the engine is survived as in isolate.ts.
 */
import type { SlotsHandle } from '../../engine/addon.js';
import type { Lease } from '../../engine/pool.js';
import type { OtfError } from '../../errors/catalogue.js';
import { toOtfError } from '../../errors/catalogue.js';
import { composePass, type Share } from './compose.js';
import { type Forward, forwardSurviving } from './isolate.js';
import type { MemoryBudget } from './memory.js';
import { addPiece, itemsOf, type Pass, type Piece, pieceOf } from './pass.js';
import { Preparing } from './preparing.js';
import { FreeSlots } from './slots.js';
import type { TaskRun } from './task.js';
import type { Turns } from './turns.js';
import type { Workers } from './workers.js';

export interface StreamEvents {
  /** Tiles of the task have been consumed; with the last one it waits to be finished. */
  consumed: (task: TaskRun) => void;
  failed: (task: TaskRun, error: OtfError) => void;
  log: (task: TaskRun, level: 'info' | 'warn', message: string) => void;
  passDone: (key: string, tiles: number, seconds: number) => void;
  /** Rows it needs next are on their way: it has left the stream, and comes back with them. */
  starved: (task: TaskRun) => void;
  /** Something moved: more may be released, or the stream may be given up. */
  changed: () => void;
}

export interface StreamParts {
  lease: Lease;
  workers: Workers;
  /** Forward passes on this device. */
  device: Turns;
  /** For pixels of tasks whose tiles are being filled. */
  memory: MemoryBudget;
  events: StreamEvents;
}

export class TileStream {
  readonly lease: Lease;
  readonly #workers: Workers;
  readonly #device: Turns;
  readonly #events: StreamEvents;
  readonly #slots: FreeSlots;
  /** Used to run parts of a pass apart, after a death. */
  readonly #spare: number;
  readonly #preparing: Preparing;
  #moved: (() => void) | undefined;
  #active: TaskRun[] = [];
  #filling = false;
  /** Tiles are in memory, or in a pass that waits for more. */
  #hasTiles = false;
  /** Passes not yet begun by the engine, and those with it. */
  #waitingPasses = 0;
  #passesAhead = 0;
  /** Passes that are tried again, one after the other. */
  #alone: Promise<unknown> = Promise.resolve();

  constructor({ lease, workers, device, memory, events }: StreamParts) {
    this.lease = lease;
    this.#workers = workers;
    this.#device = device;
    this.#events = events;
    const { slots } = lease.engine.spec;
    this.#spare = slots - 1;
    this.#slots = new FreeSlots(slots - 1);
    const changed = () => {
      this.#move();
      this.#events.changed();
    };
    this.#preparing = new Preparing({ workers, memory, failed: events.failed, changed });
  }

  /** Opened tasks. */
  add(tasks: readonly TaskRun[]): void {
    this.#active.push(...tasks);
    for (const task of tasks) if (task.readyTiles === 0) this.#preparing.begin(task);
    this.#move();
    if (this.#filling) return;
    this.#filling = true;
    // Also while the engine is being loaded: the device is spoken for.
    this.#hasTiles = true;
    this.#fillAll()
      .catch((thrown) => this.#failAll(toOtfError(thrown)))
      .finally(() => {
        this.#filling = false;
        this.#hasTiles = false;
        this.#events.changed();
      });
  }

  /** Tiles are waiting: to be filled, or filled and not yet begun by the engine; or they will be there in a moment. */
  get hasWork(): boolean {
    return this.#hasTiles || this.#waitingPasses > 0 || this.#preparing.expected > 0;
  }

  /** Nothing is under way in any stage. */
  get quiet(): boolean {
    return !this.#filling && this.#preparing.count === 0 && this.#slots.all;
  }

  async #fillAll(): Promise<void> {
    const { slots } = await this.lease.engine.slots();
    let pass: Pass | undefined;
    for (;;) {
      this.#active = this.#active.filter((task) => task.tilesToFill > 0);
      const filled = pass ? itemsOf(pass) : 0;
      const shares = composePass(this.#active, this.lease.engine.spec.batch, filled);
      this.#hasTiles = filled > 0 || shares.length > 0;
      if (shares.length > 0 && !pass) {
        // What goes into it is decided when it has its slot: tasks may have come or gone meanwhile.
        pass = { slot: await this.#slots.take(), pieces: [] };
      } else if (shares.length > 0 && pass) {
        await this.#fill(pass, shares, slots);
      } else if (pass && (this.#passesAhead === 0 || this.#isFull(pass))) {
        this.#send(pass, slots);
        pass = undefined;
      } else if (this.#active.length > 0) {
        await this.#movement();
      } else {
        return;
      }
    }
  }

  /** Nothing more will come, or nothing more shall. */
  #isFull(pass: Pass): boolean {
    const filled = itemsOf(pass);
    const left = this.#active.reduce((sum, task) => sum + task.tilesToFill, 0);
    const all = { tilesToFill: left, readyTiles: left };
    return left === 0 || composePass([all], this.lease.engine.spec.batch, filled).length === 0;
  }

  #send(pass: Pass, slots: SlotsHandle): void {
    if (!pass.pieces.some((piece) => !piece.task.ended)) {
      this.#slots.give(pass.slot);
      return;
    }
    this.#waitingPasses++;
    this.#passesAhead++;
    this.#device
      .run(this, () => this.#infer(pass, slots))
      .finally(() => {
        this.#passesAhead--;
        this.#move();
      })
      .then(() => this.#giveSlotAfter(pass, slots))
      .catch((thrown) => this.#failPass(pass, toOtfError(thrown)));
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
    this.#slots.give(pass.slot);
    this.#events.changed();
  }

  /** Copies of pixels that are in memory: none of them waits for anything but a worker. */
  async #fill(pass: Pass, shares: readonly Share<TaskRun>[], slots: SlotsHandle): Promise<void> {
    let item = itemsOf(pass);
    const pieces = shares.map(({ task, count }) => {
      const piece: Piece = { task, first: task.filledTiles, count, item };
      task.filledTiles += count;
      item += count;
      return piece;
    });
    const errors = await this.#visit('fill', pass.slot, pieces, slots);
    pieces.forEach((piece, index) => {
      const { task } = piece;
      const error = errors[index];
      if (error) this.#events.failed(task, error);
      if (task.tilesToFill === 0) task.releaseMemory();
      else if (task.readyTiles === 0 && task.mustWait) this.#leave(task);
      else if (task.readyTiles === 0) this.#preparing.begin(task);
      addPiece(pass, piece);
    });
  }

  /** It must keep neither the network nor a pass of others while somebody's server is slow. */
  #leave(task: TaskRun): void {
    this.#active = this.#active.filter((each) => each !== task);
    this.#events.starved(task);
  }

  #visit(
    stage: 'fill' | 'consume',
    slot: number,
    pieces: readonly Piece[],
    slots: SlotsHandle,
  ): Promise<(OtfError | undefined)[]> {
    const { valuesIn, valuesOut } = this.lease.engine.spec;
    const items = pieces.reduce((sum, { count }) => sum + count, 0);
    const bytes = items * (stage === 'fill' ? valuesIn : valuesOut) * Float32Array.BYTES_PER_ELEMENT;
    return this.#workers.pieces(
      stage,
      pieces.map((piece) => pieceOf(piece, slot, slots)),
      bytes,
    );
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
    this.#slots.give(pass.slot);
    this.#events.changed();
  }

  async #consume(slot: number, pieces: readonly Piece[], slots: SlotsHandle): Promise<void> {
    const wanted = pieces.filter(({ task }) => !task.ended);
    if (wanted.length === 0) return;
    const errors = await this.#visit('consume', slot, wanted, slots);
    wanted.forEach(({ task, count }, index) => {
      const error = errors[index];
      if (error) this.#events.failed(task, error);
      else task.consumedTiles += count;
      if (!task.ended) this.#events.consumed(task);
    });
  }

  /** Resolves when there may be something to do: tiles, tasks, an idle engine. */
  #movement(): Promise<void> {
    return new Promise((resolve) => {
      this.#moved = resolve;
    });
  }

  #move(): void {
    this.#moved?.();
    this.#moved = undefined;
  }
}
