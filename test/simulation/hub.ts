/**
 * The broker as histories have it (src/run/remote/switchboard.ts): messages take their time and are in nobody's order, are lost while
 * the broker is away or a worker is cut off, and whoever asks in vain is told so.
 */
import { OtfError } from '#otf/errors/catalogue.js';
import type { Answerer, Switchboard } from '#otf/run/remote/switchboard.js';
import type { Sim, Where } from './sim.js';

/** A side: the server (`site` undefined), or a worker. */
interface Side {
  site: string | undefined;
  where: Where | undefined;
  life: number;
  hears: Map<string, (body: unknown) => void>;
  answers: Map<string, Answerer>;
  watchers: ((there: boolean) => void)[];
  told: boolean;
  closed: boolean;
}

const kSlowestMs = 40;
/** NATS notices after two pings that were not answered. */
const kNoticedMs = [5000, 12_000] as const;

export class Hub {
  readonly #sim: Sim;
  readonly #sides = new Set<Side>();
  readonly #cut = new Set<string>();
  #there = true;

  constructor(sim: Sim) {
    this.#sim = sim;
  }

  get calm(): boolean {
    return this.#there && this.#cut.size === 0;
  }

  /** Is whoever is there reached from elsewhere? */
  reaches(site: string | undefined): boolean {
    return site === undefined || !this.#cut.has(site);
  }

  setThere(there: boolean): void {
    this.#there = there;
    for (const side of this.#sides) this.#notice(side, 0);
  }

  cut(site: string): void {
    this.#cut.add(site);
    for (const side of this.#sides) if (side.site === site) this.#notice(side, this.#sim.between(...kNoticedMs));
  }

  join(site: string): void {
    this.#cut.delete(site);
    for (const side of this.#sides) if (side.site === site) this.#notice(side, this.#sim.between(10, 500));
  }

  /** What connectBroker() gives to the program that asks. Resolves when the broker is there. */
  connect = async (site: string | undefined): Promise<Switchboard> => {
    const sim = this.#sim;
    const { where, life } = sim;
    const side: Side = {
      ...{ site, where, life, told: true, closed: false, watchers: [] },
      ...{ hears: new Map(), answers: new Map() },
    };
    while (!this.#connected(side)) await sim.io(() => undefined, 200);
    this.#sides.add(side);
    return {
      tell: (subject, body) => this.#tell(side, subject, body),
      ask: (subject, body, waitMs) => this.#ask(side, subject, body, waitMs),
      hear: (subject, heard) => side.hears.set(subject, heard),
      answer: (subject, answerer) => side.answers.set(subject, answerer),
      watch: (changed) => {
        side.watchers.push(changed);
        changed(side.told);
      },
      close: async () => {
        side.closed = true;
        this.#sides.delete(side);
      },
    };
  };

  #connected({ site }: Side): boolean {
    return this.#there && this.reaches(site);
  }

  #gone(side: Side): boolean {
    return side.closed || this.#sim.isGone(side);
  }

  #notice(side: Side, afterMs: number): void {
    const look = () => {
      const there = this.#connected(side);
      if (this.#gone(side) || there === side.told) return;
      side.told = there;
      for (const watcher of side.watchers) watcher(there);
    };
    this.#sim.atOf(side.where, afterMs, 'server', look);
  }

  /** A message on its way: what a cut finds of it is lost, now and then later than that. */
  #carry(from: Side, to: Side, arrives: () => void): void {
    const sim = this.#sim;
    const delayMs = sim.chance(0.05) ? sim.between(0, 1500) : sim.between(0.1, kSlowestMs);
    if (!this.#connected(from) || this.#gone(from)) return;
    const arrive = () => {
      if (this.#connected(to) && !this.#gone(to)) arrives();
    };
    sim.atOf(to.where, delayMs, 'server', arrive);
  }

  #tell(from: Side, subject: string, body: unknown): void {
    const text = JSON.stringify(body);
    for (const to of this.#sides) {
      const heard = to.hears.get(subject);
      if (heard) this.#carry(from, to, () => heard(JSON.parse(text)));
    }
  }

  #ask(from: Side, subject: string, body: unknown, waitMs: number): Promise<unknown> {
    const sim = this.#sim;
    const text = JSON.stringify(body);
    const [to] = [...this.#sides].filter((side) => side.answers.has(subject) && !this.#gone(side));
    return new Promise((resolve, reject) => {
      const late = () => reject(new OtfError('OTF_SERVER_UNREACHABLE', `${subject}: no answer in time`));
      if (!to) {
        sim.at(sim.between(0.1, kSlowestMs), 'server', late);
        return;
      }
      sim.at(waitMs, 'server', late);
      const reply = (settle: () => void) => this.#carry(to, from, settle);
      this.#carry(from, to, () => {
        Promise.resolve(JSON.parse(text))
          .then(to.answers.get(subject))
          .then(
            (ok) => reply(() => resolve(JSON.parse(JSON.stringify(ok ?? null)))),
            (thrown) => {
              const said = thrown instanceof Error ? thrown.message : String(thrown);
              reply(() => reject(new OtfError('OTF_SERVER_ANSWER', `${subject}: ${said}`)));
            },
          );
      });
    });
  }
}
