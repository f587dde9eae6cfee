/** The addon, with a message a user can act on when it is not there. Commands that need no pixels do not load it. */
import { OtfError } from '../errors/catalogue.js';
import type { NativeAddon } from './addon.js';

export async function loadAddon(): Promise<NativeAddon> {
  try {
    return (await import('./addon.js')).addon;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    const reason = code === 'MODULE_NOT_FOUND' ? 'it is not built' : (thrown as Error).message.split('\n')[0];
    throw new OtfError(
      'OTF_ADDON_MISSING',
      `cannot load the native part: ${reason}: run \`npm run setup\` in its folder`,
      {
        cause: thrown,
      },
    );
  }
}
