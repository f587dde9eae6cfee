"""The client: one server, its models and jobs. Standard UWS 1.1 underneath: any UWS client sees the same jobs."""

import os
import time
from io import BytesIO
from uuid import uuid4
from xml.etree import ElementTree

import requests
from astropy.table import Table

from .errors import JobAborted, JobFailed, JobUnfinished, OTFError, ServerUnreachable
from .jobs import Job, parse_job
from .params import JobParams
from .upload import MultipartStream

DEFAULT_URL = "http://127.0.0.1:5000"
#: What the server has or gets itself.
_REMOTE = ("http://", "https://", "dav://", "davs://", "s3://", "job:", "upload:")
_XML = {"Accept": "text/xml, application/xml"}
#: Seconds a status request may block at the server: below what proxies allow.
_STEP = 30
#: In which phases a status request blocks (UWS 1.1, section 2.2.1.2), and seconds between two looks in others, as HELD.
_BLOCKING = ("PENDING", "QUEUED", "EXECUTING")
_PAUSE = 1
_ENDINGS = {"votable": "vot", "votable-binary2": "vot", "votable-1.5": "vot"}


class OTFClient:
    """One server. Jobs are named by their id, their URL on that server, or by the Job that a call gave.

    url: of the server; else the environment's CIANNA_OTF_URL, else http://127.0.0.1:5000.
    token: an API token of the server; else the environment's CIANNA_OTF_TOKEN.
    session: a requests.Session with what the server is to be asked with (proxies, certificates, other authentication).
    timeout: seconds within which the server must begin to answer.
    """

    def __init__(self, url=None, token=None, session=None, timeout=60):
        self.url = (url or os.environ.get("CIANNA_OTF_URL") or DEFAULT_URL).rstrip("/")
        self.session = session or requests.Session()
        token = token or os.environ.get("CIANNA_OTF_TOKEN")
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.timeout = timeout

    # The server

    def connect(self):
        """Is the server there, and can it run jobs? Gives itself. Raises ServerUnreachable, OTFError."""
        answer = self._send("GET", "/healthz", accept=(200, 503))
        try:
            ready = bool(answer.json()["ready"])
        except (ValueError, KeyError, TypeError) as fault:
            raise OTFError(f"{self.url} is no cianna-otf server") from fault
        if not ready:
            raise OTFError(f"{self.url} cannot run jobs at the moment", status=503)
        return self

    def models(self):
        """Its models: an astropy Table with a row each and the parameters of the observatory's registry as columns."""
        content = self._send("GET", "/model-files/CIANNA_models.xml").content
        if b"<!DOCTYPE" in content:
            raise OTFError("the model registry has a document type")
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError as fault:
            raise OTFError(f"the model registry is no XML: {fault}") from fault
        rows = []
        for element in root.iter():
            if element.tag.split("}")[-1] != "job":
                continue
            named = (each for each in element.iter() if each.tag.split("}")[-1] == "parameter")
            rows.append({each.get("id", ""): each.text or "" for each in named})
        names = list(dict.fromkeys(name for row in rows for name in row))
        return Table({name: [row.get(name, "") for row in rows] for name in names})

    # Jobs

    def submit(self, image, params=None, on_upload=None):
        """Sends an image and starts the job; gives its id.

        image: path of a FITS file, an http(s) URL the server fetches, or job:ID/NAME, a file of a job it has.
        params: JobParams. on_upload(sent, total): told of the upload, in bytes.
        """
        params = params or JobParams()
        fields = {**params.fields(), "PHASE": "RUN"}
        files = {}
        for name, given in (("IMAGE", image), ("BEAM", params.beam)):
            if given is None:
                continue
            given = os.fspath(given)
            if given.startswith(_REMOTE):
                fields[name] = given
            else:
                files[name] = given
        if files:
            with MultipartStream(fields, files, on_upload) as body:
                answer = self._send("POST", "/jobs", {"Content-Type": body.content_type}, data=body, accept=(303,))
        else:
            answer = self._send("POST", "/jobs", data=fields, accept=(303,))
        return answer.headers.get("Location", "").rstrip("/").rsplit("/", 1)[-1]

    def job(self, job, wait=0):
        """How it stands (Job). wait: the server answers when the phase changes, or after so many seconds."""
        query = {"WAIT": int(wait)} if wait > 0 else {}
        answer = self._send("GET", self._path(job), _XML, params=query, timeout=self.timeout + wait)
        return parse_job(answer.content)

    poll_once = job

    def poll_iter(self, job, interval=1.0):
        """Gives the job each time its phase or its progress has changed, until it has ended: that one is the last.

        interval: seconds between two looks at the progress; a change of phase is told at once.
        """
        last = None
        for now in self._looks(job, interval):
            seen = (now.phase, now.progress)
            if seen != last:
                yield now
            last = seen

    def _looks(self, job, interval):
        """The job as it is, again and again, until it has ended."""
        now = self.job(job)
        while not now.is_over:
            yield now
            now = self._again(now, max(1, round(interval)))
        yield now

    def _again(self, job, seconds):
        """The job after a change of its phase, or after so many seconds."""
        if job.phase not in _BLOCKING:
            time.sleep(min(seconds, _PAUSE))
        return self.job(job, wait=seconds)

    def wait(self, job, timeout=None):
        """Until it has ended; gives it. Raises JobFailed, JobAborted, JobUnfinished (timeout: seconds)."""
        until = None if timeout is None else time.monotonic() + timeout
        now = self.job(job)
        while not now.is_over:
            left = _STEP if until is None else until - time.monotonic()
            if left <= 0:
                raise JobUnfinished(f"job {now.id} is {now.phase} after {timeout} s, and goes on", now)
            now = self._again(now, min(_STEP, max(1, round(left))))
        return _completed(now)

    def abort(self, job):
        """Stops it; gives it as it is then. One that has ended stays as it was."""
        self._send("POST", f"{self._path(job)}/phase", data={"PHASE": "ABORT"}, accept=(200, 303))
        return self.job(job)

    def delete(self, job):
        """Removes it and its files."""
        self._send("DELETE", self._path(job), accept=(303,))

    def detail(self, job):
        """All that is known of why it failed: the line, and what a library said."""
        return self._send("GET", f"{self._path(job)}/error").text

    # Results

    def table(self, job):
        """The catalogue of a completed job as an astropy Table: units, descriptions and UCDs are in its columns."""
        content = self._send("GET", f"{self._path(job)}/results/result", params={"RESPONSEFORMAT": "votable"}).content
        return Table.read(BytesIO(content), format="votable")

    def download(self, job, path=None, result="result", format=None):
        """Writes a result to a file and gives its path.

        path: of the file; else the job's image with the ending of the format, here.
        result: its id (Job.results); format: of the catalogue, e.g. "votable", "fits", "csv", "json", "reg".
        """
        query = {} if format is None else {"RESPONSEFORMAT": format}
        if path is None:
            path = self._name(job, result, format)
        place = f"{self._path(job)}/results/{requests.utils.quote(result, safe='')}"
        temporary = f"{path}.{uuid4().hex[:8]}.part"
        with self._send("GET", place, params=query, stream=True) as answer:
            try:
                with open(temporary, "wb") as file:
                    for piece in answer.iter_content(1 << 18):
                        file.write(piece)
                os.replace(temporary, path)
            except BaseException:
                if os.path.exists(temporary):
                    os.remove(temporary)
                raise
        return path

    def run(self, image, params=None, on_phase=None, on_upload=None, timeout=None, abort_after=None):
        """Submits, waits, and gives the catalogue as an astropy Table.

        on_phase(job): called whenever phase or progress has changed. timeout: seconds to wait, the job goes on;
        abort_after: seconds after which the job is aborted. Raises JobFailed, JobAborted, JobUnfinished.
        """
        started = time.monotonic()
        id = self.submit(image, params, on_upload)
        last = None
        for job in self._looks(id, 1):
            seen = (job.phase, job.progress)
            if on_phase is not None and seen != last:
                on_phase(job)
            last = seen
            passed = time.monotonic() - started
            if job.is_over:
                _completed(job)
            elif abort_after is not None and passed >= abort_after:
                # It may have ended a moment before.
                _completed(self.abort(id))
            elif timeout is not None and passed >= timeout:
                raise JobUnfinished(f"job {id} is {job.phase} after {timeout} s, and goes on", job)
        return self.table(id)

    # Requests

    def _path(self, job):
        id = job.id if isinstance(job, Job) else str(job)
        if "://" in id:
            tree, id = id.rstrip("/").rsplit("/", 1)
            if tree not in (f"{self.url}/jobs", f"{self.url}/uws"):
                raise OTFError(f"{tree}/{id} is no job of {self.url}: ask an OTFClient of its own server")
        # An id must not become another path.
        return f"/jobs/{requests.utils.quote(id, safe='')}"

    def _name(self, job, result, format):
        known = self.job(job)
        image = known.info.get("input.FitsFilename") or known.id
        stem = os.path.basename(image)
        for ending in (".gz", ".fz", ".fits", ".fit", ".fts"):
            stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
        # A name of a server is data: no hidden file, no other folder.
        stem = "".join(each if each.isprintable() and each not in "/\\" else "_" for each in stem).lstrip(".-") or "image"
        if result != "result":
            return f"{stem}-{''.join(each if each.isalnum() else '_' for each in result)}"
        if format == "fits":
            return f"{stem}.catalogue.fits"
        return f"{stem}.{_ENDINGS.get(format or 'votable', format)}"

    def _send(self, method, path, headers=None, accept=(200,), timeout=None, **more):
        try:
            answer = self.session.request(
                method, self.url + path, headers=headers, allow_redirects=False, timeout=timeout or self.timeout, **more
            )
        except requests.exceptions.RequestException as fault:
            raise ServerUnreachable(f"cannot reach {self.url}: {fault}; is the server running?") from fault
        if answer.status_code in accept:
            return answer
        with answer:
            raise _refusal(answer)


def _completed(job):
    if job.phase == "ERROR":
        raise JobFailed(job.error or "the job failed", job, job.error_code)
    if job.phase == "ABORTED":
        raise JobAborted(f"job {job.id} was aborted", job)
    return job


def _refusal(answer):
    line = (answer.text.strip().splitlines() or ["no reason given"])[0]
    try:
        line = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        # Plain text, as DALI has it.
        pass
    retry = answer.headers.get("Retry-After", "")
    return OTFError(
        line[:300],
        code=answer.headers.get("OTF-Error", ""),
        status=answer.status_code,
        retry_after=int(retry) if retry.isdigit() else None,
    )
