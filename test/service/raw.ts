/** Requests as broken as a test needs them: bytes on a socket. */
import { connect, type Socket } from 'node:net';

export function rawSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** Sends text, gives all that comes back until the server closes or `ms` have passed. */
export async function rawExchange(url: string, text: string | Buffer, ms = 300): Promise<string> {
  const socket = await rawSocket(url);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(text);
  await Promise.race([
    new Promise((resolve) => socket.once('close', resolve)),
    new Promise((resolve) => setTimeout(resolve, ms)),
  ]);
  socket.destroy();
  return Buffer.concat(chunks).toString('latin1');
}
