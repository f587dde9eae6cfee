/** Which engine runs a model: the card may demand one, because its science was validated with it. */
import { kAutoEngine } from '../engine/device.js';
import { OtfError } from '../errors/catalogue.js';
import type { ModelCard } from './card.js';

/** `asked`: what the user named; kAutoEngine = nothing in particular. Throws OTF_USAGE when card and user disagree. */
export function chooseEngine(card: Pick<ModelCard, 'id' | 'engine'>, asked: string): string {
  if (card.engine === undefined || asked === card.engine) return asked;
  if (asked === kAutoEngine) return card.engine;
  throw new OtfError(
    'OTF_USAGE',
    `model ${card.id} demands the engine ${card.engine}, not ${asked}: leave --engine out, or change its card`,
  );
}
