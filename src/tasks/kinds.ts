/** The kinds of task there are: one line each. */
export { kDetection } from './detection/kind.js';
export { kReconstruction } from './reconstruction/kind.js';
