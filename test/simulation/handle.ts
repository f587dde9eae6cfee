/** A FileHandle (node:fs/promises), as far as this program uses it. */
import fs from 'node:fs';
import type { Scene } from './files.js';

export class SimHandle {
  readonly fd: number;
  readonly #scene: () => Scene;
  #open = true;

  constructor(scene: () => Scene, fd: number) {
    this.#scene = scene;
    this.fd = fd;
  }

  read(buffer: Buffer, offset = 0, length = buffer.length - offset, position: number | null = null) {
    return this.#io(() => ({ bytesRead: fs.readSync(this.fd, buffer, offset, length, position), buffer }));
  }

  write(data: Buffer, offset = 0, length = data.length - offset, position: number | null = null) {
    return this.#io(() => ({ bytesWritten: fs.writeSync(this.fd, data, offset, length, position), buffer: data }));
  }

  writeFile(data: string | Uint8Array): Promise<void> {
    return this.#io(() => {
      const bytes = Buffer.from(data as string);
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.fd, bytes, at);
    });
  }

  stat() {
    return this.#io(() => fs.fstatSync(this.fd));
  }

  sync(): Promise<void> {
    return this.#io(() => fs.fsyncSync(this.fd), this.#scene().faults.syncMs);
  }

  datasync(): Promise<void> {
    return this.#io(() => fs.fdatasyncSync(this.fd), this.#scene().faults.syncMs);
  }

  createReadStream(options: object) {
    return fs.createReadStream('', { ...options, fd: this.fd });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#io(() => fs.closeSync(this.fd));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #io<T>(work: () => T, slowestMs?: number): Promise<T> {
    return this.#scene().sim.io(work, slowestMs);
  }
}
