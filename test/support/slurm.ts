/**
 * A Slurm of a test's own, with nodes on this machine: munged, slurmctld and slurmds in one folder, on free ports, ended by
 * their pids. Debian's slurmd is built for several on one host (slurm.conf(5), NodeHostname and Port).
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { atEnd } from './endings.js';
import { freePort, pause } from './server.js';
import { until } from './until.js';

const run = promisify(execFile);
const kDaemons = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd'];

/** Undefined: there is one. */
export const kNoSlurm = noSlurm();

function noSlurm(): string | undefined {
  const missing = kDaemons.find((path) => !existsSync(path));
  if (missing !== undefined) return `${missing} is not installed`;
  // slurmd starts jobs as their users, and munged guards its folder.
  return process.getuid?.() === 0 ? undefined : 'a Slurm of a test needs root';
}

export class TestSlurm {
  readonly dir: string;
  /** For whatever asks it. */
  readonly env: Record<string, string>;
  readonly #nodes: string[];
  readonly #memoryMb: number;

  private constructor(dir: string, nodes: string[], memoryMb: number) {
    this.dir = dir;
    this.#nodes = nodes;
    this.#memoryMb = memoryMb;
    this.env = { SLURM_CONF: join(dir, 'slurm.conf') };
  }

  /** `memoryMb`: of a node, as Slurm is told. */
  static async start(t: TestContext, count = 2, memoryMb = 500): Promise<TestSlurm> {
    const dir = await mkdtemp(join(tmpdir(), 'otf-slurm-'));
    const nodes = Array.from({ length: count }, (_, index) => `n${index + 1}`);
    const slurm = new TestSlurm(dir, nodes, memoryMb);
    await slurm.#configure();
    // The folder last: it says who is to be ended.
    atEnd(t, () => slurm.#end());
    await slurm.#munge();
    await slurm.startController();
    for (const node of nodes) await slurm.startNode(node);
    await until(async () => (await slurm.states()).every((state) => state === 'idle'), 'the nodes are not idle', 60);
    return slurm;
  }

  async #configure(): Promise<void> {
    const { dir } = this;
    for (const folder of ['state', 'log', 'spool', 'munge']) await mkdir(join(dir, folder));
    await chmod(dir, 0o755);
    await chmod(join(dir, 'munge'), 0o755);
    await writeFile(join(dir, 'munge/key'), randomBytes(128), { mode: 0o400 });
    const host = hostname().split('.')[0];
    const nodes: string[] = [];
    for (const node of this.#nodes) {
      const at = `NodeHostname=${host} NodeAddr=127.0.0.1 Port=${await freePort()}`;
      nodes.push(`NodeName=${node} ${at} CPUs=2 RealMemory=${this.#memoryMb} Gres=gpu:1 State=UNKNOWN`);
    }
    const lines = [
      'ClusterName=otf',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmctldPort=${await freePort()}`,
      `AuthType=auth/munge\nAuthInfo=socket=${dir}/munge/sock\nCredType=cred/munge`,
      'SlurmUser=root\nSlurmdUser=root',
      `StateSaveLocation=${dir}/state\nSlurmdSpoolDir=${dir}/spool/%n`,
      `SlurmctldPidFile=${dir}/slurmctld.pid\nSlurmdPidFile=${dir}/slurmd-%n.pid`,
      `SlurmctldLogFile=${dir}/log/slurmctld.log\nSlurmdLogFile=${dir}/log/slurmd-%n.log`,
      'ProctrackType=proctrack/pgid\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none',
      `AccountingStorageType=accounting_storage/none\nJobCompType=jobcomp/filetxt\nJobCompLoc=${dir}/log/jobcomp.txt`,
      'SelectType=select/cons_tres\nSelectTypeParameters=CR_Core',
      'SchedulerType=sched/backfill',
      'SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0',
      'MpiDefault=none\nSwitchType=switch/none',
      'ReturnToService=2\nSlurmdTimeout=10\nSlurmctldTimeout=5\nInactiveLimit=0\nMinJobAge=300\nKillWait=3\nMessageTimeout=10',
      'JobRequeue=1\nGresTypes=gpu',
      ...nodes,
      `PartitionName=gpu Nodes=${this.#nodes.join(',')} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO`,
    ];
    await writeFile(join(dir, 'slurm.conf'), `${lines.join('\n')}\n`);
    await writeFile(
      join(dir, 'gres.conf'),
      this.#nodes.map((node) => `NodeName=${node} Name=gpu File=/dev/null\n`).join(''),
    );
    // No cgroups are used; without this file slurmd looks for those of the machine.
    await writeFile(join(dir, 'cgroup.conf'), 'CgroupPlugin=cgroup/v1\n');
  }

  async #munge(): Promise<void> {
    const at = (name: string) => join(this.dir, 'munge', name);
    const files = ['key', 'sock', 'pid', 'log', 'seed'] as const;
    const options = ['key-file', 'socket', 'pid-file', 'log-file', 'seed-file'];
    await run('/usr/sbin/munged', [
      '--force',
      ...options.map((option, index) => `--${option}=${at(files[index] ?? '')}`),
    ]);
  }

  async startController(): Promise<void> {
    await run('/usr/sbin/slurmctld', ['-f', join(this.dir, 'slurm.conf')]);
  }

  async startNode(node: string): Promise<void> {
    await run('/usr/sbin/slurmd', ['-f', join(this.dir, 'slurm.conf'), '-N', node]);
  }

  async killController(): Promise<void> {
    await this.#kill(join(this.dir, 'slurmctld.pid'));
  }

  /** The node's machine goes down: slurmd, and all that it has started, at once. */
  async killNode(node: string): Promise<void> {
    const slurmd = await this.#pid(join(this.dir, `slurmd-${node}.pid`));
    const [path, stepds] = [join(this.dir, 'spool', node), await this.#stepds(node)];
    assert.ok(slurmd !== undefined && existsSync(path));
    const pids = [slurmd, ...stepds.flatMap((pid) => [pid, ...descendants(pid)])];
    for (const pid of pids) kill(pid);
  }

  /** slurmstepd: [JOB.batch], one of each job of a node, by the node's name in its command line. */
  async #stepds(node: string): Promise<number[]> {
    const { stdout } = spawnSync('pgrep', ['-f', `slurmstepd: \\[`], { encoding: 'utf8' });
    const ours: number[] = [];
    for (const pid of stdout
      .split('\n')
      .filter((line) => line !== '')
      .map(Number)) {
      const open = spawnSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' }).stdout;
      if (open.includes(join(this.dir, 'log', `slurmd-${node}.log`))) ours.push(pid);
    }
    return ours;
  }

  async #kill(pidFile: string): Promise<void> {
    const pid = await this.#pid(pidFile);
    if (pid !== undefined) kill(pid);
  }

  async #pid(file: string): Promise<number | undefined> {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text.trim() === '' ? undefined : Number(text);
  }

  call(program: string, ...args: string[]): string {
    return execFileSync(program, args, { env: { ...process.env, ...this.env }, encoding: 'utf8' });
  }

  async states(): Promise<string[]> {
    const { stdout } = await run('sinfo', ['-h', '-N', '-o', '%T'], { env: { ...process.env, ...this.env } }).catch(
      () => ({
        stdout: '',
      }),
    );
    const states = stdout.trim().split('\n');
    return states.length === this.#nodes.length ? states : [''];
  }

  async #end(): Promise<void> {
    const env = { ...process.env, ...this.env };
    const queued = spawnSync('squeue', ['-h', '-o', '%A'], { env, encoding: 'utf8' }).stdout ?? '';
    const ids = [...new Set(queued.split('\n').filter((id) => id !== ''))];
    if (ids.length > 0) spawnSync('scancel', ['--signal=KILL', '--full', ...ids], { env });
    if (ids.length > 0) spawnSync('scancel', ids, { env });
    if (ids.length > 0) await pause(500);
    for (const node of this.#nodes)
      for (const pid of await this.#stepds(node)) [pid, ...descendants(pid)].forEach(kill);
    const daemons = [...this.#nodes.map((node) => `slurmd-${node}.pid`), 'slurmctld.pid', 'munge/pid'];
    for (const file of daemons) await this.#kill(join(this.dir, file));
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone.
  }
}

function descendants(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['--ppid', String(pid), '-o', 'pid='], { encoding: 'utf8' });
  const children = stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}
