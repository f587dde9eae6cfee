/** Where this server is. */
import type { Config } from '../config/schema.js';
import { speaksTls } from './tls.js';

/** As it listens. */
export function ownAddress({ server }: Config, port: number): string {
  const { host } = server;
  return `${speaksTls(server) ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What links of answers without a request begin with: as clients see it, where that is configured. */
export function publicBase(config: Config, port: number): string {
  const configured = config.server.public_url.replace(/\/+$/, '');
  return configured === '' ? ownAddress(config, port) : configured;
}
