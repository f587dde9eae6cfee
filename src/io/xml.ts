/** Text in XML 1.0. */

/** Control characters (and lone surrogates) that XML 1.0 section 2.2 cannot hold at all become U+FFFD. */
const kForbidden =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const kEscapes = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  // In attributes a parser would turn these into blanks (XML 1.0 section 3.3.3).
  ['\t', '&#9;'],
  ['\n', '&#10;'],
  ['\r', '&#13;'],
]);

/** For element content and for attribute values in either kind of quotes. */
export function escapeXml(text: string): string {
  return text
    .replace(kForbidden, '\ufffd')
    .replace(/[&<>"'\t\n\r]/g, (character) => kEscapes.get(character) ?? character);
}

/**
 * How XML from outside is read (fast-xml-parser): entities stay off, they are how XML attacks begin; nothing is
 * converted, for model names may look like numbers.
 */
export const kForeignXml = {
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
} as const;
