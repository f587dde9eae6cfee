/** What a request gets: the Accept header where it says something, the style of the job where it does not. */

/** `xml`/`json`: named in the header; `any`: neither is. */
export type Wanted = 'xml' | 'json' | 'any';

/**
 * Browsers and Java clients name text/html and wildcards: they get the default. Malformed members (Java's lone `*`) are
 * passed over. q=0 means "not this".
 */
export function wanted(accept: string): Wanted {
  if (accept === '' || accept === '*/*') return 'any';
  const types = acceptedTypes(accept);
  if (types.some((type) => type === 'application/xml' || type === 'text/xml')) return 'xml';
  if (types.includes('application/json')) return 'json';
  return 'any';
}

/** Media types without parameters, lower case, in the order of the header. */
export function acceptedTypes(accept: string): string[] {
  return acceptedRanges(accept).map((range) => range.split(';')[0] ?? '');
}

/** Media ranges with their parameters but without q, lower case, no blanks. */
export function acceptedRanges(accept: string): string[] {
  const ranges: string[] = [];
  for (const member of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = member.split(';').map((part) => part.replace(/\s/g, ''));
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) continue;
    ranges.push([type, ...parameters.filter((parameter) => !parameter.startsWith('q='))].join(';'));
  }
  return ranges;
}
