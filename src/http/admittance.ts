/** Who asks, whether he may ask for this, and whether he asks too often: before anything is read or looked up for him. */
import type { Authenticator } from '../auth/authenticator.js';
import { may, type Principal } from '../auth/principal.js';
import type { RateLimit } from '../auth/rate.js';
import { OtfError } from '../errors/catalogue.js';
import { ownerKey } from '../jobs/job.js';
import { RetryLater } from '../jobs/retry.js';
import type { Connection } from './connection.js';
import { type Access, accessOf, type Route } from './route.js';

export class Admittance {
  readonly #auth: Authenticator;
  readonly #rate: RateLimit;

  constructor(auth: Authenticator, rate: RateLimit) {
    this.#auth = auth;
    this.#rate = rate;
  }

  /**
   * Throws, or rejects with, OTF_AUTH_REQUIRED, OTF_TOKEN_INVALID, OTF_AUTH_UNAVAILABLE, OTF_FORBIDDEN, OTF_RATE_LIMITED.
   * A promise only where somebody else has to be asked.
   */
  admit(connection: Connection, route: Route): void | Promise<void> {
    const access = accessOf(route, connection.method);
    if (access === 'open') return;
    let who: Principal | Promise<Principal>;
    try {
      who = this.#auth.identify(connection);
    } catch (thrown) {
      // Whoever guesses is slowed down like everybody else.
      this.#assertRate(null, connection);
      throw thrown;
    }
    if (!(who instanceof Promise)) return this.#enter(connection, who, access);
    this.#assertRate(null, connection);
    return who.then((known) => this.#enter(connection, known, access));
  }

  #enter(connection: Connection, who: Principal, access: Exclude<Access, 'open'>): void {
    this.#assertRate(who.owner, connection);
    if (!may(who, access)) throw refused(who, access);
    connection.principal = who;
  }

  #assertRate(owner: string | null, connection: Connection): void {
    if (!this.#rate.on) return;
    const seconds = this.#rate.take(ownerKey({ owner, remote: connection.remote }));
    if (seconds > 0) throw new RetryLater('OTF_RATE_LIMITED', 'you ask too often: wait a little', seconds);
  }
}

/** Who has not said who he is may say so. */
function refused({ owner }: Principal, access: string): OtfError {
  if (owner === null) return new OtfError('OTF_AUTH_REQUIRED', 'say who you are: this server wants a token for this');
  return new OtfError('OTF_FORBIDDEN', `this needs the scope "${access}", which your token does not have`);
}
