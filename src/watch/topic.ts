/**
 * Objects that messages of an MQTT broker tell of. A message is an address, or JSON with it: {"url": ...}, or a notification of
 * an object store (Records[].s3). The broker keeps messages for this client while it is away, and forgets each when its object
 * has a job: QoS 1, a session of its own.
 */
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { toOtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { type BrokerAddress, type BrokerSecrets, connectMqtt } from '../events/mqtt.js';
import type { Seen, Source } from './source.js';

const kMostBytes = 1 << 20;
const kMostObjects = 1000;

const kMessage = z.union([
  z.object({ url: z.string().min(1), version: z.union([z.string(), z.number()]).optional() }),
  z.object({
    Records: z
      .array(
        z.object({
          eventName: z.string().optional(),
          s3: z.object({
            bucket: z.object({ name: z.string().min(1) }),
            object: z.object({ key: z.string().min(1), eTag: z.string().optional(), sequencer: z.string().optional() }),
          }),
        }),
      )
      .max(kMostObjects),
  }),
]);

export interface TopicParts {
  broker: BrokerAddress;
  secrets: BrokerSecrets;
  /** Of the session that the broker keeps. */
  clientId: string;
  say: (line: string) => void;
}

export class TopicSource implements Source {
  readonly label: string;
  readonly #parts: TopicParts;

  constructor(parts: TopicParts) {
    this.#parts = parts;
    this.label = `${parts.broker.url}/${parts.broker.topic}`;
  }

  /** Of messages none is there before it comes. */
  async *present(): AsyncIterable<string> {}

  async *objects(signal: AbortSignal): AsyncIterable<Seen> {
    const { broker, secrets, clientId, say } = this.#parts;
    const client = await connectMqtt(broker, secrets, { clientId, clean: false, manualConnect: true }, 'OTF_USAGE');
    const waiting: Seen[] = [];
    let wake: () => void = () => undefined;
    handOut(client, say, (objects, taken) => {
      let left = objects.length;
      const one = () => {
        left -= 1;
        if (left === 0) taken();
      };
      waiting.push(...objects.map((seen) => ({ ...seen, taken: one })));
      wake();
    });
    let said = '';
    client.on('connect', () => {
      said = '';
      client.subscribe(broker.topic, { qos: 1 }, (error) => {
        if (error) say(`${this.label}: ${error.message}`);
      });
    });
    client.on('error', ({ message }) => {
      if (message !== said) say(`${this.label}: ${message}`);
      said = message;
    });
    signal.addEventListener('abort', () => wake(), { once: true });
    client.connect();
    try {
      while (!signal.aborted) {
        const seen = waiting.shift();
        if (seen) yield seen;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      // What was not taken is not acknowledged, and comes again.
      await client.endAsync(true);
    }
  }
}

/** The library acknowledges a message when it is told to go on, and takes the next one then. */
function handOut(
  client: MqttClient,
  say: (line: string) => void,
  give: (objects: Seen[], taken: () => void) => void,
): void {
  client.handleMessage = ({ topic, payload }, goOn) => {
    let objects: Seen[] = [];
    try {
      objects = objectsOf(payload);
    } catch (thrown) {
      // It will never be better.
      say(`a message of ${topic} names no object: ${toOtfError(thrown).message}`);
    }
    if (objects.length === 0) goOn();
    else give(objects, () => goOn());
  };
}

/** Throws what is wrong. */
export function objectsOf(payload: string | Buffer): Seen[] {
  if (payload.length > kMostBytes) throw new Error('it is too long');
  const text = payload.toString('utf8').trim();
  if (!text.startsWith('{')) return [seen(text, '')];
  const message = kMessage.parse(JSON.parse(text));
  if ('url' in message) return [seen(message.url, String(message.version ?? ''))];
  return message.Records.filter(({ eventName = '' }) => !/Removed|Delete/i.test(eventName)).map(
    ({ s3: { bucket, object } }) => {
      // As forms encode: a blank is +.
      const key = decoded(object.key.replaceAll('+', ' '));
      const url = `s3://${bucket.name}/${key.split('/').map(encodeURIComponent).join('/')}`;
      return seen(url, object.eTag ?? object.sequencer ?? '');
    },
  );
}

function seen(url: string, version: string): Seen {
  if (!URL.canParse(url) || !/^(https?|davs?|s3):$/.test(new URL(url).protocol)) {
    throw new Error(`${JSON.stringify(url.slice(0, 80))} is no address of a file`);
  }
  const { pathname, username, password } = new URL(url);
  // No server takes one: it would refuse this object alone.
  if (username !== '' || password !== '') throw new Error('an address with a user name is not accepted');
  // A signature changes; the object it opens is the same one.
  return {
    key: `${publicUrl(url)} ${version}`,
    input: url,
    name: decoded(pathname.slice(pathname.lastIndexOf('/') + 1)),
  };
}

/** As it is written where it is no UTF-8: 100%.fits. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
