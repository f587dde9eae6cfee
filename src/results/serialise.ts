/** A table in each of its formats, and results on their way into files. */

import { writeFileAtomically } from '../io/write.js';
import { csv } from './csv.js';
import { writeFitsTable } from './fits.js';
import type { TableFormat } from './formats.js';
import { json } from './json.js';
import type { TableDocument } from './table.js';
import { votable } from './votable.js';

type Pieces = Iterable<string | Uint8Array>;

/** A result: in pieces, so that a large one is never one string; or, where a library writes the file, how it does. */
export type Content = { pieces: Pieces } | { writeTo: (path: string) => Promise<void> };

const kContents: Record<TableFormat, (document: TableDocument) => Content> = {
  votable: (document) => ({ pieces: votable(document, 'TABLEDATA') }),
  'votable-binary2': (document) => ({ pieces: votable(document, 'BINARY2') }),
  'votable-1.5': (document) => ({ pieces: votable(document, 'TABLEDATA', '1.5') }),
  fits: (document) => ({ writeTo: (path) => writeFitsTable(document, path) }),
  csv: (document) => ({ pieces: csv(document) }),
  json: (document) => ({ pieces: json(document) }),
};

export function tableContent(document: TableDocument, format: TableFormat): Content {
  return kContents[format](document);
}

/** Write a result atomically. Throws OTF_OUTPUT_UNWRITABLE naming the path. */
export function writeContent(content: Content, path: string): Promise<void> {
  return 'pieces' in content ? writeFileAtomically(path, content.pieces) : content.writeTo(path);
}
