/** People of a history: what they ask for, what they were told, and what they hold against the server. */

import type { SimAnswer, SimRequest } from './sockets.js';
import type { World } from './world.js';

export interface Person {
  name: string;
  token: string;
}

export interface Image {
  name: string;
  bytes: Buffer;
  /** The catalogue `detect` gives; undefined: it is no image. */
  rows: string | undefined;
}

/** A job that was acknowledged. */
export interface Known {
  id: string;
  owner: Person;
  image: Image;
  pending: boolean;
  abortAsked: boolean;
  deleteAsked: boolean;
  deleted: boolean;
  /** Its time comes then. */
  mortal: boolean;
  over: string | undefined;
}

const kFinal = ['COMPLETED', 'ERROR', 'ABORTED'];
const kCrowd = 8;
const kBoundary = 'of-the-history';
/** What may be answered without a fault of the server's. */
const kFine = new Set([200, 303, 400, 403, 404, 503]);

export class People {
  readonly known: Known[] = [];
  readonly #world: World;
  readonly #persons: readonly Person[];
  readonly #images: readonly Image[];
  readonly #underWay = new Set<Promise<void>>();
  readonly counts: Record<string, number> = {};

  constructor(world: World, persons: readonly Person[], images: readonly Image[]) {
    this.#world = world;
    this.#persons = persons;
    this.#images = images;
  }

  /** Somebody does something; it goes on beside what the others do. */
  act(): void {
    const { sim } = this.#world;
    const deeds = [
      () => this.submit(),
      () => this.submit(),
      () => this.submit(),
      () => this.look(),
      () => this.look(),
      () => this.#changePhase('ABORT'),
      () => this.#changePhase('RUN'),
      () => this.#delete(),
      () => this.#read(),
      () => this.#list(),
      () => this.#wait(),
      () => this.#pry(),
    ];
    this.#follow(sim.pick(deeds)());
  }

  /** One of these, of the newest job. */
  doOne(deed: 'submit' | 'delete' | 'abort'): void {
    const job = this.known.at(-1);
    const deeds = {
      submit: () => this.submit(this.#images[0], { plain: true }),
      delete: () => this.#delete(job),
      abort: () => this.#changePhase('ABORT', job),
    };
    this.#follow(deeds[deed]());
  }

  /** Many at once: all workers have something to do. */
  crowd(): void {
    for (let count = 0; count < kCrowd; count++) this.#follow(this.submit(undefined, { plain: true }));
  }

  /** Nobody waits for anything any more. */
  async finished(): Promise<void> {
    const { sim } = this.#world;
    await sim.run(sim.nowMs + 3_600_000, () => this.#underWay.size === 0);
    if (this.#underWay.size > 0) sim.fault(`${this.#underWay.size} requests are answered never`);
  }

  /** `plain`: at once, to run, and for long. */
  async submit(image = this.#world.sim.pick(this.#images), { plain = false } = {}): Promise<void> {
    const { sim } = this.#world;
    const owner = sim.pick(this.#persons);
    const pending = !plain && sim.chance(0.15);
    const mortal = !plain && sim.chance(0.1);
    const fields: Record<string, string> = pending ? {} : { PHASE: 'RUN' };
    // Less than the clock may be set forward, and more than anything takes.
    if (!plain && sim.chance(0.3)) fields.EXECUTIONDURATION = '3500';
    if (mortal) fields.DESTRUCTION = new Date(sim.wallMs + sim.between(1000, 60_000)).toISOString();
    const slow = !plain && sim.chance(0.3);
    const answer = await this.#ask(owner, {
      method: 'POST',
      path: '/jobs',
      headers: { 'content-type': `multipart/form-data; boundary=${kBoundary}` },
      body: multipart(fields, image.bytes),
      pieces: 1 + Math.floor(sim.random() * 6),
      slowMs: slow ? 2000 : 2,
      ...(!plain && sim.chance(0.1) ? { leavesMs: sim.between(0, slow ? 5000 : 20) } : {}),
    });
    if (answer.gone || answer.status !== 303) return;
    const id = (answer.headers.location ?? '').split('/').pop() ?? '';
    if (this.known.some((job) => job.id === id)) sim.fault(`the id ${id} was given twice`);
    const asked = { abortAsked: false, deleteAsked: false, deleted: false };
    this.known.push({ id, owner, image, pending, mortal, ...asked, over: undefined });
  }

  /** As its owner, or somebody else, who must not. */
  async look(job = this.#any()): Promise<void> {
    if (!job) return;
    const answer = await this.#ask(job.owner, { method: 'GET', path: `/jobs/${job.id}`, headers: kXml });
    if (answer.gone) return;
    if (answer.status === 200) this.#seen(job, answer.body);
    else if (answer.status === 404) this.#missing(job);
  }

  /** Every job that was acknowledged is there, or was to go; gives those that are not over. */
  async judge(): Promise<Known[]> {
    for (const job of this.known) await this.look(job);
    return this.known.filter(({ over, deleteAsked, mortal, pending }) => !over && !deleteAsked && !mortal && !pending);
  }

  /** The catalogue of every job that is completed. */
  async check(): Promise<void> {
    for (const job of this.known) if (job.over?.startsWith('COMPLETED') && !job.deleteAsked) await this.#read(job);
  }

  #any(): Known | undefined {
    const { sim } = this.#world;
    if (this.known.length === 0) return undefined;
    return sim.pick(sim.chance(0.5) ? this.known.slice(-4) : this.known);
  }

  #seen(job: Known, xml: string): void {
    const { sim, troubled, losses } = this.#world;
    const phase = /<uws:phase>(\w+)</.exec(xml)?.[1] ?? '';
    const owner = /<uws:ownerId[^>]*>([^<]*)</.exec(xml)?.[1];
    if (owner !== job.owner.name) sim.fault(`${job.id} of ${job.owner.name} is ${owner}'s`);
    if (job.deleted) sim.fault(`${job.id} was deleted and is there again`);
    if (!kFinal.includes(phase)) {
      if (job.over) sim.fault(`${job.id} was ${job.over} and is ${phase}`);
      return;
    }
    const over = `${phase} at ${/<uws:endTime>([^<]+)</.exec(xml)?.[1]}`;
    if (job.over && job.over !== over) sim.fault(`${job.id} was ${job.over} and is ${over}`);
    if (!job.over) this.#count(phase);
    job.over = over;
    if (phase === 'ABORTED' && !job.abortAsked) sim.fault(`${job.id} is ABORTED, and nobody wanted that`);
    if (phase === 'COMPLETED' && job.image.rows === undefined) sim.fault(`${job.id} is COMPLETED without an image`);
    const reason = /<uws:message>([^<]*)</.exec(xml)?.[1] ?? '';
    if (phase === 'ERROR') sim.note(`${job.id} in error: ${reason}`);
    if (phase === 'ERROR' && reason === '') sim.fault(`${job.id} failed without a reason`);
    if (phase === 'ERROR' && job.image.rows !== undefined && !this.everTroubled && losses < 3 && !troubled) {
      sim.fault(`${job.id} failed, and nothing had been made to fail: ${reason}`);
    }
  }

  /** Set once something was made to fail. */
  everTroubled = false;

  #missing(job: Known): void {
    const { sim } = this.#world;
    if (!job.deleteAsked && !job.mortal) sim.fault(`${job.id} was acknowledged and is lost`);
  }

  async #changePhase(phase: 'RUN' | 'ABORT', job = this.#any()): Promise<void> {
    if (!job) return;
    if (phase === 'ABORT') job.abortAsked = true;
    const answer = await this.#ask(job.owner, {
      method: 'POST',
      path: `/jobs/${job.id}/phase`,
      ...form({ PHASE: phase }),
    });
    // One that was refused, or was not heard, need not run.
    if (phase === 'RUN' && !answer.gone && answer.status === 303) job.pending = false;
    if (!answer.gone && answer.status === 404) this.#missing(job);
  }

  async #delete(job = this.#any()): Promise<void> {
    if (!job) return;
    job.deleteAsked = true;
    const answer = await this.#ask(job.owner, { method: 'DELETE', path: `/jobs/${job.id}` });
    if (!answer.gone && answer.status === 303) job.deleted = true;
  }

  async #read(job = this.#any()): Promise<void> {
    if (!job) return;
    const { sim } = this.#world;
    const answer = await this.#ask(job.owner, { method: 'GET', path: `/jobs/${job.id}/results/csv` });
    if (answer.gone || answer.status !== 200) {
      if (!answer.gone && job.over?.startsWith('COMPLETED') && !job.deleteAsked && !job.mortal && !this.everTroubled) {
        sim.fault(`${job.id} is COMPLETED, and its catalogue: ${answer.status}`);
      }
      return;
    }
    this.#count('catalogues');
    if (answer.body !== job.image.rows)
      sim.fault(`${job.id} has another catalogue than detect gives of ${job.image.name}`);
  }

  async #list(): Promise<void> {
    const { sim } = this.#world;
    const person = sim.pick(this.#persons);
    const answer = await this.#ask(person, { method: 'GET', path: '/jobs', headers: kXml });
    if (answer.gone || answer.status !== 200) return;
    for (const [, id] of answer.body.matchAll(/<uws:jobref id="(\w+)"/g)) {
      const job = this.known.find((each) => each.id === id);
      if (job && job.owner !== person) sim.fault(`${person.name} is shown ${id}, which is ${job.owner.name}'s`);
    }
  }

  async #wait(): Promise<void> {
    const job = this.#any();
    if (!job) return;
    const path = `/jobs/${job.id}?WAIT=${Math.ceil(this.#world.sim.between(1, 20))}`;
    const answer = await this.#ask(job.owner, { method: 'GET', path, headers: kXml });
    if (!answer.gone && answer.status === 200) this.#seen(job, answer.body);
  }

  /** What is another's is not there, whatever one does to it. */
  async #pry(): Promise<void> {
    const { sim } = this.#world;
    const job = this.#any();
    const stranger = this.#persons.find((person) => person !== job?.owner);
    if (!job || !stranger) return;
    const [method, path] = sim.pick([
      ['GET', ''],
      ['GET', '/results/csv'],
      ['GET', '/parameters'],
      ['GET', '/phase'],
      ['DELETE', ''],
    ] as const);
    const { id } = job;
    const answer = await this.#ask(stranger, { method, path: `/jobs/${id}${path}` });
    if (answer.gone || answer.status === 404 || answer.status === 503) return;
    sim.fault(`${stranger.name}: ${method} /jobs/${id}${path} of ${job.owner.name} is answered with ${answer.status}`);
  }

  async #ask(person: Person, request: SimRequest): Promise<SimAnswer> {
    const { sim } = this.#world;
    const headers = { ...request.headers, authorization: `Bearer ${person.token}` };
    const answer = await this.#world.send({ ...request, headers });
    const { method, path } = request;
    sim.note(`${person.name} ${method} ${path}: ${answer.gone ? 'gone' : answer.status}`);
    this.#count(answer.gone ? 'gone' : String(answer.status));
    if (answer.gone || kFine.has(answer.status)) return answer;
    if (answer.status >= 500 && this.everTroubled) return answer;
    sim.fault(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`);
    return answer;
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #follow(work: Promise<void>): void {
    const followed = work
      .catch((thrown) => this.#world.sim.fault(`somebody: ${(thrown as Error).stack}`))
      .finally(() => this.#underWay.delete(followed));
    this.#underWay.add(followed);
  }
}

const kXml = { accept: 'application/xml' };

function form(fields: Record<string, string>): Pick<SimRequest, 'headers' | 'body'> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { headers, body: Buffer.from(new URLSearchParams(fields).toString()) };
}

function multipart(fields: Record<string, string>, image: Buffer): Buffer {
  const head = (name: string, more = '') =>
    `--${kBoundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const parts = Object.entries(fields).map(([name, value]) => Buffer.from(`${head(name)}${value}\r\n`));
  const file = [Buffer.from(head('IMAGE', '; filename="field.fits"')), image, Buffer.from('\r\n')];
  return Buffer.concat([...parts, ...file, Buffer.from(`--${kBoundary}--\r\n`)]);
}
