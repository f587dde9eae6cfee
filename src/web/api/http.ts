/** Talking to the server this page came from: addresses below its own, errors as the server words them. */

/** What the server refused, in its own line; status 0 = it could not be reached. */
export class ServerError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Absolute address of a path of this server, also below a prefix of a proxy. */
export function address(
  path: string,
  query: Record<string, string | number | readonly string[] | undefined> = {},
): string {
  const url = new URL(path, document.baseURI);
  url.hash = '';
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [String(value)]) url.searchParams.append(name, each);
  }
  return url.href;
}

/** Throws ServerError for whatever is no success. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(new URL(path, document.baseURI), init);
  } catch (thrown) {
    if (init.signal?.aborted) throw thrown;
    throw new ServerError(0, 'the server cannot be reached');
  }
  if (!answer.ok) throw new ServerError(answer.status, problemText(answer.status, await answer.text()));
  return answer;
}

export async function readJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await send(path, { headers: { Accept: 'application/json' }, ...(signal ? { signal } : {}) });
  return (await answer.json()) as T;
}

export async function readXml(path: string, signal?: AbortSignal): Promise<Document> {
  const answer = await send(path, { headers: { Accept: 'application/xml' }, ...(signal ? { signal } : {}) });
  return new DOMParser().parseFromString(await answer.text(), 'application/xml');
}

/** Errors are one line of text, or JSON {"error"}. */
export function problemText(status: number, body: string): string {
  const text = body.trim();
  if (text.startsWith('{')) {
    try {
      const { error } = JSON.parse(text) as { error?: unknown };
      if (typeof error === 'string') return error;
    } catch {
      // No JSON after all: shown as it came.
    }
  }
  return text === '' || text.length > 1000 ? `the server answered ${status}` : text;
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
