/** As src/run/local/worker-entry.cts. */
export = import('./worker.js').then((worker) => worker.default);
