"""Detection as a stage of a workflow over an object store: with Lithops alone, or with flexecutor on it.

Both run functions where there is room (Lithops: a cluster, Kubernetes, a cloud) in an image that has `cianna-otf` on its PATH
(deploy/container). What a function gets and leaves are files; whoever calls it brings them from the bucket and back there.

    python3 workflows/lithops/detect_stage.py BUCKET PREFIX          # Lithops: one function for each image below the prefix
    cianna-otf run --in s3://BUCKET/PREFIX --out s3://BUCKET/OUT     # the same on one machine, without either
"""
import os
import subprocess
import sys
import tempfile

ENDINGS = (".fits", ".fit", ".fts", ".fz", ".fits.gz")


def detect(image, catalogue, *more):
    """The sources of a FITS file as a VOTable; `more` are options of `cianna-otf detect`."""
    command = ["cianna-otf", "detect", image, "--output", catalogue, *more]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())


def stage(ctx):
    """For flexecutor: Stage(stage_id="detect", func=stage, inputs=[FlexData(prefix="images")],
    outputs=[FlexData(prefix="catalogues", suffix=".vot")])."""
    for image in ctx.get_input_paths("images"):
        detect(image, ctx.next_output_path("catalogues"))


def detect_object(obj, storage):
    """For Lithops: FunctionExecutor().map(detect_object, "s3://BUCKET/PREFIX"); `obj` is one object, `storage` its store."""
    if not obj.key.lower().endswith(ENDINGS):
        return None
    key = obj.key + ".vot"
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, os.path.basename(obj.key))
        with open(image, "wb") as file:
            file.write(obj.data_stream.read())
        detect(image, image + ".vot")
        with open(image + ".vot", "rb") as file:
            storage.put_object(obj.bucket, key, file.read())
    return key


if __name__ == "__main__":
    from lithops import FunctionExecutor

    bucket, prefix = sys.argv[1:]
    executor = FunctionExecutor()
    executor.map(detect_object, f"s3://{bucket}/{prefix}")
    print("\n".join(key for key in executor.get_result() if key))
