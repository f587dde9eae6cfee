/** Documents as strangers send them: sound ones cut, doubled and torn anywhere, and plain noise (fast-check). */
import fc from 'fast-check';

/** What grammars stumble over, whatever the grammar. */
const kJunk = [
  '\0',
  '\r\n',
  '"',
  "'",
  '<',
  '>',
  '&',
  '=',
  '[',
  ']',
  '{',
  '%00',
  '../',
  '\u{1f4a3}',
  '\ud800',
  '-1',
  '1e999',
];
const kInherited = ['__proto__', 'constructor', 'toString'];

type Edit = { at: number; length: number; kind: 'cut' | 'double' | 'many' | 'put'; put: string };

const edit = (junk: readonly string[]): fc.Arbitrary<Edit> =>
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    kind: fc.constantFrom('cut', 'double', 'many', 'put'),
    put: fc.oneof(fc.constantFrom(...kJunk, ...kInherited, ...junk), fc.string({ unit: 'binary', maxLength: 30 })),
  });

function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((it, { at, length, kind, put }) => {
    const begin = Math.floor(at * it.length);
    const piece = it.slice(begin, begin + length);
    if (kind === 'cut') return it.slice(0, begin) + it.slice(begin + length);
    if (kind === 'put') return it.slice(0, begin) + put + it.slice(begin);
    return it.slice(0, begin) + piece.repeat(kind === 'double' ? 2 : 300) + it.slice(begin + length);
  }, text);
}

/** `junk`: what this grammar stumbles over. */
export function mangled(seeds: readonly string[], junk: readonly string[] = []): fc.Arbitrary<string> {
  const torn = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit(junk), { minLength: 1, maxLength: 6 }))
    .map(([seed, edits]) => edited(seed, edits));
  return fc.oneof(
    { weight: 9, arbitrary: torn },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 400 }) },
  );
}

/** How often a property is tried: `OTF_PROPERTY_RUNS` for a longer search. A failure prints its seed and its smallest case. */
export function runs(few: number): { numRuns: number } {
  const asked = Number(process.env.OTF_PROPERTY_RUNS ?? '0');
  return { numRuns: asked > 0 ? asked : few };
}
