/** Server-sent events (WHATWG HTML, section 9.2). */
import type { EventsAnswer, Headers } from '../uws/exchange.js';
import type { Connection } from './connection.js';

/** Below the ten seconds after which uWebSockets.js drops a silent connection. */
const kKeepAliveMs = 5000;
/** A listener that takes nothing is dropped once this much waits for it. */
const kMaxPendingEvents = 5000;

export function sendEvents(connection: Connection, answer: EventsAnswer, headers: Headers): void {
  let pending = 0;
  let leave: () => void = () => undefined;
  const write = (text: string) => {
    // Its token was revoked, or has expired: he hears nothing more.
    if (connection.principal?.isGood?.() === false) {
      leave();
      connection.send((res) => res.end());
      connection.finished(200);
      return;
    }
    connection.send((res) => {
      if (res.write(text)) pending = 0;
      else if (++pending > kMaxPendingEvents) res.close();
    });
  };
  connection.send((res) => {
    res.writeStatus('200 OK');
    res.writeHeader('Content-Type', 'text/event-stream');
    res.writeHeader('Cache-Control', 'no-cache');
    for (const name in headers) res.writeHeader(name, headers[name] ?? '');
    if (connection.method === 'HEAD') res.endWithoutBody();
    else {
      res.onWritable(() => {
        pending = 0;
        return true;
      });
      res.write(': listening\n\n');
    }
  });
  if (connection.method === 'HEAD') {
    connection.finished(200);
    return;
  }
  const unsubscribe = answer.subscribe((event, data) => write(`event: ${event}\ndata: ${data}\n\n`));
  const keepAlive = setInterval(() => write(': still here\n\n'), kKeepAliveMs);
  leave = () => {
    clearInterval(keepAlive);
    unsubscribe();
  };
  connection.onGone(() => leave());
}
