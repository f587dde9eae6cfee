/** VOSI: is the service there, and what does it offer (VOSI 1.1; UWS 1.1, section 2.2.5). */
import { escapeXml } from '../io/xml.js';
import type { Handler } from './context.js';
import { xml } from './exchange.js';
import { formatInstant } from './instants.js';

const kHead = '<?xml version="1.0" encoding="UTF-8"?>\n';

export const getAvailability: Handler = ({ jobs, startedMs }) => {
  const stats = jobs.executor.stats();
  const available = stats.ready && !jobs.stopping;
  const note = stats.note ?? (available ? 'accepting jobs' : 'jobs cannot be run at the moment');
  return xml(
    `${kHead}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">\n` +
      `<vosi:available>${available}</vosi:available>\n<vosi:upSince>${formatInstant(startedMs)}</vosi:upSince>\n` +
      `<vosi:note>${escapeXml(note)}</vosi:note>\n</vosi:availability>\n`,
  );
};

export const getCapabilities: Handler = (_, request) => {
  const capability = (standard: string, use: 'full' | 'base', path: string) =>
    `<capability standardID="${standard}">\n<interface xsi:type="vs:ParamHTTP" role="std">\n` +
    `<accessURL use="${use}">${escapeXml(request.origin + path)}</accessURL>\n</interface>\n</capability>\n`;
  return xml(
    `${kHead}<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" ` +
      'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n' +
      capability('ivo://ivoa.net/std/VOSI#capabilities', 'full', '/capabilities') +
      capability('ivo://ivoa.net/std/VOSI#availability', 'full', '/availability') +
      capability('ivo://ivoa.net/std/UWS#rest-1.1', 'base', '/jobs') +
      capability('ivo://ivoa.net/std/DataLink#links-1.1', 'base', '/links') +
      '</vosi:capabilities>\n',
  );
};
