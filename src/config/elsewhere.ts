/** Sections of otf.toml about what is not on this machine. */
import { z } from 'zod';

const text = z.string();
const seconds = z.number().min(0);

const broker = z.union([
  z.literal(''),
  text.regex(/^(nats|tls):\/\/[^\s,@]+(,(nats|tls):\/\/[^\s,@]+)*$/, 'must be nats://host:port or tls://host:port'),
]);

/** Jobs on other machines (docs/workers.md). */
export const workers = z.strictObject({
  /** Empty = jobs run here. */
  broker: broker.default(''),
  /** The same as workers reach it; empty = as above. */
  broker_public: broker.default(''),
  /** The server's NKey seed, and who signs for the broker's certificate. */
  broker_seed: text.default(''),
  broker_ca: text.default(''),
  /** A worker not heard of for so long is lost: what it had begins elsewhere. */
  lease_s: seconds.min(1).max(3600).default(15),
  /** So many workers may be lost under a job before it is to blame. */
  attempts: z.int().min(1).max(100).default(3),
  /** Of a file that a run has left: maps and cubes may be larger than what they are made of. */
  max_result_mb: z.number().positive().default(20_000),
  /** Of a worker: the server's data folder, where this machine sees it; empty = files go over HTTP. */
  shared_dir: text.default(''),
  /** serve --with-broker: where it listens, with which certificate. */
  listen: text.regex(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'must be host:port').default('127.0.0.1:4222'),
  tls_cert: text.default(''),
  tls_key: text.default(''),
});

/** Tensors without jobs (docs/inference.md): of one request, in or out, and how many at a time. */
export const inference = z.strictObject({
  max_mb: z.number().positive().max(1024).default(64),
  at_once: z.int().min(0).max(1000).default(8),
});

/** Changes of jobs, told to an MQTT broker (docs/events.md). */
export const events = z.strictObject({
  /** mqtt://host:port/topic, or mqtts; empty = nobody is told. */
  mqtt: z
    .union([z.literal(''), text.regex(/^mqtts?:\/\/[^\s@?#]+$/, 'must be mqtt://host:port/topic, or mqtts')])
    .default(''),
  user: text.default(''),
  /** A file with the password in it and nothing else; who signs for the broker's certificate. */
  password_file: text.default(''),
  ca_file: text.default(''),
});
