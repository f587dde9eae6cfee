#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: A catalogue against the truth, completeness and purity as JSON
baseCommand: [cianna-otf, score, --plain]
hints:
  SoftwareRequirement:
    packages:
      cianna-otf: {}
  ResourceRequirement:
    coresMin: 1
    ramMin: 512
inputs:
  catalogue:
    type: File
    inputBinding: { position: 1 }
  truth:
    type: File
    inputBinding: { position: 2 }
  min_snr:
    type: float
    default: 5
    doc: Truth with a lower peak_snr is not counted as missed.
    inputBinding: { prefix: --min-snr }
arguments:
  - { prefix: --format, valueFrom: json }
  - { prefix: --output, valueFrom: $(inputs.catalogue.nameroot)-score.json }
outputs:
  score:
    type: File
    doc: JSON
    outputBinding: { glob: $(inputs.catalogue.nameroot)-score.json }
