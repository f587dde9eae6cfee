/**
 * better-sqlite3, of which version 13 carries its binaries inside the npm package but needs Node-API 10 (Node 22.14).
 * Before that version 12 does the same; the set-up compiles it there.
 */
import { createRequire } from 'node:module';
import type SqliteDatabase from 'better-sqlite3';

const kPackage = Number(process.versions.napi) >= 10 ? 'better-sqlite3' : 'better-sqlite3-node20';
export const Sqlite = createRequire(import.meta.url)(kPackage) as typeof SqliteDatabase;
