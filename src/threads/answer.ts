/** What crosses between threads loses its class and its code: failures travel as values. */
import { type ErrorCode, OtfError, toOtfError } from '../errors/catalogue.js';
import { descriptorShortage } from '../io/descriptors.js';

export interface WorkFailure {
  code: ErrorCode;
  message: string;
  stack: string | undefined;
}

export interface WorkAnswer<Value> {
  value?: Value;
  failure?: WorkFailure;
}

/** In the thread. Never rejects. */
export async function answerOf<Value>(work: () => Value | Promise<Value>): Promise<WorkAnswer<Value>> {
  try {
    return { value: await work() };
  } catch (thrown) {
    return { failure: failureOf(thrown) };
  }
}

export function failureOf(thrown: unknown): WorkFailure {
  const { code, message } = toOtfError(descriptorShortage() ?? thrown);
  return { code, message, stack: thrown instanceof Error ? thrown.stack : undefined };
}

/** On the other side. Throws what errorOf makes of what the work threw. */
export function valueIn<Value>(answer: WorkAnswer<Value>): Value {
  if (answer.failure) throw errorOf(answer.failure);
  return answer.value as Value;
}

/** By its code, with the stack it had there. */
export function errorOf({ code, message, stack }: WorkFailure): OtfError {
  return Object.assign(new OtfError(code, message), stack === undefined ? {} : { stack });
}
