// Processes for Nextflow (DSL 2):
//
//   include { CIANNA_DETECT; CIANNA_SCORE } from './cianna_otf'
//   workflow { CIANNA_DETECT(Channel.fromPath(params.images).map { [[id: it.baseName], it] }) }
//
// `meta.id` names the files. `ext.args` of a process goes to the command: --model, --measure, --box, ...

process CIANNA_DETECT {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), path(image)

    output:
    tuple val(meta), path("${meta.id}.vot"), emit: catalogue

    script:
    def args = task.ext.args ?: ''
    """
    cianna-otf detect ${image} --output ${meta.id}.vot --threads ${task.cpus} ${args}
    """
}

process CIANNA_SCORE {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(catalogue), path(truth)

    output:
    tuple val(meta), path("${meta.id}-score.json"), emit: score

    script:
    """
    cianna-otf score --plain ${catalogue} ${truth} --format json --output ${meta.id}-score.json
    """
}

process CIANNA_RECONSTRUCT {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), path(cube), path(psf)

    output:
    tuple val(meta), path("${meta.id}/*"), emit: files

    script:
    def args = task.ext.args ?: ''
    """
    cianna-otf reconstruct ${cube} --psf ${psf} --output ${meta.id} ${args}
    """
}
