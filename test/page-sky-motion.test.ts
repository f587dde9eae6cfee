/** The picture on the page in whatever room there is, and how it moves. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { closeBrowser, kNoChromium, visit } from './support/browser.js';
import { kSide, pixelShown, pointAt, until, withJob } from './support/page-sky.js';
import { pause } from './support/server.js';

/** Of tiles that are drawn when the picture goes from one place to another and back without steps between. */
const kSizesAtOnce = 6;

describe('The page: room and motion of the picture', { skip: kNoChromium }, () => {
  after(closeBrowser);

  it('shows the values of a source whole, wherever in the picture it lies', async (t) => {
    const { server, id } = await withJob(t);
    const { page } = await visit(t, `${server.url}/#/jobs/${id}`);
    await page.locator('.grid-body .grid-row').first().waitFor();
    const inside = () =>
      page.evaluate(() => {
        const [inner, outer] = ['.hover', '.sky-frame'].map((name) =>
          document.querySelector(name)?.getBoundingClientRect(),
        );
        if (!inner || !outer) return undefined;
        return (
          inner.left >= outer.left &&
          inner.right <= outer.right &&
          inner.top >= outer.top &&
          inner.bottom <= outer.bottom
        );
      });
    let seen = 0;
    for (let down = -240; down <= 240; down += 12) {
      await pointAt(page, (down * 37) % 250, down);
      await pause(20);
      const whole = await inside();
      assert.notEqual(whole, false, `at ${down}`);
      if (whole) seen++;
    }
    assert.ok(seen > 2, `${seen} sources were met`);
  });

  it('shows all of the picture, also when there is less room for it, until somebody moves it', async (t) => {
    const { server, id } = await withJob(t);
    const { page } = await visit(t, `${server.url}/#/jobs/${id}`);
    await page.locator('.grid-body .grid-row').first().waitFor();
    /** Pixels of the image across the picture. */
    const across = async () => {
      const box = await page.locator('.sky-frame').boundingBox();
      assert.ok(box);
      await pointAt(page, -100, 0);
      const left = await pixelShown(page);
      await pointAt(page, 100, 0);
      const right = await pixelShown(page);
      return (((right.x - left.x) / 200) * Math.min(box.width, box.height)) / kSide;
    };
    const fits = async () => Math.abs((await across()) - 1) < 0.03;
    await until('beside the catalogue', fits);
    await page.setViewportSize({ width: 700, height: 900 });
    await until('above it', fits);
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await until('larger', async () => (await across()) < 0.9);
    await page.setViewportSize({ width: 1400, height: 900 });
    await pause(500);
    assert.ok(!(await fits()), 'what was moved stays where it is');
  });

  it('moves the picture in steps, or at once for who wants no motion', async (t) => {
    const { server, id } = await withJob(t);
    const sizes = async (reducedMotion: boolean) => {
      const { page } = await visit(t, `${server.url}/#/jobs/${id}`, { reducedMotion });
      await page.locator('.sky-frame canvas').first().waitFor();
      await page.getByRole('button', { name: 'Zoom in' }).waitFor();
      await pause(1500);
      // How wide tiles are drawn, from one picture to the next.
      await page.evaluate(() => {
        const drawn = new Set<number>();
        const { prototype } = CanvasRenderingContext2D;
        const draw = prototype.drawImage as (...given: unknown[]) => void;
        prototype.drawImage = function drawImage(...given: unknown[]) {
          drawn.add(Math.round(Number(given[given.length - 2]) * this.getTransform().a));
          draw.apply(this, given);
        };
        Object.assign(window, { drawn });
      });
      const widths = () => page.evaluate(() => (window as unknown as { drawn: Set<number> }).drawn.size);
      const zoom = (name: string) => page.getByRole('button', { name }).click();
      await zoom('Zoom in');
      await until('the picture is drawn larger', async () => (await widths()) > 0);
      await zoom('Zoom out');
      await pause(500);
      if (!reducedMotion) {
        // A machine with much else to do draws few of the steps in between: there and back until they were seen.
        await until('the picture moves in steps', async () => {
          await zoom('Zoom in');
          await zoom('Zoom out');
          return (await widths()) > kSizesAtOnce;
        });
      }
      const moving = await page.evaluate(() => document.getAnimations().length);
      return { widths: await widths(), moving };
    };
    const still = await sizes(true);
    await sizes(false);
    // Two places, and levels of tiles have sizes of their own; a movement has one more with every frame.
    assert.ok(still.widths <= kSizesAtOnce, `${still.widths} sizes`);
    assert.equal(still.moving, 0);
  });
});
