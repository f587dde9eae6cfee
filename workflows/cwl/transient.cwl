#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: One changing sky, simulated and reconstructed
requirements:
  StepInputExpressionRequirement: {}
  MultipleInputFeatureRequirement: {}
inputs:
  seed: int
  size: int
  frames: int
  method: string?
steps:
  simulate:
    run: simulate-cube.cwl
    in: { seed: seed, size: size, frames: frames }
    out: [cube, psf, truth]
  reconstruct:
    run: reconstruct.cwl
    in:
      cube: { source: [simulate/cube], linkMerge: merge_nested }
      psf: { source: [simulate/psf], linkMerge: merge_nested }
      truth: simulate/truth
      method: method
      seed: seed
      name: { valueFrom: transients-$(inputs.seed) }
    out: [found, light_curves]
outputs:
  found: { type: Directory, outputSource: reconstruct/found }
  light_curves: { type: File, outputSource: reconstruct/light_curves }
