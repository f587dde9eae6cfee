"""A job as the server tells it: the XML of UWS 1.1 as values."""

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple
from xml.etree import ElementTree

from astropy.time import Time

from .errors import OTFError

FINAL = ("COMPLETED", "ERROR", "ABORTED")
_UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True)
class Progress:
    """done of total; unit: what is counted, e.g. tiles."""

    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class Result:
    """A file the job left. The catalogue has the id `result`."""

    id: str
    mime_type: Optional[str]
    size: Optional[int]


@dataclass(frozen=True)
class Job:
    """phase: of UWS. found: rows of the catalogue, None while unknown. info: jobInfo, name to text."""

    id: str
    phase: str
    run_id: Optional[str]
    owner: Optional[str]
    created: Optional[Time]
    started: Optional[Time]
    ended: Optional[Time]
    quote: Optional[Time]
    error: Optional[str]
    error_code: str
    parameters: Mapping[str, str]
    results: Tuple[Result, ...]
    info: Mapping[str, str]

    @property
    def is_over(self):
        return self.phase in FINAL

    @property
    def found(self):
        return next((int(text) for name, text in self.info.items() if name.endswith("Found")), None)

    @property
    def progress(self):
        for name, total in self.info.items():
            if name.endswith("Total"):
                unit = name[: -len("Total")]
                return Progress(int(self.info.get(f"{unit}Done", 0)), int(total), unit)
        return None


def parse_job(content):
    """From the bytes of a UWS document. Raises OTFError when it is none."""
    # A document type is how XML attacks begin, and UWS has none.
    if b"<!DOCTYPE" in content:
        raise OTFError("the server's answer has a document type: it is no UWS document")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as fault:
        raise OTFError(f"the server's answer is no XML: {fault}") from fault
    if root.tag != f"{_UWS}job":
        raise OTFError("the server's answer is no UWS job")
    parameters = {each.get("id", ""): each.text or "" for each in root.iter(f"{_UWS}parameter")}
    info = {each.tag.split("}")[-1]: each.text or "" for each in root.findall(f"{_UWS}jobInfo/*")}
    return Job(
        id=_text(root, "jobId") or "",
        phase=_text(root, "phase") or "UNKNOWN",
        run_id=_text(root, "runId"),
        owner=_text(root, "ownerId"),
        created=_time(root, "creationTime"),
        started=_time(root, "startTime"),
        ended=_time(root, "endTime"),
        quote=_time(root, "quote"),
        error=_text(root, f"errorSummary/{_UWS}message"),
        error_code=info.get("errorCode", ""),
        parameters=parameters,
        results=tuple(_result(each) for each in root.iter(f"{_UWS}result")),
        info=info,
    )


def _result(element):
    size = element.get("size")
    return Result(element.get("id", ""), element.get("mime-type"), None if size is None else int(size))


def _text(root, path):
    found = root.find(f"{_UWS}{path}")
    if found is None or found.get(_NIL) == "true":
        return None
    return found.text or None


def _time(root, name):
    text = _text(root, name)
    return None if text is None else Time(text.rstrip("Z"), format="isot", scale="utc")
