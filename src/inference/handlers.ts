/** The Open Inference Protocol v2 over HTTP (KServe, Triton): health, models, and tensors through the engines of the jobs. */
import { OtfError } from '../errors/catalogue.js';
import type { Inference } from '../jobs/inference.js';
import { RetryLater } from '../jobs/retry.js';
import type { ModelCard } from '../models/card.js';
import { chooseQuantization, preferQuantization } from '../models/quantization.js';
import { kindNamed } from '../tasks/registry.js';
import type { Handler, UwsContext } from '../uws/context.js';
import { type Answer, json, kJsonType, type Request, type TextAnswer } from '../uws/exchange.js';
import { problemMessage } from '../uws/problem.js';
import { kSoftware } from '../version.js';
import { assertWritable, kFp32, kHeaderLength, kInput, kOutput, readCall, writeAnswer } from './tensors.js';

const kRetryS = 1;
/** Requests under way, of this process. */
let underWay = 0;

/** Errors as the protocol has them. */
function inWords(handler: Handler): Handler {
  return async (context, request, tree) => {
    try {
      return await handler(context, request, tree);
    } catch (thrown) {
      const { status, message, headers } = problemMessage(thrown);
      if (status === 500) context.internal(thrown, 'inference');
      return json(status, { error: message }, headers);
    }
  };
}

export const getServer = inWords(() =>
  json(200, { name: kSoftware.name, version: kSoftware.version, extensions: ['binary_tensor_data'] }),
);

export const getServerLive = inWords(() => json(200, { live: true }));

/** The protocol wants a 4xx of one that is not. */
export const getServerReady = inWords(({ jobs, inference }) => {
  const ready = inference !== undefined && !jobs.stopping && jobs.executor.stats().ready;
  return json(ready ? 200 : 400, { ready });
});

export const getModel = inWords(async (context, request) => {
  const card = cardOf(context, request);
  const { valuesIn, valuesOut } = await portOf(context).shape(card.id);
  const { width, height, depth = 1 } = kindNamed(card.kind).itemShape(card);
  const channels = valuesIn / (width * height * depth);
  return json(200, {
    ...{ name: card.id, versions: [versionOf(card)], platform: 'cianna' },
    inputs: [{ name: kInput, datatype: kFp32, shape: [-1, channels, depth, height, width] }],
    outputs: [{ name: kOutput, datatype: kFp32, shape: [-1, valuesOut] }],
    parameters: { quantizations: card.quantizations },
  });
});

/** Its network can be read: that takes a moment the first time. */
export const getModelReady = inWords(async (context, request) => {
  const card = cardOf(context, request);
  await portOf(context).shape(card.id);
  return json(200, { name: card.id, ready: true });
});

export const postInfer = inWords(async (context, request) => {
  const card = cardOf(context, request);
  const inference = portOf(context);
  const { at_once, max_mb } = context.config.inference;
  context.jobs.assertOpen();
  if (underWay >= at_once)
    throw new RetryLater('OTF_QUEUE_FULL', `${underWay} tensors are under way, the most that may`, kRetryS);
  underWay++;
  try {
    return await infer(context, request, card, inference, max_mb * 2 ** 20);
  } finally {
    underWay--;
  }
});

async function infer(
  { config }: UwsContext,
  request: Request,
  card: ModelCard,
  inference: Inference,
  maxBytes: number,
): Promise<Answer> {
  const { valuesIn, valuesOut } = await inference.shape(card.id);
  const call = readCall(await request.bytes(maxBytes), request.header(kHeaderLength), valuesIn);
  const items = call.shape[0] ?? 0;
  if (items * valuesOut * Float32Array.BYTES_PER_ELEMENT > maxBytes) {
    throw new OtfError(
      'OTF_TOO_LARGE',
      `the output would be larger than inference.max_mb (${config.inference.max_mb})`,
    );
  }
  assertWritable(call, items * valuesOut);
  const asked = call.quantization;
  const quantization =
    asked === undefined ? preferQuantization(card, config.detection.quantization) : chooseQuantization(card, asked);
  const gone = new AbortController();
  request.onGone(() => gone.abort());
  const { input } = call;
  const { owner } = request;
  const { output, engine, used } = await inference.infer({
    modelId: card.id,
    quantization,
    owner,
    input,
    signal: gone.signal,
  });
  const parameters = {
    ...(engine ? { engine: `${engine.engine} ${engine.version}`, quantization: engine.computeType } : {}),
    seconds: used.seconds,
  };
  const facts = { model: card.id, version: versionOf(card), id: call.id, shape: [items, valuesOut], parameters };
  const { body, head } = writeAnswer(facts, output, call.binary);
  const headers: Record<string, string> = {
    'Content-Type': kJsonType,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  };
  if (head !== undefined) {
    headers['Content-Type'] = 'application/octet-stream';
    headers['Inference-Header-Content-Length'] = String(head);
  }
  return { kind: 'text', status: 200, headers, body } satisfies TextAnswer;
}

/** Throws OTF_NOT_FOUND: an address of a model that is none is no address. */
function cardOf({ models }: UwsContext, { variables }: Pick<Request, 'variables'>): ModelCard {
  const [name = '', version] = variables;
  const card = models.registry.cards.find(({ id }) => id === name);
  if (!card) throw new OtfError('OTF_NOT_FOUND', 'there is no model of this name: GET /models lists them');
  if (version !== undefined && version !== versionOf(card))
    throw new OtfError('OTF_NOT_FOUND', 'the model has no such version');
  return card;
}

/** Another network is another version. */
function versionOf({ sha256 }: ModelCard): string {
  return sha256.slice(0, 12);
}

function portOf({ inference }: UwsContext): Inference {
  if (inference) return inference;
  throw new OtfError(
    'OTF_NOT_FOUND',
    'this server hands its work to others: tensors are not taken here (docs/inference.md)',
  );
}
