#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: CommandLineTool
label: A dirty cube of a changing sky with the PSF of every frame, and what is really in it
baseCommand: [cianna-otf, simulate, --cube]
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
    doc: The same seed gives the same cube.
    inputBinding: { prefix: --seed }
  size:
    type: int
    default: 64
    doc: Side in pixels.
    inputBinding: { prefix: --size }
  frames:
    type: int
    default: 32
    doc: In time.
    inputBinding: { prefix: --frames }
arguments:
  # By the seed: files of a scatter that share a name would overwrite each other.
  - { prefix: --output, valueFrom: cube-$(inputs.seed) }
outputs:
  cube:
    type: File
    doc: FITS (t,y,x)
    outputBinding: { glob: cube-$(inputs.seed)/dirty.fits }
  psf:
    type: File
    doc: FITS (t,y,x)
    outputBinding: { glob: cube-$(inputs.seed)/psf.fits }
  truth:
    type: File
    doc: FITS (t,y,x)
    outputBinding: { glob: cube-$(inputs.seed)/truth.fits }
