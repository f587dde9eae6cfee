/**
 * SAMP's web profile (SAMP 1.3, section 5): a hub of this computer passes messages to TOPCAT, Aladin, DS9. XML-RPC to a
 * fixed port, only when somebody asks for it; the hub asks its user whether this page may.
 */

const kHub = 'http://127.0.0.1:21012/';
/** The user has to be asked. */
const kRegisterMs = 60_000;
const kCallMs = 10_000;

type SampValue = string | { [name: string]: SampValue };

export class SampError extends Error {}

/** A table for whoever understands it: the URL is read by the other program, not through this page. */
export async function sendTable(url: string, name: string, id: string): Promise<void> {
  await sendToAll('table.load.votable', { url, name, 'table-id': id });
}

export async function sendImage(url: string, name: string, id: string): Promise<void> {
  await sendToAll('image.load.fits', { url, name, 'image-id': id });
}

async function sendToAll(mtype: string, parameters: { [name: string]: SampValue }): Promise<void> {
  const registered = await call('samp.webhub.register', [{ 'samp.name': 'cianna-otf' }], kRegisterMs);
  const key = typeof registered === 'object' ? registered['samp.private-key'] : undefined;
  if (typeof key !== 'string') throw new SampError('the SAMP hub gave no key');
  try {
    await call('samp.webhub.notifyAll', [key, { 'samp.mtype': mtype, 'samp.params': parameters }], kCallMs);
  } finally {
    await call('samp.webhub.unregister', [key], kCallMs);
  }
}

async function call(method: string, values: SampValue[], timeoutMs: number): Promise<SampValue> {
  let answer: Response;
  try {
    const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values
      .map((value) => `<param>${encode(value)}</param>`)
      .join('')}</params></methodCall>`;
    const headers = { 'Content-Type': 'text/xml' };
    answer = await fetch(kHub, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    throw new SampError('no SAMP hub answers on this computer: start TOPCAT or Aladin, and allow this page');
  }
  const document = new DOMParser().parseFromString(await answer.text(), 'application/xml');
  const fault = document.querySelector('fault value');
  if (fault) throw new SampError(`the SAMP hub refused: ${fault.textContent?.trim().slice(0, 200)}`);
  const value = document.querySelector('params > param > value');
  return value ? decode(value) : '';
}

function encode(value: SampValue): string {
  if (typeof value === 'string') return `<value><string>${xmlText(value)}</string></value>`;
  const members = Object.entries(value).map(
    ([name, each]) => `<member><name>${xmlText(name)}</name>${encode(each)}</member>`,
  );
  return `<value><struct>${members.join('')}</struct></value>`;
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** SAMP has strings, lists and maps; of lists nothing here has use. */
function decode(value: Element): SampValue {
  const struct = value.querySelector(':scope > struct');
  if (!struct) return value.textContent?.trim() ?? '';
  const members = [...struct.querySelectorAll(':scope > member')].map((member): [string, SampValue] => {
    const inner = member.querySelector(':scope > value');
    return [member.querySelector(':scope > name')?.textContent ?? '', inner ? decode(inner) : ''];
  });
  return Object.fromEntries(members);
}
