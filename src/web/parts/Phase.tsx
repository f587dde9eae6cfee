interface ProgressShown {
  done: number;
  total: number;
  unit: string;
}

export function PhaseBadge({ phase }: { phase: string }) {
  return <span class={`phase ${phase.toLowerCase()}`}>{phase.toLowerCase()}</span>;
}

export function ProgressBar({ progress, label }: { progress: ProgressShown; label: string }) {
  const { done, total, unit } = progress;
  return (
    <span class="progress">
      <progress max={total} value={done} aria-label={label} />
      <span class="small">
        {done} of {total} {unit}
      </span>
    </span>
  );
}
