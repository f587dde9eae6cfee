"""Helpers of `bench finders` that need Python.

    finders.py run COMMAND...                     the command, then its seconds, CPU seconds and bytes as JSON on stdout
    finders.py sep FIELD OUT.csv THRESHOLD beam|none    sources of an image by SEP, as a CSV table
    finders.py sextractor TABLE.fits FIELD OUT.csv    Source Extractor's table with flux densities in Jy
"""
import json
import resource
import subprocess
import sys
import time


def run(command):
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"seconds": time.perf_counter() - begun, "cpuSeconds": used.ru_utime + used.ru_stime,
                      "bytes": used.ru_maxrss * 1024}))


def opened(field):
    import numpy
    from astropy.io import fits
    from astropy.wcs import WCS

    with fits.open(field) as file:
        header = file[0].header
        pixels = numpy.ascontiguousarray(numpy.squeeze(file[0].data), dtype=numpy.float32)
    scale = abs(header["CDELT1"])
    beam = 1.1330900354567985 * header["BMAJ"] * header["BMIN"] / scale**2  # pi / (4 ln 2)
    return pixels, WCS(header).celestial, beam, header["BMAJ"] / scale


def write(path, ra, dec, flux, rank):
    with open(path, "w") as out:
        out.write("ra,dec,flux,objectness\n")
        for row in zip(ra, dec, flux, rank):
            out.write(",".join(repr(float(value)) for value in row) + "\n")


def find_by_sep(field, out, threshold, kernel_name):
    import numpy
    import sep

    pixels, wcs, beam, fwhm = opened(field)
    background = sep.Background(pixels, bw=64, bh=64)
    background.subfrom(pixels)
    sigma = fwhm / 2.3548
    at = numpy.arange(-3, 4)
    kernel = numpy.exp(-0.5 * (at[:, None] ** 2 + at**2) / sigma**2)
    kernel = kernel if kernel_name == "beam" else None
    sep.set_extract_pixstack(10_000_000)
    found = sep.extract(pixels, float(threshold), err=background.rms(), minarea=3, filter_kernel=kernel,
                        deblend_cont=0.0005)
    x, y, _ = sep.winpos(pixels, found["x"], found["y"], numpy.full(len(found), 2 * fwhm / 2.3548))
    # Its own output may lie a rounding outside what it takes.
    a = numpy.maximum(numpy.nan_to_num(found["a"]), 0.5)
    b = numpy.clip(numpy.nan_to_num(found["b"]), 0.5, a)
    theta = numpy.clip(numpy.nan_to_num(found["theta"]), -1.5707, 1.5707)
    flux, _, _ = sep.sum_ellipse(pixels, found["x"], found["y"], a, b, theta, 2.5, subpix=5)
    ra, dec = wcs.all_pix2world(x, y, 0)
    write(out, ra, dec, flux / beam, found["peak"] / background.globalrms)


def from_sextractor(table, field, out):
    from astropy.table import Table

    _, _, beam, _ = opened(field)
    rows = Table.read(table)
    write(out, rows["ALPHAWIN_J2000"], rows["DELTAWIN_J2000"], rows["FLUX_AUTO"] / beam, rows["SNR_WIN"])


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    {"run": lambda: run(rest), "sep": lambda: find_by_sep(*rest), "sextractor": lambda: from_sextractor(*rest)}[what]()
