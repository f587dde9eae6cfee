// Which commit was built, for the records of its results: dist/build-info.json. Not from a git checkout: no file.
import { rm, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { capture, kRoot } from './setup/step.mjs';

const kFile = new URL('../dist/build-info.json', import.meta.url);

export async function writeBuildInfo() {
  const top = await capture('git', ['-C', kRoot, 'rev-parse', '--show-toplevel', 'HEAD']);
  const [folder = '', commit = ''] = top.output.split('\n');
  // A copy of the sources inside another repository is not of that repository's commit.
  if (top.code !== 0 || `${folder}/` !== kRoot) return rm(kFile, { force: true });
  const changes = await capture('git', ['-C', kRoot, 'status', '--porcelain', '--untracked-files=no']);
  const changed = changes.code !== 0 || changes.output !== '';
  await writeFile(kFile, `${JSON.stringify({ commit: `${commit}${changed ? '-changed' : ''}` })}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await writeBuildInfo();
