// The fuzz targets (native/fuzz): their limits for each input, and what they begin with.

/** @type {Record<'model' | 'fits' | 'tables', {seeds: string[], limits: string[]}>} */
export const kFuzzers = {
  model: {
    seeds: ['test/fixtures/networks', 'test/fixtures/fuzz-model'],
    limits: ['-timeout=10', '-rss_limit_mb=1024'],
  },
  fits: {
    seeds: ['test/fixtures/fits', 'test/fixtures/fuzz-fits'],
    // CFITSIO 4.2 forgets its buffers when a compressed tile turns out to be damaged.
    limits: ['-timeout=10', '-rss_limit_mb=2048', '-max_len=40000', '-detect_leaks=0'],
  },
  tables: {
    seeds: ['test/fixtures/fuzz-tables'],
    limits: ['-timeout=10', '-rss_limit_mb=1024', '-max_len=20000'],
  },
};
