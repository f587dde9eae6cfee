/**
 * Where a run takes place: machine, system, versions, build, GPUs. Gathered once, when the server starts. Names are those of
 * the observatory's server (docs/interop.md).
 */
import { readFileSync } from 'node:fs';
import { arch, hostname, release, type } from 'node:os';
import { kSoftware } from '../version.js';

/** In a fixed order; what is unknown is absent. */
export type Environment = Readonly<Record<string, string>>;

/** What NVML says of the machine's GPUs. */
export interface GpuIdentity {
  devices: readonly { name: string; uuid: string }[];
  driver: string;
  /** The newest CUDA the driver supports, e.g. 12.4. */
  cuda: string;
}

export interface LibraryVersions {
  onednn: string;
  cfitsio: string;
  wcslib: string;
}

export function environmentOf(libraries: LibraryVersions, gpus: GpuIdentity | undefined): Environment {
  const facts: Record<string, string> = {
    'srv.HostName': hostname(),
    'srv.OS': distribution(),
    'srv.KernelVersion': `${type()} ${release()} ${arch()}`,
    'sw.GitCommit': kSoftware.commit,
    [`sw.pkg.${kSoftware.name}`]: kSoftware.version,
    'sw.pkg.Node': process.versions.node,
    'sw.pkg.oneDNN': libraries.onednn,
    'sw.pkg.CFITSIO': libraries.cfitsio,
    'sw.pkg.wcslib': libraries.wcslib,
  };
  if (!gpus || gpus.devices.length === 0) return facts;
  return {
    ...facts,
    'hw.GPUModel': gpus.devices.map(({ name }) => name).join(', '),
    'hw.GPUUUID': gpus.devices.map(({ uuid }) => uuid).join(', '),
    'hw.GPUDriver': gpus.driver,
    'hw.CUDASupportedVersion': gpus.cuda,
  };
}

/** PRETTY_NAME of os-release(5), e.g. Debian GNU/Linux 12 (bookworm). */
function distribution(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const name = /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(readFileSync(path, 'utf8'))?.[2];
      if (name) return name;
    } catch {
      // The next place; a system without either is named by its kernel.
    }
  }
  return type();
}
