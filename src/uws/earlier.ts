/** What a change of parameters makes of a job: read together with what it has, what does not go together is refused there and then. */
import type { Inputs } from '../tasks/files.js';
import type { Asked, TaskKind } from '../tasks/kind.js';
import { type Given, type JobParameters, spellings } from '../tasks/parameters.js';

/** What a job has, when its parameters are changed. */
export interface Earlier {
  kind: string;
  model: string | undefined;
  quantization: string | undefined;
  parameters: Pick<JobParameters, 'asked' | 'inputs'>;
}

/** What is given now, and what was before where nothing new takes its place. What one kind was asked means nothing to another. */
export function givenTogether(given: Given, kind: TaskKind, earlier: Earlier | undefined): Given {
  if (earlier?.kind !== kind.name) return given;
  const isNew = (name: string) => given.repeated(name).length > 0;
  const replaced = kind.parameters.flatMap((each) =>
    spellings(each).some(isNew) ? [each.name, ...(each.insteadOf ?? [])] : [],
  );
  const before = new Map(kind.printParameters(earlier.parameters.asked).filter(([name]) => !replaced.includes(name)));
  return {
    single: (name) => given.single(name) ?? before.get(name),
    repeated: (name) => (isNew(name) ? given.repeated(name) : [before.get(name) ?? []].flat()),
  };
}

/** Of the kind: those that are new take the place of those of the same name. */
export function inputsTogether(inputs: Inputs, kind: TaskKind, earlier: Earlier | undefined): Inputs {
  const ours = new Set(kind.inputs.map(({ name }) => name));
  const before = Object.entries(earlier?.parameters.inputs ?? {}).filter(([name]) => ours.has(name));
  return { ...Object.fromEntries(before), ...inputs };
}

/** Without what the job was asked before: somebody else may be changing that. */
export function newlyAsked(asked: Asked, kind: TaskKind, earlier: Earlier | undefined): Asked {
  if (earlier?.kind !== kind.name) return asked;
  const { asked: before } = earlier.parameters;
  const isNew = ([name, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(before[name]);
  return Object.fromEntries(Object.entries(asked).filter(isNew));
}
