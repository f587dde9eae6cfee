/**
 * What a thread loads first. piscina tries require() before import(), and Node 20.19 then takes a module that threw for one
 * that is there and empty: the thread would say that it is ready. This is one that require() is right for.
 */
export = import('./worker.js').then((worker) => worker.default);
