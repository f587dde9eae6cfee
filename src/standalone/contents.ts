/** What the one-file program carries, as scripts/package/archive.mjs lists it: files, compressed one by one, end to end. */

export interface PackedFile {
  /** From the folder it is unpacked into, with slashes; no part of it is `..`. */
  path: string;
  /** May be executed. */
  program: boolean;
  bytes: number;
  /** Of the file as it is unpacked, in hexadecimal digits. */
  sha256: string;
  /** Where its compressed bytes (brotli, RFC 7932) begin and how many they are. */
  at: number;
  packed: number;
}

export interface Contents {
  version: string;
  /** The oldest glibc that all of it works with: the highest version of a symbol that is asked for. */
  glibc: string;
  files: PackedFile[];
}

/** Bytes of all files as they are unpacked. */
export function unpackedBytes(contents: Contents): number {
  return contents.files.reduce((sum, file) => sum + file.bytes, 0);
}
