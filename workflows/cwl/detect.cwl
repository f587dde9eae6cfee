#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: The sources of a FITS image, as a VOTable
baseCommand: [cianna-otf, detect]
hints:
  SoftwareRequirement:
    packages:
      cianna-otf: {}
  ResourceRequirement:
    coresMin: 2
    ramMin: 2048
inputs:
  image:
    type: File
    doc: FITS, also tile-compressed or in gzip
    inputBinding: { position: 1 }
  name:
    type: string
    default: catalogue
    doc: Of the catalogue, without an ending; files of a scatter want different ones.
  model:
    type: string?
    doc: Id of a model.
    inputBinding: { prefix: --model }
  models:
    type: Directory?
    doc: Folder of model cards.
    inputBinding: { prefix: --models }
  measure:
    type: string?
    doc: none, fast or full
    inputBinding: { prefix: --measure }
arguments:
  - { prefix: --threads, valueFrom: $(runtime.cores) }
  - { prefix: --output, valueFrom: $(inputs.name).vot }
outputs:
  catalogue:
    type: File
    doc: VOTable
    outputBinding: { glob: $(inputs.name).vot }
