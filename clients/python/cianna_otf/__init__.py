"""Client of a cianna-otf server: FITS images in, source catalogues as astropy Tables out.

    from cianna_otf import JobParams, OTFClient

    client = OTFClient("http://127.0.0.1:5000")
    sources = client.run("field.fits", JobParams(model="demo-continuum"))
"""

from .client import OTFClient
from .errors import JobAborted, JobFailed, JobUnfinished, OTFError, ServerUnreachable
from .jobs import Job, Progress, Result
from .params import JobParams

__all__ = [
    "Job",
    "JobAborted",
    "JobFailed",
    "JobParams",
    "JobUnfinished",
    "OTFClient",
    "OTFError",
    "Progress",
    "Result",
    "ServerUnreachable",
]
__version__ = "0.1.0"
