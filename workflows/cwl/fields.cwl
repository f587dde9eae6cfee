#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: "Simulated fields, one for each seed: simulate > detect > score"
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
inputs:
  seeds: int[]
  size: { type: int, default: 1024 }
steps:
  field:
    run: field.cwl
    scatter: seed
    in: { seed: seeds, size: size }
    out: [catalogue, score]
outputs:
  catalogues: { type: "File[]", outputSource: field/catalogue }
  scores: { type: "File[]", outputSource: field/score }
