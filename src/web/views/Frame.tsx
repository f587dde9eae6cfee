/** What stays: where one can go, whether the server is there, light or dark. */
import { useEffect, useRef } from 'preact/hooks';
import { address } from '../api/http.js';
import { connected, server } from '../state/jobs.js';
import { hrefTo, route } from '../state/route.js';
import { theme, toggleTheme } from '../state/theme.js';
import { CompareView } from './compare/CompareView.js';
import { JobView } from './job/JobView.js';
import { JobsView } from './jobs/JobsView.js';
import { ServerView } from './server/ServerView.js';
import { SubmitView } from './submit/SubmitView.js';

interface Place {
  name: string;
  title: string;
}

const kPlaces: readonly Place[] = [
  { name: '', title: 'Submit' },
  { name: 'jobs', title: 'Jobs' },
  { name: 'server', title: 'Server' },
];

export function Frame() {
  const { path } = route.value;
  const [place = ''] = path;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const where = path.slice(0, 2).join('/');
  // A screen reader goes on at the new view, not at the link that led there.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus();
    document.title = `${kPlaces.find(({ name }) => name === place)?.title ?? 'cianna-otf'} · cianna-otf`;
  }, [where]);
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href={hrefTo([])}>
          <img src={new URL('../icon.svg', import.meta.url).href} alt="" width="24" height="24" />
          cianna-otf
        </a>
        <nav aria-label="Views">
          {kPlaces.map(({ name, title }) => (
            <a key={name} href={hrefTo(name === '' ? [] : [name])} aria-current={name === place ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Connection />
        <button type="button" class="quiet" onClick={toggleTheme}>
          {theme.value === 'dark' ? 'Light' : 'Dark'}
          <span class="hidden"> theme</span>
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <View place={place} path={path} />
      </main>
    </div>
  );
}

function View({ place, path }: { place: string; path: string[] }) {
  const [, id] = path;
  if (place === 'jobs') return id === undefined ? <JobsView /> : <JobView key={id} id={id} />;
  if (place === 'compare') return <CompareView />;
  if (place === 'server') return <ServerView />;
  if (place === '') return <SubmitView />;
  return <p class="empty">There is no such view.</p>;
}

const kConnection = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again', stranger: '' };

function Connection() {
  const state = connected.value;
  const ready = server.value?.ready ?? true;
  return (
    <span class={`connection ${state}`} role="status">
      {state === 'live' && !ready ? 'Not ready' : kConnection[state]}
      {state === 'stranger' && <SignIn />}
    </span>
  );
}

/** The browser itself asks for the name and, as the password, a token; then it leads back here. */
function SignIn() {
  return <a href={address('sign-in')}>Sign in</a>;
}
