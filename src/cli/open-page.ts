/** `results ID --open page`: the page of a job, in the browser of whoever sits here. */
import { spawn } from 'node:child_process';
import type { UwsClient } from '../client/client.js';
import { OtfError } from '../errors/catalogue.js';
import { print } from './table.js';

const kOpener = 'xdg-open';

/** Its address is printed in any case: there may be no browser here. Throws OTF_NOT_FOUND where the server has no page. */
export async function openPage(client: UwsClient, id: string, env = process.env): Promise<void> {
  if (!(await client.hasPage())) {
    throw new OtfError('OTF_NOT_FOUND', `${client.base} has no page: -o DIR fetches the results`);
  }
  const address = `${client.base}/#/jobs/${id}`;
  print(address);
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY && !env.BROWSER) return;
  const opener = spawn(kOpener, [address], { detached: true, stdio: 'ignore' });
  // Not installed: the address has been printed.
  opener.on('error', () => undefined);
  opener.unref();
}
