/** Waits until something has come to pass. */
import assert from 'node:assert/strict';

export async function until(condition: () => Promise<boolean> | boolean, what: string, seconds = 30): Promise<void> {
  for (let i = 0; i < seconds * 50; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(what);
}
