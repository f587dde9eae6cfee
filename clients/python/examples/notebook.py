# %% [markdown]
# # Sources of a radio image, from Python
# A server is there: `cianna-otf serve`. Each `# %%` is a cell: Jupyter (with jupytext), VS Code and Spyder open this file
# as a notebook, and `python notebook.py IMAGE.fits` runs it from end to end.

# %%
import sys
import warnings

from astropy import units as u
from astropy.coordinates import SkyCoord

from cianna_otf import JobFailed, JobParams, OTFClient

image = sys.argv[1]
client = OTFClient().connect()  # CIANNA_OTF_URL, else http://127.0.0.1:5000
client.models()["ModelName", "InferenceQuantization"].pprint()

# %% [markdown]
# ## One call: image in, table out

# %%
sources = client.run(image, JobParams(run_id="notebook"), on_phase=lambda job: print(job.phase, job.progress or ""))
sources.sort("flux", reverse=True)
sources["source_id", "ra", "dec", "flux", "bmaj", "objectness"][:5].pprint(max_width=-1)

# %% [markdown]
# Units come with the columns, and positions are sky coordinates.

# %%
positions = SkyCoord(sources["ra"], sources["dec"])
print("total", sources["flux"].quantity.to(u.mJy).sum(), "from", len(sources), "sources")

# %% [markdown]
# ## A region around a position, step by step

# %%
brightest = positions[0]
id = client.submit(image, JobParams(roi=(brightest, 256, 256)))
for job in client.poll_iter(id):
    print(job.phase, job.progress or "")
around = client.table(id)
nearest = SkyCoord(around["ra"], around["dec"]).separation(brightest).min()
print(f"{len(around)} sources around the brightest, the nearest {nearest.arcsec:.2f} arcsec from it")
print("saved as", client.download(id, format="csv"))

# %% [markdown]
# ## What goes wrong is an exception with the server's code

# %%
try:
    client.run(image, JobParams(hdu=7))
except JobFailed as failure:
    print("refused:", failure)

# %% [markdown]
# ## The same without this package: pyvo
# The server speaks IVOA UWS 1.1; pyvo's job class waits for any job of it and reads its catalogue.

# %%
try:
    from pyvo.dal import AsyncTAPJob
except ImportError:
    print("pyvo is not installed (python3-pyvo)")
else:
    # Elements of our jobInfo that pyvo does not know are of no account.
    warnings.filterwarnings("ignore", message=".*Unknown element")
    job = AsyncTAPJob(f"{client.url}/jobs/{id}", session=client.session)
    job.wait(phases=["COMPLETED", "ERROR", "ABORTED"], timeout=60)
    print("pyvo:", job.phase, len(job.fetch_result()), "rows")
