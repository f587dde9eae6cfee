/** Where the jobs of a server run: here, or on workers. What the one needs is not loaded for the other. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Inference } from '../jobs/inference.js';
import type { WorkDesk } from '../jobs/work-desk.js';
import type { Runner } from '../run/runner.js';

export interface PlaceOfJobs {
  runner: Runner & { readonly stuck: number };
  /** Where workers get and bring files; undefined = there are none. */
  desk?: () => WorkDesk;
  /** Tensors without jobs; undefined = jobs run elsewhere. */
  inference?: () => Inference;
  close: () => Promise<void>;
}

/** Throws OTF_CONFIG_INVALID. */
export async function placeOfJobs(config: Config, withBroker: boolean, log: Logger): Promise<PlaceOfJobs> {
  if (config.workers.broker === '' && !withBroker) {
    const { LocalRunner } = await import('../run/local/runner.js');
    const runner = new LocalRunner();
    return { runner, inference: () => runner.inference, close: async () => undefined };
  }
  const { brokerOf, RemoteRunner } = await import('../run/remote/runner.js');
  if (!withBroker) return remote(new RemoteRunner({ broker: brokerOf(config.workers) }), async () => undefined);
  const { OwnBroker } = await import('../run/remote/broker.js');
  const broker = await OwnBroker.start(config, log);
  return remote(new RemoteRunner({ broker: broker.access }), () => broker.stop());

  function remote(runner: InstanceType<typeof RemoteRunner>, close: () => Promise<void>): PlaceOfJobs {
    return { runner, desk: () => runner.desk, close };
  }
}
