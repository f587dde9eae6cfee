/** What the server shows of its work wherever that runs (Prometheus). */
import { Counter, type Registry } from 'prom-client';

/** By key (run/key.ts). */
export function tilesCounter(registry: Registry): Counter<'key'> {
  return new Counter({
    name: 'otf_tiles_total',
    help: 'Tiles run through networks',
    labelNames: ['key'],
    registers: [registry],
  });
}
