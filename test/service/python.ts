/** Independent readers of our documents: Debian's Python packages, when they are installed. */
import { spawn, spawnSync } from 'node:child_process';

/** A reason to skip, or false. */
export function withoutPython(module: string): string | false {
  const { status } = spawnSync('/usr/bin/python3', ['-c', `import ${module}`]);
  return status === 0 ? false : `Debian package python3-${module} is not installed`;
}

/** Standard output of a script; throws with its standard error. Not synchronous: the server of the test must go on. */
export function python(script: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/bin/python3', ['-c', script, ...args], { stdio: 'pipe' });
    let output = '';
    let errors = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(errors))));
    child.stdin.end(input);
  });
}
