#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: One field, simulated, searched and scored
requirements:
  StepInputExpressionRequirement: {}
inputs:
  seed: int
  size: int
steps:
  simulate:
    run: simulate.cwl
    in: { seed: seed, size: size }
    out: [image, truth]
  detect:
    run: detect.cwl
    in:
      image: simulate/image
      seed: seed
      name: { valueFrom: field-$(inputs.seed) }
    out: [catalogue]
  compare:
    run: score.cwl
    in: { catalogue: detect/catalogue, truth: simulate/truth }
    out: [score]
outputs:
  catalogue: { type: File, outputSource: detect/catalogue }
  score: { type: File, outputSource: compare/score }
