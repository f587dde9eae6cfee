/** From each source to its own light curve, as a DataLink document. */
import { datalinkDocument } from '../../results/datalink.js';

/** results/lightcurves?SOURCE=S0001 is that of one source. */
export const kLightCurvesResult = 'lightcurves';
export const kSourceParameter = 'SOURCE';

/** `jobUrl`: absolute. */
export function sourceLinks(names: readonly string[], jobUrl: string): string {
  return datalinkDocument(
    names.map((name) => ({
      id: name,
      url: `${jobUrl}/results/${kLightCurvesResult}?${new URLSearchParams({ [kSourceParameter]: name })}`,
      description: `light curve of ${name}`,
      semantics: '#auxiliary',
      type: 'application/x-votable+xml;serialization=TABLEDATA',
    })),
  );
}
