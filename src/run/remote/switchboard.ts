/**
 * The broker, as this program uses it: NATS as a switchboard between one server and its workers. Nothing is kept in it, so
 * that nothing can be lost with it: what was not answered is asked again by whoever wants to know. This is the only file that
 * knows NATS, and loads it when it is first wanted.
 */
import { readFile } from 'node:fs/promises';
import { OtfError, systemReason } from '../../errors/catalogue.js';

export interface BrokerAccess {
  /** nats://host:port or tls://host:port; several with commas. */
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  /** A file with the seed of an NKey. */
  seedFile?: string | undefined;
  /** Certificates of who may sign for the broker, PEM; undefined = those of the system. */
  caFile?: string | undefined;
}

/** Both sides of the wire in JSON. Throws what the other side is told in words. */
export type Answerer = (question: unknown) => Promise<unknown>;

export interface Switchboard {
  /** To whoever hears it, if anybody does. */
  tell(subject: string, body: unknown): void;
  /** The answer. Throws OTF_SERVER_UNREACHABLE when none comes in time, OTF_SERVER_ANSWER when it is a refusal. */
  ask(subject: string, body: unknown, waitMs: number): Promise<unknown>;
  hear(subject: string, heard: (body: unknown) => void): void;
  answer(subject: string, answerer: Answerer): void;
  /** Is the broker there? Called with every change. */
  watch(changed: (there: boolean) => void): void;
  close(): Promise<void>;
}

/** What the port needs of the library, so that its types are no part of anything else. */
type Connection = import('@nats-io/transport-node').NatsConnection;
type Message = import('@nats-io/transport-node').Msg;

/** Where answers come to, so that nobody has to be allowed to hear those of others. */
export const kFrontInbox = '_INBOX.front';
export const kWorkerInboxes = '_INBOX.worker';

const kReconnectMs = 100;
const kPingMs = 5000;

/** Resolves when the broker is there, however long that takes, unless the signal fires. Throws OTF_CONFIG_INVALID. */
export async function connectBroker(access: BrokerAccess, name: string, inbox: string): Promise<Switchboard> {
  const nats = await import('@nats-io/transport-node');
  const secret = access.seedFile === undefined ? undefined : await readSeed(access.seedFile);
  const servers = access.url.split(',').map((each) => each.trim());
  const secure = servers.some((each) => each.startsWith('tls://'));
  const connection = await nats.connect({
    servers,
    name,
    inboxPrefix: inbox,
    maxReconnectAttempts: -1,
    reconnectTimeWait: kReconnectMs,
    pingInterval: kPingMs,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    ignoreClusterUpdates: true,
    // Of every question, for the case that it fails: what is said of it names its subject.
    noAsyncTraces: true,
    ...(access.user === undefined ? {} : { user: access.user, pass: access.password ?? '' }),
    ...(secret === undefined ? {} : { authenticator: nats.nkeyAuthenticator(secret) }),
    ...(secure ? { tls: access.caFile === undefined ? {} : { caFile: access.caFile } } : {}),
  });
  return new NatsSwitchboard(connection);
}

async function readSeed(path: string): Promise<Uint8Array> {
  try {
    return Buffer.from((await readFile(path, 'utf8')).trim());
  } catch (thrown) {
    throw new OtfError('OTF_CONFIG_INVALID', `cannot read the broker's seed ${path}: ${systemReason(thrown)}`);
  }
}

interface Envelope {
  ok?: unknown;
  refused?: string;
}

class NatsSwitchboard implements Switchboard {
  readonly #connection: Connection;
  readonly #watchers: ((there: boolean) => void)[] = [];
  #there = true;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#follow().catch(() => this.#set(false));
  }

  tell(subject: string, body: unknown): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, JSON.stringify(body));
  }

  async ask(subject: string, body: unknown, waitMs: number): Promise<unknown> {
    let envelope: Envelope;
    try {
      const message = await this.#connection.request(subject, JSON.stringify(body), { timeout: waitMs });
      envelope = message.json<Envelope>();
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new OtfError('OTF_SERVER_UNREACHABLE', `${subject}: ${why}`, { cause: thrown });
    }
    if (envelope.refused !== undefined) throw new OtfError('OTF_SERVER_ANSWER', `${subject}: ${envelope.refused}`);
    return envelope.ok;
  }

  hear(subject: string, heard: (body: unknown) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        const body = error ? undefined : bodyOf(message);
        if (body !== undefined) heard(body);
      },
    });
  }

  answer(subject: string, answerer: Answerer): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) return;
        const send = (envelope: Envelope) => {
          if (!this.#connection.isClosed()) message.respond(JSON.stringify(envelope));
        };
        Promise.resolve(bodyOf(message))
          .then(answerer)
          .then(
            (ok) => send({ ok: ok ?? null }),
            (thrown) => send({ refused: thrown instanceof Error ? thrown.message : String(thrown) }),
          )
          // A connection that closes in between: whoever asked asks again.
          .catch(() => undefined);
      },
    });
  }

  watch(changed: (there: boolean) => void): void {
    this.#watchers.push(changed);
    changed(this.#there);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect' || type === 'staleConnection') this.#set(false);
      else if (type === 'reconnect') this.#set(true);
    }
    this.#set(false);
  }

  #set(there: boolean): void {
    if (there === this.#there) return;
    this.#there = there;
    for (const watcher of this.#watchers) watcher(there);
  }
}

/** Undefined for what is no JSON. */
function bodyOf(message: Message): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
