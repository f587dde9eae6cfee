/** What a job that failed says: the error's own line without anything of this machine, and more lines where there are. */

import { EngineDied } from '../../engine/process.js';
import type { OtfError } from '../../errors/catalogue.js';
import type { JobFailure } from '../../jobs/job.js';
import type { InputSources } from '../../tasks/files.js';

export function jobFailure(error: OtfError, inputs: InputSources | undefined): JobFailure {
  const sources = Object.values(inputs ?? {}).flat();
  const message = sources.reduce((text, { path, name }) => text.replaceAll(path, name), error.message);
  const { code } = error;
  const type = error.kind.uws;
  const died = error instanceof EngineDied ? error : error.cause instanceof EngineDied ? error.cause : undefined;
  // A task that killed its engine, alone, will do so again.
  if (error instanceof EngineDied && !error.killed) {
    return { type: 'fatal', code, message: `this task ends the engine: ${message}`, ...detail(error) };
  }
  return {
    type,
    code,
    message: error.code === 'OTF_INTERNAL' ? `internal error: ${message}` : message,
    ...(died ? detail(died) : {}),
  };
}

function detail(died: EngineDied): { detail?: string } {
  return died.lastWords.length === 0 ? {} : { detail: died.lastWords.join('\n') };
}
