/** Sending files with progress. fetch() tells nothing of how far an upload is; XMLHttpRequest does. */
import { problemText, ServerError } from './http.js';

export interface Transfer {
  /** Where the answer leads to: the id of what was made. */
  done: Promise<string>;
  cancel: () => void;
}

/** The sender cancelled. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
  }
}

export function transfer(
  path: string,
  body: FormData | File,
  headers: Record<string, string>,
  onProgress: (sentBytes: number, totalBytes: number) => void,
): Transfer {
  const request = new XMLHttpRequest();
  const done = new Promise<string>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = () => {
      if (request.status < 200 || request.status >= 300) {
        reject(new ServerError(request.status, problemText(request.status, request.responseText)));
      } else resolve(lastSegment(request.getResponseHeader('Location') ?? request.responseURL));
    };
    request.onerror = () => reject(new ServerError(0, 'the connection was lost, or the server closed it'));
    request.onabort = () => reject(new Cancelled());
  });
  request.open('POST', new URL(path, document.baseURI));
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.send(body);
  return { done, cancel: () => request.abort() };
}

/** Of `.../jobs/ID`: a redirect to the new job has been followed. */
function lastSegment(url: string): string {
  return decodeURIComponent(new URL(url, document.baseURI).pathname.split('/').filter(Boolean).pop() ?? '');
}
