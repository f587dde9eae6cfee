/** Server-sent events. The browser connects again by itself; whoever listens is told, and reads what it missed. */
import { address } from './http.js';

export interface EventHandlers {
  /** Connected, for the first time or again: whatever was known may be old. */
  onOpen: () => void;
  onLost: () => void;
  on: Record<string, (data: unknown) => void>;
}

/** The result ends it. */
export function listen(topics: readonly string[], { onOpen, onLost, on }: EventHandlers, job?: string): () => void {
  const query = new URLSearchParams(topics.map((topic) => ['TOPIC', topic]));
  if (job !== undefined) query.set('JOB', job);
  let source: EventSource;
  let again: ReturnType<typeof setTimeout> | undefined;
  const connect = () => {
    source = new EventSource(address(`events?${query}`));
    source.onopen = onOpen;
    source.onerror = () => {
      onLost();
      // An answer that is no stream (503, a proxy's page) ends an EventSource for good.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, kAgainMs);
    };
    for (const [name, handle] of Object.entries(on)) {
      source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data)));
    }
  };
  connect();
  return () => {
    clearTimeout(again);
    source.close();
  };
}

const kAgainMs = 3000;
