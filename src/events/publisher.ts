/**
 * The server's own events on MQTT, for catalogues, dashboards and whoever else waits for results: one message per change of a
 * job's phase, TOPIC/jobs/ID, QoS 1. A broker that is away holds up nothing: what cannot be kept for it is counted and gone.
 */
import type { MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../config/schema.js';
import { OtfError } from '../errors/catalogue.js';
import { publicUrl } from '../errors/public-text.js';
import { kServer } from '../jobs/access.js';
import type { Job } from '../jobs/job.js';
import type { JobService } from '../jobs/service.js';
import type { JobEvent } from '../jobs/watchers.js';
import { connectMqtt, readBroker } from './mqtt.js';

/** Messages that wait for the broker. */
const kMostWaiting = 10_000;
const kCloseMs = 2_000;

export interface PublisherParts {
  config: Config;
  jobs: Pick<JobService, 'find' | 'subscribe'>;
  metrics: Registry;
  log: Logger;
  /** Where clients find the server; no slash at the end. */
  baseUrl: string;
  /** What happened before there was a publisher; from then on it hears for itself. */
  earlier: () => JobEvent[];
}

export class Publisher {
  readonly #parts: PublisherParts;
  readonly #client: MqttClient;
  readonly #topic: string;
  readonly #dropped: Counter;
  #waiting = 0;
  #stop: () => void = () => undefined;

  private constructor(parts: PublisherParts, client: MqttClient, topic: string) {
    this.#parts = parts;
    this.#client = client;
    this.#topic = topic;
    const registers = [parts.metrics];
    this.#dropped = new Counter({
      name: 'otf_events_dropped_total',
      help: 'Messages for the MQTT broker that were given up, because it was away too long',
      registers,
    });
    new Gauge({
      name: 'otf_events_connected',
      help: 'Is the MQTT broker there?',
      registers,
      collect() {
        this.set(client.connected ? 1 : 0);
      },
    });
  }

  /** Throws OTF_CONFIG_INVALID. */
  static async start(parts: PublisherParts): Promise<Publisher> {
    const { config, jobs, log } = parts;
    const { mqtt, user, password_file, ca_file } = config.events;
    const broker = readBroker(mqtt);
    if (!broker)
      throw new OtfError('OTF_CONFIG_INVALID', `events.mqtt: ${publicUrl(mqtt)} is no mqtt://host:port/topic`);
    const secrets = { user, passwordFile: password_file, caFile: ca_file };
    const client = await connectMqtt(broker, secrets, { clean: true }, 'OTF_CONFIG_INVALID');
    const publisher = new Publisher(parts, client, broker.topic);
    client.on('connect', () => log.info('the MQTT broker is there'));
    let said = '';
    client.on('error', ({ message }) => {
      if (message !== said) log.warn(`the MQTT broker: ${message}`);
      said = message;
    });
    client.on('close', () => {
      if (said === '') log.warn('the MQTT broker is away');
      said ||= 'away';
    });
    client.on('connect', () => {
      said = '';
    });
    for (const event of parts.earlier()) publisher.#tell(event);
    publisher.#stop = jobs.subscribe((event) => publisher.#tell(event), kServer);
    return publisher;
  }

  #tell(event: JobEvent): void {
    if (event.type !== 'phase') return;
    if (this.#waiting >= kMostWaiting) {
      this.#dropped.inc();
      return;
    }
    const job = this.#parts.jobs.find(event.jobId, kServer);
    const { jobId, phase, timeMs } = event;
    const facts = job ? factsOf(job, this.#parts.baseUrl) : {};
    const message = { id: jobId, phase, time: new Date(timeMs).toISOString(), ...facts };
    this.#waiting++;
    this.#client.publish(topicOf(this.#topic, jobId), JSON.stringify(message), { qos: 1 }, (error) => {
      this.#waiting--;
      if (error) this.#dropped.inc();
    });
  }

  /** What waits for a broker that is there is sent. */
  async close(): Promise<void> {
    this.#stop();
    const ended = this.#client.endAsync(!this.#client.connected).catch(() => undefined);
    const late = new Promise((resolve) => setTimeout(resolve, kCloseMs).unref());
    await Promise.race([ended, late]);
  }
}

function topicOf(prefix: string, jobId: string): string {
  return [prefix, 'jobs', jobId].filter((part) => part !== '').join('/');
}

function factsOf(job: Job, baseUrl: string): Record<string, unknown> {
  const { runId, owner, kind, modelId, failure, info, results } = job;
  return {
    url: `${baseUrl}/jobs/${job.id}`,
    ...(runId === null ? {} : { runId }),
    ...(owner === null ? {} : { owner }),
    ...{ kind, model: modelId },
    ...(info.found === undefined ? {} : { found: info.found }),
    ...(failure ? { error: failure.message } : {}),
    ...(results.length === 0 ? {} : { results: results.map(({ id }) => `${baseUrl}/jobs/${job.id}/results/${id}`) }),
  };
}
