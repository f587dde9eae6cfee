/** Programs of others beside a server of this process's own: not synchronous, the server must go on. */
import { execFile } from 'node:child_process';

/** Far above what any of them needs: one that hangs is a failure, not the end of the whole run. */
const kLimitMs = 180_000;

export function startCommand(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const limits = { maxBuffer: 1 << 26, timeout: kLimitMs, killSignal: 'SIGKILL' } as const;
    const child = execFile(command, args, { ...limits, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      if (error?.killed) reject(new Error(`${command} did not end within ${kLimitMs} ms: ${stdout}${stderr}`));
      else resolve({ code: child.exitCode ?? 1, stdout, stderr });
    });
  });
}
