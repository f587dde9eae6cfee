/** All of 1 to `total`, or `most` of them, evenly, with both ends. */
export function spread(total: number, most: number): number[] {
  if (total <= most) return Array.from({ length: total }, (_, index) => index + 1);
  const step = (total - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => 1 + Math.round(index * step));
}
