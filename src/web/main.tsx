/** The page: its frame, and which view fills it. */
import { render } from 'preact';
import { Notices } from './parts/Notices.js';
import { startLive } from './state/jobs.js';
import './style/page.css';
import './style/parts.css';
import './style/views.css';
import { Frame } from './views/Frame.js';

startLive();
const place = document.getElementById('page');
if (!place) throw new Error('index.html has no place for the page');
render(
  <>
    <Frame />
    <Notices />
  </>,
  place,
);
