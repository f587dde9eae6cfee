/** Request parameters by DALI 1.1: names without case, values with it, no control characters, single ones once only. */
import type { OtfError } from '../errors/catalogue.js';
import { badRequest, type Given } from '../tasks/parameters.js';

export { badRequest };

/** What XML 1.0 (section 2.2) cannot hold. */
const kNotXml =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

export class Parameters implements Given {
  readonly #values = new Map<string, string[]>();
  readonly #maxChars: number;

  /** `maxChars`: of a name or a value; for what may be kept. */
  constructor(maxChars = Number.POSITIVE_INFINITY) {
    this.#maxChars = maxChars;
  }

  static fromQuery(query: string, maxChars?: number): Parameters {
    const parameters = new Parameters(maxChars);
    if (query !== '') for (const [name, value] of new URLSearchParams(query)) parameters.add(name, value);
    return parameters;
  }

  /** Throws OTF_BAD_REQUEST for text that is too long or that no answer could repeat. */
  add(name: string, value: string): void {
    if (name.length > this.#maxChars || value.length > this.#maxChars) {
      const named = JSON.stringify(name.slice(0, 40));
      throw badRequest(`parameter ${named} is longer than ${this.#maxChars} characters`);
    }
    if (kNotXml.test(name) || kNotXml.test(value)) {
      throw badRequest(`parameter ${JSON.stringify(name.slice(0, 40))} has control characters`);
    }
    const key = name.toUpperCase();
    const values = this.#values.get(key);
    if (values) values.push(value);
    else this.#values.set(key, [value]);
  }

  /** Upper case, in the order they came. */
  names(): string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Undefined when absent. Throws OTF_BAD_REQUEST when given more than once. */
  single(name: string): string | undefined {
    const values = this.#values.get(name);
    if (values === undefined) return undefined;
    if (values.length > 1) throw badRequest(`parameter ${name} is given ${values.length} times`);
    return values[0];
  }

  repeated(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/** Names what came instead: a misspelt name is the usual reason. */
export function missing(name: string, parameters: Parameters): OtfError {
  const others = parameters.names();
  return badRequest(`${name} is missing${others.length === 0 ? '' : `: the request has ${shown(others)}`}`);
}

/** Names of a client in a line of ours. */
export function shown(names: readonly string[]): string {
  const most = 8;
  const cut = names.slice(0, most).map((name) => name.slice(0, 40) || '(a parameter without a name)');
  return cut.join(', ') + (names.length > most ? ', ...' : '');
}
