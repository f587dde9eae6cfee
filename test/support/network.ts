/** The smallest detector: one YOLO convolution, as CIANNA writes it in a binary file (docs/network-files.md). */

export interface YoloNetwork {
  channels: number;
  boxes: number;
  parameters: number;
  cellPx: number;
}

export function yoloNetwork({ channels, boxes, parameters, cellPx }: YoloNetwork): Buffer {
  const filters = boxes * (8 + parameters);
  const ints = (...values: number[]) => Buffer.from(Int32Array.from(values).buffer);
  const floats = (values: number[]) => Buffer.from(Float32Array.from(values).buffer);
  const side = cellPx * 8;
  const activation = Buffer.alloc(40);
  activation.write('YOLO');
  const rows = Array.from({ length: 6 }, () => [1, 6, -6]).flat();
  return Buffer.concat([
    ints(side, side, 1, channels),
    Buffer.from('C'),
    ints(filters, cellPx, cellPx, 1, cellPx, cellPx, 1, 0, 0, 0, 0, 0, 0, side, side, 1, channels),
    floats([0, 0.1]),
    activation,
    ints(boxes, 0, parameters, 2, 0),
    floats(new Array<number>(boxes * 3).fill(8)),
    floats(rows),
    floats(new Array<number>(filters * (cellPx * cellPx * channels + 1)).fill(0)),
  ]);
}
