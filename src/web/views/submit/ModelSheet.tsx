/** A model's card as a sheet: what it was trained on, what it wants, whom to cite. Its table of the kind as it comes. */
import type { Model } from '../../api/kinds.js';
import { Dialog } from '../../parts/Dialog.js';
import { Facts } from '../../parts/Facts.js';

export function ModelSheet({ model, onClose }: { model: Model; onClose: () => void }) {
  const { training } = model;
  const own = model[model.kind];
  return (
    <Dialog title={model.title} onClose={onClose}>
      <Facts
        facts={[
          ['Model', model.id],
          ['Kind', model.kind],
          ['Trained on', `${training.name}: ${training.description}`],
          ['Training data at', training.location],
          ['Unit of the pixels', model.unit ?? 'none: pixels are taken as they are'],
          ['Compute types', model.quantizations.join(', ')],
          ['Tile', `${model.tile} pixels, ${model.overlap} of them shared with the next`],
          ['Normalisation', text(model.normalisation)],
          ['Made with', `CIANNA ${model.cianna_version}`],
          ['Released', model.released],
          ['Cite', model.citation],
          ['Licence', model.licence],
          ['SHA-256 of the network', <code key="sha">{text(model.sha256)}</code>],
        ]}
      />
      <h3>{model.kind}</h3>
      <pre class="card">{JSON.stringify(own, null, 1)}</pre>
    </Dialog>
  );
}

/** [{op: clip, min: 1, max: 2}, ...] as clip (min 1, max 2), ... */
function text(value: unknown): string {
  if (!Array.isArray(value)) return String(value ?? '');
  return value
    .map((step) => {
      const { op, ...rest } = step as Record<string, unknown>;
      const given = Object.entries(rest).map(([name, each]) => `${name} ${each}`);
      return given.length === 0 ? String(op) : `${op} (${given.join(', ')})`;
    })
    .join(', then ');
}
