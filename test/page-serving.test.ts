/** How the page is served: to whom, under which policy, how it is kept. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bench } from './service/bench.js';
import { kRoot } from './support/cli.js';

const kBrowser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const kJava = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2';
const kMostScript = 400_000;

describe('The page, as it is served', () => {
  it('goes to browsers at / only; programs get what they got before', async (t) => {
    const b = await bench(t);
    const browser = await b.send('/', { headers: { accept: kBrowser } });
    assert.match(browser.headers.get('content-type') ?? '', /^text\/html/);
    assert.match(await browser.text(), /<script type="module"/);
    for (const accept of ['*/*', kJava, 'text/html', 'application/json', 'application/xml']) {
      const answer = await b.send('/', { headers: { accept } });
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/, accept);
      assert.equal(answer.headers.get('vary'), 'Accept');
    }
    for (const path of ['/jobs', '/availability', '/metrics']) {
      const answer = await b.send(path, { headers: { accept: kBrowser } });
      assert.doesNotMatch(answer.headers.get('content-type') ?? '', /html/, path);
    }
    const id = await b.create();
    assert.match(
      (await b.send(`/jobs/${id}`, { headers: { accept: kBrowser } })).headers.get('content-type') ?? '',
      /xml/,
    );
  });

  it('allows no script, style or frame but its own, and no request to elsewhere', async (t) => {
    const b = await bench(t);
    const { headers } = await b.send('/', { headers: { accept: kBrowser } });
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((each) => {
        const [name = '', ...sources] = each.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    assert.equal(policy.get('default-src'), "'none'");
    assert.equal(policy.get('script-src'), "'self'");
    assert.equal(policy.get('style-src'), "'self'");
    assert.equal(policy.get('frame-ancestors'), "'none'");
    assert.equal(policy.get('connect-src'), "'self' http://127.0.0.1:21012");
    assert.ok(![...policy.values()].some((sources) => /unsafe|\*|https?:(?!\/\/127\.0\.0\.1:21012)/.test(sources)));
  });

  it('keeps files with hashed names for good, compressed as asked for, and the document by its tag', async (t) => {
    const b = await bench(t);
    const first = await b.send('/', { headers: { accept: kBrowser } });
    const html = await first.text();
    const again = { accept: kBrowser, 'if-none-match': first.headers.get('etag') ?? 'none' };
    assert.equal((await b.send('/', { headers: again })).status, 304);
    const names = [...html.matchAll(/"\.\/(page\/[^"]+)"/g)].map(([, name]) => name);
    assert.ok(names.length >= 3, html);
    for (const name of names) {
      const plain = await b.send(`/${name}`, { headers: { 'accept-encoding': 'identity' } });
      assert.equal(plain.status, 200, name);
      assert.match(plain.headers.get('cache-control') ?? '', /immutable/);
      assert.equal(plain.headers.get('content-encoding'), null);
      const bytes = Buffer.from(await plain.arrayBuffer());
      const tags = new Set([plain.headers.get('etag')]);
      for (const coding of ['br', 'gzip']) {
        // fetch() decodes it again.
        const coded = await b.send(`/${name}`, { headers: { 'accept-encoding': coding } });
        assert.equal(coded.headers.get('content-encoding'), coding, name);
        assert.ok(Buffer.from(await coded.arrayBuffer()).equals(bytes), `${name} ${coding}`);
        tags.add(coded.headers.get('etag'));
      }
      assert.equal(tags.size, 3);
    }
    const refused = await b.send(`/${names[0]}`, { headers: { 'accept-encoding': 'br;q=0, gzip' } });
    assert.equal(refused.headers.get('content-encoding'), 'gzip');
    for (const path of ['/page/none.js', '/page/..%2fbuild-info.json', '/page/.made-of', '/page/index.html.br'])
      assert.equal((await b.send(path)).status, 404, path);
  });

  it('has less script than a slow line would mind', () => {
    const folder = join(kRoot, 'dist/web/page');
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.js.gz'));
    const sizes = scripts.map((name) => statSync(join(folder, name)).size);
    assert.ok(scripts.length > 0);
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < kMostScript, `${sizes}`);
  });
});
