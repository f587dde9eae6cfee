/**
 * What happens at a server, as it happens: its events (server-sent, WHATWG HTML 9.2), and again and again a connection when
 * one is lost. Each time it is there, `connected` is called before the first event; nothing in between was missed for good,
 * for whoever listens asks for the list then.
 */
import { setTimeout as pause } from 'node:timers/promises';

export interface FeedEvents {
  connected: () => void;
  /** As JSON. */
  event: (type: string, data: unknown) => void;
  /** Why there is no connection, in words. It is tried again. */
  lost: (reason: string) => void;
}

export type Open = (signal: AbortSignal) => Promise<Response>;

/** Servers send a comment every five seconds. */
const kSilenceMs = 15_000;
const kFirstRetryMs = 300;
const kLastRetryMs = 3000;
/** An event of a server of ours is far below. */
const kMaxPendingChars = 4 << 20;

/** `open`: asks for the events. Until the signal is given. Never rejects. */
export async function followServer(open: Open, signal: AbortSignal, events: FeedEvents): Promise<void> {
  for (let retryMs = kFirstRetryMs; !signal.aborted; retryMs = Math.min(kLastRetryMs, retryMs * 2)) {
    try {
      await readOnce(open, signal, {
        ...events,
        connected: () => {
          retryMs = kFirstRetryMs;
          events.connected();
        },
      });
    } catch (thrown) {
      if (!signal.aborted) events.lost(reasonOf(thrown));
    }
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

class Refused extends Error {}

async function readOnce(open: Open, signal: AbortSignal, events: FeedEvents): Promise<void> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(), kSilenceMs);
  try {
    const any = AbortSignal.any([signal, silence.signal]);
    const answer = await open(any);
    const type = answer.headers.get('content-type') ?? '';
    if (answer.status !== 200 || !type.startsWith('text/event-stream') || !answer.body) {
      const line = (await answer.text()).split('\n')[0]?.slice(0, 200);
      throw new Refused(answer.status === 200 ? 'it is no server of ours' : `it answers ${answer.status}: ${line}`);
    }
    events.connected();
    let rest = '';
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      watch.refresh();
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      if (rest.length > kMaxPendingChars) throw new Refused('it is no server of ours');
      for (const block of blocks) tell(block, events);
    }
    throw new Refused('the server has ended the connection');
  } catch (thrown) {
    if (silence.signal.aborted) throw new Refused('the server is silent');
    throw thrown;
  } finally {
    clearTimeout(watch);
    silence.abort();
  }
}

function tell(block: string, events: FeedEvents): void {
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') type = value ?? '';
    else if (field === 'data') data.push(value ?? '');
  }
  if (data.length === 0) return;
  let value: unknown;
  try {
    value = JSON.parse(data.join('\n'));
  } catch {
    throw new Refused('it is no server of ours');
  }
  events.event(type, value);
}

const kReasons = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'unknown host'],
  ['ECONNRESET', 'the connection was cut'],
  ['UND_ERR_SOCKET', 'the connection was cut'],
]);

function reasonOf(thrown: unknown): string {
  if (thrown instanceof Refused) return thrown.message;
  const cause = ((thrown as Error).cause ?? thrown) as { code?: string; message?: string };
  return kReasons.get(cause.code ?? '') ?? cause.message ?? String(thrown);
}
