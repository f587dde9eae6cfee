#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: "Changing skies, one for each seed: simulate > reconstruct > light curves"
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
inputs:
  seeds: int[]
  size: { type: int, default: 64 }
  frames: { type: int, default: 32 }
  method: string?
steps:
  sky:
    run: transient.cwl
    scatter: seed
    in: { seed: seeds, size: size, frames: frames, method: method }
    out: [found]
outputs:
  found: { type: "Directory[]", outputSource: sky/found }
