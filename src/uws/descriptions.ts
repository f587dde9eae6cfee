/**
 * GET /kinds and GET /models: what this server can do, for machines. Forms, tables and plots of a client are made from this,
 * and know no kind by its name.
 */
import type { ModelCard } from '../models/card.js';
import type { TaskKind } from '../tasks/kind.js';
import { kKinds } from '../tasks/registry.js';
import type { Handler } from './context.js';
import { json } from './exchange.js';
import { fieldsOf } from './fields.js';

export const getKinds: Handler = () => json(200, { kinds: kKinds.map(describeKind) });

/** `fields`: every field of a job's creation; those named in `inputs` are files, those in `parameters` the kind's own. */
function describeKind(kind: TaskKind) {
  const { name, title, result, unit, inputs, parameters, formats, part } = kind;
  return {
    name,
    title,
    result,
    unit,
    inputs,
    ...(part ? { part } : {}),
    parameters: parameters.map((parameter) => parameter.name),
    fields: fieldsOf(kind),
    formats: Object.entries(formats).map(([format, { extension, mediaType }]) => ({
      name: format,
      extension,
      mediaType,
    })),
  };
}

/** The cards as their files have them. Why one cannot be used is in the server's log. */
export const getModels: Handler = ({ models }) =>
  json(200, {
    default: models.find(undefined).id,
    models: models.registry.cards.map(withoutPlaces),
    unusable: models.registry.faults.length,
  });

/** Where they lie on the server is nobody's business. */
function withoutPlaces({ path: _path, weightsPath: _weights, calibrationPath: _calibration, ...card }: ModelCard) {
  return card;
}
