#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: The sources of a dirty cube and the light curve of each
baseCommand: [cianna-otf, reconstruct]
hints:
  SoftwareRequirement:
    packages:
      cianna-otf: {}
  ResourceRequirement:
    coresMin: 2
    ramMin: 4096
inputs:
  cube:
    type: File[]
    doc: A FITS cube with an axis of time, or single-epoch images in the order of time
    inputBinding: { position: 1 }
  psf:
    type: File[]
    doc: Its point spread function, a cube, one image for all frames, or an image per frame
    inputBinding: { prefix: --psf, position: 2 }
  name:
    type: string
    default: found
    doc: Of the folder that is made; those of a scatter want different ones.
  times:
    type: File?
    doc: Table of when the frames were
    inputBinding: { prefix: --times, position: 3 }
  truth:
    type: File?
    doc: Of a simulation, for light curves with the truth beside them
    inputBinding: { prefix: --truth, position: 3 }
  method:
    type: string?
    doc: network, clean, clean-smooth or clean-bank
    inputBinding: { prefix: --method, position: 3 }
  models:
    type: Directory?
    doc: Folder of model cards.
    inputBinding: { prefix: --models, position: 3 }
arguments:
  - { prefix: --threads, valueFrom: $(runtime.cores), position: 4 }
  - { prefix: --output, valueFrom: $(inputs.name), position: 4 }
outputs:
  found:
    type: Directory
    doc: Everything it leaves, residual and signal-to-noise images among it
    outputBinding: { glob: $(inputs.name) }
  sources:
    type: File
    doc: VOTable
    outputBinding: { glob: $(inputs.name)/sources.vot }
  light_curves:
    type: File
    doc: VOTable, a row for each source and frame
    outputBinding: { glob: $(inputs.name)/lightcurves.vot }
