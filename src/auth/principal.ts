/** Who somebody is, as far as he has shown, and what he may do. */

export const kScopes = ['read', 'write', 'metrics', 'work', 'admin'] as const;
/**
 * read: see what is his; write: make, change and delete it; metrics: read the server's metrics; work: run jobs of everybody,
 * as a worker of the server; admin: everything, of everybody.
 */
export type Scope = (typeof kScopes)[number];

export interface Principal {
  /** null = anonymous. */
  readonly owner: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** Is what he has shown still worth something? For answers that go on; absent: as long as he stays. */
  readonly isGood?: () => boolean;
}

export function may({ scopes }: Principal, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin');
}

export function isScope(name: string): name is Scope {
  return kScopes.some((known) => known === name);
}

/** Of people who are known by something else than a token with scopes of its own. */
export const kUserScopes: readonly Scope[] = ['read', 'write'];

const kMaxOwner = 200;

/** A name as jobs may carry it; undefined = none. Control characters have no place in documents and headers. */
export function ownerName(name: string): string | undefined {
  const plain = name.trim();
  return plain === '' || /[\u0000-\u001f\u007f]/.test(plain) ? undefined : plain.slice(0, kMaxOwner);
}
