/** A refusal that ends by itself: HTTP 503 with Retry-After. */
import { type ErrorCode, OtfError } from '../errors/catalogue.js';

export class RetryLater extends OtfError {
  readonly retryAfterS: number;

  constructor(code: ErrorCode, message: string, retryAfterS: number) {
    super(code, message);
    this.retryAfterS = Math.max(1, Math.ceil(retryAfterS));
  }
}
