/** What a catalogue says of the run it comes from, whatever its kind; every format writes these in their order. */
import type { EngineInfo } from '../engine/addon.js';
import { OtfError } from '../errors/catalogue.js';
import { type Fact, kCreated, timestamp } from '../results/table.js';
import type { EndRequest } from './work.js';

export type AddFact = (name: string, key: string, value: string | number | undefined, comment: string) => void;

/** A list, and how to add to it: what is not known is left out. */
export function factList(): { facts: Fact[]; add: AddFact } {
  const facts: Fact[] = [];
  const add: AddFact = (name, key, value, comment) => {
    if (value !== undefined && value !== '') facts.push({ name, key, value, comment });
  };
  return { facts, add };
}

export interface Run {
  software: { name: string; version: string; commit?: string | undefined };
  createdAt: Date;
  jobId?: string | undefined;
}

export function addRun(add: AddFact, { software, createdAt, jobId }: Run): void {
  add('software', 'CREATOR', `${software.name} ${software.version}`, 'program that made this catalogue');
  add('software_commit', 'COMMIT', software.commit, 'git commit it was built from');
  add(kCreated, 'DATE', timestamp(createdAt), 'UTC, end of the run');
  add('job_id', 'JOBID', jobId, 'UWS job');
}

export interface RunEngine {
  engine: string;
  version: string;
  device: string;
  asked: string;
  effective: string;
}

/** Of a task with items. */
export function engineOf({ engine }: Pick<EndRequest, 'engine'>): EngineInfo {
  if (!engine) throw new OtfError('OTF_INTERNAL', 'a network ran, and no engine is named');
  return engine;
}

/** `engine`: undefined where no network ran. */
export function addNetwork(
  add: AddFact,
  model: { id: string; sha256: string; calibration?: string } | undefined,
  engine: RunEngine | undefined,
): void {
  add('model', 'MODEL', model?.id, 'id of the model card');
  add('model_sha256', 'MODELSHA', model?.sha256, 'SHA-256 of the network file');
  add('engine', 'ENGINE', engine && `${engine.engine} ${engine.version}`, 'what ran the network');
  add('device', 'DEVICE', engine?.device, 'where the network ran');
  add('quantization_asked', 'QUANTASK', engine?.asked, 'compute type asked for');
  add('quantization', 'QUANT', engine?.effective, 'compute type really used');
  const isInt8 = engine?.effective === 'INT8C_INT32A';
  add('calibration_sha256', 'CALIBSHA', isInt8 ? model?.calibration : undefined, 'SHA-256 of the calibration of INT8');
}
