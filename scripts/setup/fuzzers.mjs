// The fuzz targets (native/fuzz): their limits for each input, and what they begin with.

/** Those without seeds write their own into OTF_SEEDS. @type {Record<string, {seeds: string[], limits: string[]}>} */
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
  wcs: {
    seeds: [],
    // Looked for after every input, what wcslib loses would take most of the time.
    limits: ['-timeout=10', '-rss_limit_mb=2048', '-max_len=8000', '-detect_leaks=0'],
  },
  npy: {
    seeds: [],
    limits: ['-timeout=10', '-rss_limit_mb=1024', '-max_len=4000'],
  },
  gzip: {
    seeds: [],
    limits: ['-timeout=10', '-rss_limit_mb=1024', '-max_len=20000'],
  },
};
