/** Jobs of one key can share forward passes: they want one network in one compute type. */
import type { Job } from '../jobs/job.js';

export function keyOf({ modelId, quantization }: Pick<Job, 'modelId' | 'quantization'>): string {
  return `${modelId}/${quantization}`;
}

export function modelOfKey(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}
