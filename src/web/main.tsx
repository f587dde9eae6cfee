/** The page: its frame, and which view fills it. */
import { render } from 'preact';
import { Notices } from './parts/Notices.js';
import { startLive } from './state/jobs.js';
import './style/page.css';
import './style/controls.css';
import './style/parts.css';
import './style/submit.css';
import './style/jobs.css';
import './style/job.css';
import './style/table.css';
import './style/sky.css';
import './style/server.css';
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
