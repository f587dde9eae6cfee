/** Where this server is. */
import type { Config } from '../config/schema.js';

/** As it listens. */
export function ownAddress({ server: { host } }: Config, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What links of answers without a request begin with: as clients see it, where that is configured. */
export function publicBase(config: Config, port: number): string {
  const configured = config.server.public_url.replace(/\/+$/, '');
  return configured === '' ? ownAddress(config, port) : configured;
}
