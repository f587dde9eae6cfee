/** Brokers of MQTT (3.1.1, by the library): an address as people give it, and a connection that comes back by itself. */
import { readFileSync } from 'node:fs';
import type { IClientOptions, MqttClient } from 'mqtt';
import { type ErrorCode, OtfError, systemReason } from '../errors/catalogue.js';

export interface BrokerAddress {
  /** mqtt://host:port, or mqtts. */
  url: string;
  /** Without a slash at either end. */
  topic: string;
}

export interface BrokerSecrets {
  user?: string | undefined;
  /** A file with the password in it and nothing else. */
  passwordFile?: string | undefined;
  /** PEM: who signs for the broker. */
  caFile?: string | undefined;
}

const kConnectMs = 10_000;
const kAgainMs = 2_000;
const kMostTopic = 200;

/** mqtt://host[:port]/topic. Undefined = it is none. A password has no place in it. */
export function readBroker(address: string): BrokerAddress | undefined {
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (
    !/^mqtts?:$/.test(url.protocol) ||
    url.hostname === '' ||
    url.username ||
    url.password ||
    url.search ||
    url.hash
  ) {
    return undefined;
  }
  let topic: string;
  try {
    topic = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  } catch {
    return undefined;
  }
  // U+0000 is in no topic (MQTT 3.1.1, 4.7.3).
  if (topic.length > kMostTopic || topic.includes('\0')) return undefined;
  return { url: `${url.protocol}//${url.host}`, topic };
}

/** Never there at once: it is tried again until it is ended. Loads the library. Throws `code` for files that cannot be read. */
export async function connectMqtt(
  { url }: BrokerAddress,
  secrets: BrokerSecrets,
  options: Pick<IClientOptions, 'clientId' | 'clean' | 'manualConnect'>,
  code: ErrorCode,
): Promise<MqttClient> {
  const { default: mqtt } = await import('mqtt');
  const { user, passwordFile, caFile } = secrets;
  const password = passwordFile ? read(passwordFile, code).trim() : undefined;
  return mqtt.connect(url, {
    ...{ connectTimeout: kConnectMs, reconnectPeriod: kAgainMs, protocolVersion: 4, queueQoSZero: false, ...options },
    ...(user ? { username: user } : {}),
    ...(password === undefined ? {} : { password }),
    ...(caFile ? { ca: read(caFile, code) } : {}),
  });
}

function read(path: string, code: ErrorCode): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new OtfError(code, `cannot read ${path}: ${systemReason(thrown)}`);
  }
}
