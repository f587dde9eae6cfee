#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: A synthetic radio field and what is really in it
baseCommand: [cianna-otf, simulate]
hints:
  SoftwareRequirement:
    packages:
      cianna-otf: {}
  ResourceRequirement:
    coresMin: 1
    ramMin: 1024
inputs:
  seed:
    type: int
    doc: The same seed gives the same field.
    inputBinding: { prefix: --seed }
  size:
    type: int
    default: 1024
    doc: Side in pixels.
    inputBinding: { prefix: --size }
arguments:
  # By the seed: files of a scatter that share a name would overwrite each other.
  - { prefix: --output, valueFrom: field-$(inputs.seed) }
outputs:
  image:
    type: File
    doc: FITS
    outputBinding: { glob: field-$(inputs.seed)/field.fits }
  truth:
    type: File
    doc: VOTable
    outputBinding: { glob: field-$(inputs.seed)/truth.vot }
