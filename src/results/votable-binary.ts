/**
 * Rows as BINARY2: per row one null flag per column (most significant bit first, padded to bytes), then the cells, big
 * endian; text is a 4-byte length and its bytes. A missing float is flagged and also NaN. Source: VOTable 1.4 section 5.4.
 */
import type { Column, Table } from './table.js';

const kCellBytes = { float: 4, double: 8, int: 4 } as const;

export function* binary2Rows(table: Table, rowsPerPiece: number): Generator<Buffer> {
  for (let begin = 0; begin < table.rows; begin += rowsPerPiece) {
    const end = Math.min(begin + rowsPerPiece, table.rows);
    const rows: Buffer[] = [];
    for (let row = begin; row < end; row += 1) rows.push(encodeRow(table.columns, row));
    yield Buffer.concat(rows);
  }
}

function encodeRow(columns: Column[], row: number): Buffer {
  const flagBytes = Math.ceil(columns.length / 8);
  const texts = columns.map((column) =>
    column.type === 'text' ? Buffer.from(column.values[row] ?? '', 'utf8') : undefined,
  );
  let size = flagBytes;
  columns.forEach((column, index) => {
    size += column.type === 'text' ? 4 + (texts[index]?.length ?? 0) : kCellBytes[column.type];
  });
  const out = Buffer.alloc(size);
  let offset = flagBytes;
  columns.forEach((column, index) => {
    if (column.type === 'text') {
      const text = texts[index] ?? Buffer.alloc(0);
      offset = out.writeUInt32BE(text.length, offset);
      offset += text.copy(out, offset);
      return;
    }
    const value = column.values[row] ?? Number.NaN;
    const missing = !Number.isFinite(value);
    if (missing) out[index >> 3] = (out[index >> 3] ?? 0) | (0x80 >> (index & 7));
    if (column.type === 'float') offset = out.writeFloatBE(missing ? Number.NaN : value, offset);
    else if (column.type === 'double') offset = out.writeDoubleBE(missing ? Number.NaN : value, offset);
    else offset = out.writeInt32BE(missing ? 0 : value, offset);
  });
  return out;
}
