/** What a VOTable of ours consists of, whatever it is about: a catalogue of a run, or the truth of a simulation. */
import type { Catalogue } from './columns.js';

export interface VotableDocument {
  description: string;
  /** After QUERY_STATUS, in this order. */
  infos: { name: string; value: string }[];
  /** COOSYS of the celestial columns; absent = no celestial coordinates. */
  coordinates?: { system: string; equinox: string };
  /** UTC instant the table was made. */
  createdAt: Date;
  table: { name: string; description: string; catalogue: Catalogue };
}
