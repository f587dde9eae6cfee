/** A card that gains a calibration: the file's text with two lines changed, all others as they are. */

const kInt8 = 'INT8C_INT32A';

export interface CalibrationFile {
  /** Name beside the card. */
  calibration: string;
  sha256: string;
}

export function int8Line({ calibration, sha256 }: CalibrationFile): string {
  return `int8 = { calibration = ${JSON.stringify(calibration)}, sha256 = "${sha256}" }`;
}

/** undefined: its lines are not as expected, and a person has to do it. */
export function withCalibration(card: string, file: CalibrationFile): string | undefined {
  const plain = card.replace(/^int8 = \{[^}\n]*\}\n/m, '');
  const sum = /^sha256 = .*$/m.exec(plain);
  const types = /^quantizations = \[([^\]\n]*)\]/m.exec(plain);
  const tables = plain.search(/^\[/m);
  const end = tables < 0 ? plain.length : tables;
  if (!sum || !types || sum.index > end || types.index > end) return undefined;
  const offered = types[1]?.includes(`"${kInt8}"`) ? types[0] : `quantizations = [${types[1]}, "${kInt8}"]`;
  return plain.replace(sum[0], () => `${sum[0]}\n${int8Line(file)}`).replace(types[0], () => offered);
}
