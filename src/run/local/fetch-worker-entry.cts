/** As worker-entry.cts. */
export = import('./fetch-worker.js').then((worker) => worker.default);
