/** An answer of a server while it comes: a time limit for its head, and one for every silence in what follows. */

/** Throws what `lost` makes of what fetch throws, also where the answer is read. */
export async function answerOf(
  url: string,
  init: RequestInit,
  timeoutMs: number,
  lost: (thrown: unknown, begun: boolean) => Error,
): Promise<Response> {
  const ending = new AbortController();
  const watch = <T>(waiting: Promise<T>, begun: boolean): Promise<T> => {
    const silence = new Error(`nothing came for ${timeoutMs / 1000} s`);
    const timer = setTimeout(() => ending.abort(silence), timeoutMs);
    return waiting
      .catch((thrown) => {
        throw lost(thrown, begun);
      })
      .finally(() => clearTimeout(timer));
  };
  const response = await watch(fetch(url, { redirect: 'manual', ...init, signal: ending.signal }), false);
  const { body, status, headers } = response;
  if (body === null) return response;
  // What is slow to take it does not count: only while something is awaited does the clock run.
  async function* pieces(reader: ReadableStreamDefaultReader<Uint8Array>) {
    for (;;) {
      const { done, value } = await watch(reader.read(), true);
      if (done) return;
      yield value;
    }
  }
  return new Response(ReadableStream.from(pieces(body.getReader())), { status, headers });
}
