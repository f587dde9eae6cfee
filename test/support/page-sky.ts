/** What tests of the picture on the page do again and again. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { field, pause, startTestServer, type TestServer, tempDir } from './server.js';

/** Pixels of the image of withJob on a side. */
export const kSide = 512;
export async function withJob(t: TestContext): Promise<{ server: TestServer; id: string }> {
  const server = await startTestServer(t);
  const id = await server.submit({}, await field(await tempDir(t), kSide, 3));
  await server.until(id, 'COMPLETED');
  return { server, id };
}

/** The middle of the picture, or a part of it from there, in pixels of the screen. */
export async function inFrame(page: Page, right = 0, down = 0): Promise<{ x: number; y: number }> {
  const box = await page.locator('.sky-frame').boundingBox();
  assert.ok(box);
  return { x: box.x + box.width / 2 + right, y: box.y + box.height / 2 + down };
}

export async function pointAt(page: Page, right: number, down: number): Promise<void> {
  const { x, y } = await inFrame(page, right, down);
  await page.mouse.move(x, y);
}

/** FITS pixels under the pointer, as the page says. */
export async function pixelShown(page: Page): Promise<{ x: number; y: number }> {
  const text = page.locator('.readout').getByText(/^x [\d.]+, y [\d.]+$/);
  await text.waitFor();
  const [x = Number.NaN, y = Number.NaN] = ((await text.textContent()) ?? '').match(/[\d.]+/g)?.map(Number) ?? [];
  return { x, y };
}

/** Moves of the picture are animated: asked again until it is so. */
export async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await check())) {
    assert.ok(Date.now() < end, what);
    await pause(50);
  }
}
