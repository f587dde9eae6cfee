/** Addresses for programs that work with this one: workers, and clients of the inference protocol. */
import { kInferenceRoutes } from './inference-routes.js';
import type { Route } from './route.js';
import { kWorkRoutes } from './work-routes.js';

export const kMachineRoutes: readonly Route[] = [...kWorkRoutes, ...kInferenceRoutes];
