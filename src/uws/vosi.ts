/** VOSI: is the service there, and what does it offer (VOSI 1.1; UWS 1.1, section 2.2.5). */
import { escapeXml } from '../io/xml.js';
import { hindrance } from '../jobs/readiness.js';
import type { Handler, Ways } from './context.js';
import { xml } from './exchange.js';
import { formatInstant } from './instants.js';

const kHead = '<?xml version="1.0" encoding="UTF-8"?>\n';

export const getAvailability: Handler = ({ jobs, startedMs }) => {
  const reason = hindrance(jobs);
  const notes = [reason, jobs.executor.stats().note].filter((note) => note !== undefined);
  const note = notes.join('; ') || 'accepting jobs';
  return xml(
    `${kHead}<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">\n` +
      `<vosi:available>${reason === undefined}</vosi:available>\n<vosi:upSince>${formatInstant(startedMs)}</vosi:upSince>\n` +
      `<vosi:note>${escapeXml(note)}</vosi:note>\n</vosi:availability>\n`,
  );
};

/** IVOA SSO 2.0: a password, a bearer token; one that names none stands for people without a name (VOResource 1.1). */
function securityMethods({ anonymous, tokens, oidc }: Ways): string {
  const named = (name: string) => `<securityMethod standardID="ivo://ivoa.net/sso#${name}"/>\n`;
  const methods = [anonymous ? '<securityMethod/>\n' : ''];
  if (tokens) methods.push(named('BasicAA'));
  if (tokens || oidc) methods.push(named('OAuth'));
  if (oidc) methods.push(named('OpenID'));
  return methods.join('');
}

export const getCapabilities: Handler = ({ ways }, request) => {
  const capability = (standard: string, use: 'full' | 'base', path: string, security = '') =>
    `<capability standardID="${standard}">\n<interface xsi:type="vs:ParamHTTP" role="std">\n` +
    `<accessURL use="${use}">${escapeXml(request.origin + path)}</accessURL>\n${security}</interface>\n</capability>\n`;
  const security = securityMethods(ways());
  return xml(
    `${kHead}<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" ` +
      'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n' +
      capability('ivo://ivoa.net/std/VOSI#capabilities', 'full', '/capabilities') +
      capability('ivo://ivoa.net/std/VOSI#availability', 'full', '/availability') +
      capability('ivo://ivoa.net/std/UWS#rest-1.1', 'base', '/jobs', security) +
      capability('ivo://ivoa.net/std/DataLink#links-1.1', 'base', '/links', security) +
      '</vosi:capabilities>\n',
  );
};
