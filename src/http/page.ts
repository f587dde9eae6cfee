/**
 * The page for people at /, and its files under /page: what scripts/setup/web.mjs made of src/web. Names are looked up in a
 * list read when the server starts, never made into paths.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OtfError } from '../errors/catalogue.js';
import type { Handler } from '../uws/context.js';
import { type FileAnswer, type Headers, type Request, seeOther } from '../uws/exchange.js';
import { acceptedRanges, acceptedTypes } from '../uws/negotiate.js';

const kMade = fileURLToPath(new URL('../web', import.meta.url));
const kTypes: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html;charset=UTF-8'],
  ['.js', 'text/javascript;charset=UTF-8'],
  ['.css', 'text/css;charset=UTF-8'],
  ['.svg', 'image/svg+xml'],
]);
/** By preference: what ends a file's name, and the content coding it is (RFC 9110, section 8.4.1). */
const kCodings = [
  ['.br', 'br'],
  ['.gz', 'gzip'],
] as const;

/** A SAMP hub for web pages listens there (SAMP 1.3, section 5.2); the page speaks to it only when somebody asks it to. */
const kSampHub = 'http://127.0.0.1:21012';
const kPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  `connect-src 'self' ${kSampHub}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const kHtmlHeaders: Headers = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': kPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
};
/** Their names change with their content. */
const kAssetHeaders: Headers = { 'Cache-Control': 'public, max-age=31536000, immutable' };

interface Made {
  path: string;
  mime: string;
  size: number;
  etag: string;
}

/** A file in each of its codings; '' = as it is. */
type Codings = ReadonlyMap<string, Made>;

function readFolder(folder: string): Map<string, Codings> {
  const found = new Map<string, Codings>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const mime = kTypes.get(extname(entry.name));
    if (!entry.isFile() || mime === undefined) continue;
    const path = join(folder, entry.name);
    const codings = new Map([['', made(path, mime)]]);
    for (const [suffix, coding] of kCodings) codings.set(coding, made(path + suffix, mime));
    found.set(entry.name, codings);
  }
  return found;
}

function made(path: string, mime: string): Made {
  const bytes = readFileSync(path);
  return { path, mime, size: bytes.length, etag: createHash('sha256').update(bytes).digest('hex') };
}

interface Page {
  html: Codings;
  assets: ReadonlyMap<string, Codings>;
}

/** Undefined: the page has not been made here (npm run setup makes it). */
function readPage(): Page | undefined {
  try {
    const html = readFolder(kMade).get('index.html');
    return html && { html, assets: readFolder(join(kMade, 'page')) };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
    return undefined;
  }
}

let read: { page: Page | undefined } | undefined;
function page(): Page | undefined {
  read ??= { page: readPage() };
  return read.page;
}

/**
 * Does a browser ask? It names XHTML beside HTML; Java clients name HTML alone and want what programs get
 * (docs/interop.md, Negotiation).
 */
function wantsPage(request: Request): boolean {
  const [first, ...others] = acceptedTypes(request.header('accept'));
  return first === 'text/html' && others.includes('application/xhtml+xml');
}

/** The page for those who want it; the rest get what `otherwise` says. */
export function pageOr(otherwise: Handler): Handler {
  return async (context, request, tree) => {
    const html = wantsPage(request) ? page()?.html : undefined;
    if (html) return answer(html, request, { ...kHtmlHeaders, Vary: 'Accept, Accept-Encoding' });
    const plain = await otherwise(context, request, tree);
    return plain.kind === 'text' ? { ...plain, headers: { ...plain.headers, Vary: 'Accept' } } : plain;
  };
}

/** Whoever comes here has told the server who he is: a browser asks, as it does for an address that is opened, and goes on. */
export const signIn: Handler = (_, { origin }) => seeOther(`${origin}/`);

export const getPageFile: Handler = (_, request) => {
  const codings = page()?.assets.get(request.variables[0] ?? '');
  if (!codings) throw new OtfError('OTF_NOT_FOUND', 'the page has no such file');
  return answer(codings, request, { ...kAssetHeaders, Vary: 'Accept-Encoding' });
};

function answer(codings: Codings, request: Request, headers: Headers): FileAnswer {
  const accepted = acceptedRanges(request.header('accept-encoding'));
  const coding = kCodings.map(([, name]) => name).find((name) => accepted.includes(name)) ?? '';
  const file = codings.get(coding) ?? codings.get('');
  if (!file) throw new OtfError('OTF_INTERNAL', 'a file of the page has no content');
  const { path, mime, size, etag } = file;
  const encoded: Headers = coding === '' ? {} : { 'Content-Encoding': coding };
  return { kind: 'file', path, mime, size, etag, headers: { ...headers, ...encoded } };
}
