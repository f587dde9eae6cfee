// `npm run sbom`: what a built checkout is made of, for whoever has to know before he runs it. Written to build/sbom:
//   cianna-otf.cdx.json   CycloneDX: npm packages of run time, those that are in the page, Debian's libraries, the models
//   licences.txt           the same as a table of licences
// The same commit and the same packages give the same bytes: the time is that of the commit, and there is no number at random.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bill } from './sbom/bill.mjs';
import { libraryPackages } from './sbom/debian.mjs';
import { kRoot } from './setup/step.mjs';

const kOut = join(kRoot, 'build/sbom');

const { bom, licences, counts } = await bill({ packages: await libraryPackages() });
await mkdir(kOut, { recursive: true });
await writeFile(join(kOut, 'cianna-otf.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`);
await writeFile(join(kOut, 'licences.txt'), licences);
process.stdout.write(`build/sbom/cianna-otf.cdx.json and licences.txt: ${counts}\n`);
