/** Light or dark: as the system has it until somebody chooses; the choice stays in this browser. */
import { effect, signal } from '@preact/signals';

type Theme = 'light' | 'dark';
const kKey = 'theme';
const kDark = matchMedia('(prefers-color-scheme: dark)');

function chosen(): Theme | undefined {
  const stored = localStorage.getItem(kKey);
  return stored === 'light' || stored === 'dark' ? stored : undefined;
}

export const theme = signal<Theme>(chosen() ?? (kDark.matches ? 'dark' : 'light'));

kDark.addEventListener('change', ({ matches }) => {
  if (chosen() === undefined) theme.value = matches ? 'dark' : 'light';
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(kKey, theme.value);
}
