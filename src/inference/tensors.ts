/**
 * Tensors of the Open Inference Protocol (v2, KServe) in requests and answers: as JSON, or as bytes behind it (its extension
 * "binary tensor data": the header Inference-Header-Content-Length says how long the JSON is). Little-endian, row-major.
 */
import { z } from 'zod';
import { OtfError } from '../errors/catalogue.js';
import { badRequest } from '../uws/parameters.js';

export const kHeaderLength = 'inference-header-content-length';
export const kInput = 'input';
export const kOutput = 'output';
export const kFp32 = 'FP32';

const kFloatBytes = Float32Array.BYTES_PER_ELEMENT;
const kMostDimensions = 8;
const kMostDepth = 8;
/**
 * Of JSON: nobody else is answered while it is read or written. A tile of 512 by 512 pixels with all its digits is within it;
 * more comes and goes as bytes.
 */
const kMostJsonBytes = 8 * 2 ** 20;
const kMostJsonValues = 2 ** 18;

const parameters = z.looseObject({ binary_data_size: z.int().min(0).optional(), binary_data: z.boolean().optional() });
const kRequest = z.looseObject({
  id: z.string().max(256).optional(),
  parameters: z
    .looseObject({ binary_data_output: z.boolean().optional(), quantization: z.string().max(40).optional() })
    .optional(),
  inputs: z
    .array(
      z.looseObject({
        name: z.string().max(256),
        shape: z.array(z.int().min(0)).max(kMostDimensions),
        datatype: z.string().max(20),
        parameters: parameters.optional(),
        data: z.array(z.unknown()).optional(),
      }),
    )
    .length(1),
  outputs: z
    .array(z.looseObject({ name: z.string().max(256), parameters: parameters.optional() }))
    .max(16)
    .optional(),
});

export interface InferenceCall {
  id: string | undefined;
  quantization: string | undefined;
  input: SharedArrayBuffer;
  shape: number[];
  /** The answer's tensor as bytes. */
  binary: boolean;
}

/** `width`: floats per item. Throws OTF_BAD_REQUEST; OTF_SHAPE_MISMATCH for a tensor that is none of the model's. */
export function readCall(body: Buffer, headerLength: string, width: number): InferenceCall {
  const { head, rest } = parts(body, headerLength);
  const request = readHead(head);
  const [input] = request.inputs;
  if (!input) throw badRequest('inputs: expected one tensor');
  const { name, shape, datatype, parameters: more, data } = input;
  if (name !== kInput) throw badRequest(`inputs: ${JSON.stringify(name)} is none of this model: "${kInput}" is`);
  if (datatype !== kFp32) throw badRequest(`inputs: ${JSON.stringify(datatype)} is not taken: ${kFp32} is`);
  const values = shape.reduce((product, length) => product * length, 1);
  const items = shape[0] ?? 0;
  if (shape.length < 2 || items < 1 || values !== items * width) {
    throw new OtfError(
      'OTF_SHAPE_MISMATCH',
      `inputs: the shape ${JSON.stringify(shape)} is not (items, ...) of ${width} values each`,
    );
  }
  const bytes = more?.binary_data_size;
  if ((bytes === undefined) === (data === undefined))
    throw badRequest('inputs: expected data, or binary_data_size and bytes');
  const wanted = request.outputs?.find((output) => output.name !== kOutput);
  if (wanted) throw badRequest(`outputs: ${JSON.stringify(wanted.name)} is none of this model: "${kOutput}" is`);
  const asked = request.outputs?.[0]?.parameters?.binary_data ?? request.parameters?.binary_data_output;
  return {
    id: request.id,
    quantization: request.parameters?.quantization,
    input: data === undefined ? fromBytes(rest, bytes ?? 0, values) : fromNumbers(data, values),
    shape,
    binary: asked ?? false,
  };
}

function parts(body: Buffer, headerLength: string): { head: Buffer; rest: Buffer } {
  if (headerLength === '') return { head: body, rest: body.subarray(body.length) };
  const length = /^\d{1,9}$/.test(headerLength) ? Number(headerLength) : Number.NaN;
  if (!(length <= body.length))
    throw badRequest(`Inference-Header-Content-Length: ${headerLength.slice(0, 20)} is no length of this body`);
  return { head: body.subarray(0, length), rest: body.subarray(length) };
}

function readHead(head: Buffer): z.infer<typeof kRequest> {
  if (head.length > kMostJsonBytes) {
    throw new OtfError(
      'OTF_TOO_LARGE',
      `the JSON is larger than ${kMostJsonBytes / 2 ** 20} MiB: send the tensor as binary data (docs/inference.md)`,
    );
  }
  let given: unknown;
  try {
    given = JSON.parse(head.toString('utf8'));
  } catch {
    throw badRequest('the body is no JSON');
  }
  const read = kRequest.safeParse(given);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw badRequest(`${issue?.path.join('.')}: ${issue?.message.replace(/^Invalid input: /, '')}`);
}

function fromBytes(rest: Buffer, bytes: number, values: number): SharedArrayBuffer {
  if (bytes !== values * kFloatBytes || rest.length !== bytes) {
    throw badRequest(
      `binary_data_size ${bytes}, with ${rest.length} bytes behind the JSON, is not that of ${values} values`,
    );
  }
  const shared = new SharedArrayBuffer(bytes);
  // As they are in memory: this program runs on little-endian machines alone.
  new Uint8Array(shared).set(rest);
  return shared;
}

/** Flat, or lists of lists as the shape has it. */
function fromNumbers(data: readonly unknown[], values: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(values * kFloatBytes);
  const into = new Float32Array(shared);
  let at = 0;
  const add = (list: readonly unknown[], depth: number) => {
    if (depth > kMostDepth) throw badRequest('inputs: data is nested too deep');
    for (const each of list) {
      if (typeof each === 'number') {
        if (at === values) throw badRequest(`inputs: data has more than ${values} values`);
        into[at++] = each;
      } else if (Array.isArray(each)) add(each, depth + 1);
      else throw badRequest('inputs: data is not of numbers');
    }
  };
  add(data, 1);
  if (at < values) throw badRequest(`inputs: data has ${at} values, its shape ${values}`);
  return shared;
}

export interface AnswerFacts {
  model: string;
  version: string;
  id: string | undefined;
  /** Of the output. */
  shape: readonly number[];
  parameters: Record<string, string | number>;
}

/** Before anything is computed. Throws OTF_TOO_LARGE. */
export function assertWritable({ binary }: InferenceCall, values: number): void {
  if (binary || values <= kMostJsonValues) return;
  throw new OtfError(
    'OTF_TOO_LARGE',
    `the output has ${values} values, JSON is written of ${kMostJsonValues}: ask for binary_data (docs/inference.md)`,
  );
}

/** JSON; or JSON and bytes, with how long the JSON is. */
export function writeAnswer(
  facts: AnswerFacts,
  output: Float32Array,
  binary: boolean,
): { body: Buffer; head: number | undefined } {
  const { model, version, id, shape, parameters: more } = facts;
  const tensor = { name: kOutput, datatype: kFp32, shape };
  const begin = { model_name: model, model_version: version, ...(id === undefined ? {} : { id }), parameters: more };
  if (!binary) {
    // JSON has no word for what is no number.
    const data = Array.from(output, (value) => (Number.isFinite(value) ? value : null));
    return { body: Buffer.from(JSON.stringify({ ...begin, outputs: [{ ...tensor, data }] }), 'utf8'), head: undefined };
  }
  const outputs = [{ ...tensor, parameters: { binary_data_size: output.byteLength } }];
  const head = Buffer.from(JSON.stringify({ ...begin, outputs }), 'utf8');
  const bytes = Buffer.from(output.buffer as ArrayBuffer, output.byteOffset, output.byteLength);
  return { body: Buffer.concat([head, bytes]), head: head.length };
}
