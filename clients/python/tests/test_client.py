"""Against a real server: python3 -m unittest, with CIANNA_OTF_URL, and OTF_TEST_IMAGE, a FITS image with sources."""

import os
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

import numpy
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from cianna_otf import JobAborted, JobFailed, JobParams, JobUnfinished, OTFClient, OTFError, ServerUnreachable
from cianna_otf.jobs import parse_job
from cianna_otf.upload import MultipartStream

IMAGE = os.environ["OTF_TEST_IMAGE"]


class TestClient(unittest.TestCase):
    def setUp(self):
        self.client = OTFClient()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(self.client.session.close)
        self.folder = folder.name

    def in_folder(self, name):
        return os.path.join(self.folder, name)

    def test_run_gives_a_table_with_units_and_tells_of_phases_and_the_upload(self):
        phases, sent = [], []
        table = self.client.run(
            IMAGE,
            JobParams(model="demo-continuum", run_id="a & b"),
            on_phase=lambda job: phases.append(job.phase),
            on_upload=lambda done, total: sent.append((done, total)),
        )
        self.assertIsInstance(table, Table)
        self.assertGreater(len(table), 10)
        self.assertEqual((table["ra"].unit, table["flux"].unit), (u.deg, u.Jy))
        self.assertEqual(phases[-1], "COMPLETED")
        self.assertEqual(phases, sorted(phases, key=["PENDING", "QUEUED", "EXECUTING", "COMPLETED"].index))
        self.assertEqual(sent[-1][0], sent[-1][1])
        self.assertGreater(sent[-1][1], os.path.getsize(IMAGE))

    def test_submit_job_poll_and_download(self):
        id = self.client.submit(IMAGE, JobParams(run_id="mine", priority=7))
        looks = list(self.client.poll_iter(id))
        last = looks[-1]
        self.assertEqual((last.id, last.phase, last.run_id, last.error), (id, "COMPLETED", "mine", None))
        self.assertTrue(all(not job.is_over for job in looks[:-1]))
        self.assertEqual(last.parameters["PRIORITY"], "7")
        self.assertLessEqual(last.created, last.started)
        self.assertLessEqual(last.started, last.ended)
        self.assertEqual(last.progress.done, last.progress.total)
        table = self.client.table(last)
        self.assertEqual(last.found, len(table))
        path = self.client.download(id, self.in_folder("a.fits"), format="fits")
        with fits.open(path) as opened:
            self.assertEqual(len(opened[1].data), len(table))
            numpy.testing.assert_array_equal(opened[1].data["ra"], table["ra"])
        log = self.client.download(id, self.in_folder("log"), result="log")
        self.assertEqual(os.path.getsize(log), next(each.size for each in last.results if each.id == "log"))
        here = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, here)
        stem = os.path.basename(IMAGE)[: -len(".fits")]
        self.assertEqual(self.client.download(id), f"{stem}.vot")
        self.assertEqual(self.client.download(id, format="fits"), f"{stem}.catalogue.fits")
        self.assertEqual(Table.read(f"{stem}.vot", format="votable").colnames, table.colnames)
        self.client.delete(id)
        with self.assertRaises(OTFError) as gone:
            self.client.job(id)
        self.assertEqual((gone.exception.code, gone.exception.status), ("OTF_NOT_FOUND", 404))

    def test_a_region_is_the_same_however_it_is_said(self):
        with fits.open(IMAGE) as opened:
            wcs = WCS(opened[0].header).celestial
        centre = SkyCoord(*wcs.all_pix2world(128.5, 128.5, 1), unit=u.deg)
        box = self.client.run(IMAGE, JobParams(box=(1, 1, 256, 256)))
        self.assertGreater(len(box), 0)
        for params in (
            JobParams(roi=(centre.galactic, 256, 256)),
            JobParams(ra=float(centre.ra.deg), dec=float(centre.dec.deg), roi_w=256, roi_h=256),
            JobParams.from_observatory(
                {"yolo_model": "demo-continuum", "ra": float(centre.ra.deg), "dec": float(centre.dec.deg), "roi_w": 256, "roi_h": 256, "user_id": 3}
            ),
        ):
            found = self.client.run(IMAGE, params)
            numpy.testing.assert_array_equal(found["x"], box["x"])
        with self.assertRaisesRegex(ValueError, "one region, not box and ra/dec"):
            JobParams(box=(1, 1, 2, 2), ra=1.0, dec=2.0).fields()
        with self.assertRaises(TypeError):
            JobParams.from_observatory({"yolo": "x"})

    def test_an_input_of_a_job_is_used_again(self):
        id = self.client.submit(IMAGE)
        self.client.wait(id, timeout=120)
        again = self.client.wait(self.client.submit(f"job:{id}/IMAGE"), timeout=120)
        self.assertEqual(again.found, self.client.job(id).found)

    def test_failures_have_the_code_and_the_line_of_the_server(self):
        path = self.in_folder("text.fits")
        with open(path, "w") as file:
            file.write("no image at all")
        with self.assertRaises(JobFailed) as failed:
            self.client.run(path)
        self.assertEqual(failed.exception.code, "OTF_FITS_UNREADABLE")
        self.assertIn("text.fits is not a FITS file", str(failed.exception))
        self.assertEqual(failed.exception.job.phase, "ERROR")
        self.assertIn("not a FITS file", self.client.detail(failed.exception.job))
        for params, code, status in (
            (JobParams(model="no-such"), "OTF_MODEL_UNKNOWN", 422),
            (JobParams(priority=12), "OTF_BAD_REQUEST", 400),
            (JobParams(extra={"FROM_LATER": "1", "NORM_FCT": "sine"}), "OTF_BAD_REQUEST", 400),
        ):
            with self.assertRaises(OTFError) as refused:
                self.client.submit(IMAGE, params)
            self.assertEqual((refused.exception.code, refused.exception.status), (code, status))
        with self.assertRaises(FileNotFoundError):
            self.client.submit(self.in_folder("none.fits"))
        with self.assertRaises(OTFError) as odd:
            self.client.job("../metrics")
        self.assertEqual(odd.exception.status, 404)

    def test_waiting_ends_when_it_shall_and_an_abort_is_told(self):
        # Of a job that nobody starts neither phase nor progress changes.
        answer = self.client.session.post(f"{self.client.url}/jobs", data={"IMAGE": "http://127.0.0.1:9/a.fits"}, allow_redirects=False)
        id = answer.headers["Location"].rsplit("/", 1)[-1]
        with self.assertRaises(JobUnfinished) as late:
            self.client.wait(id, timeout=0.5)
        self.assertEqual((late.exception.job.phase, late.exception.code), ("PENDING", "OTF_TIMEOUT"))
        self.assertEqual(self.client.abort(id).phase, "ABORTED")
        with self.assertRaises(JobAborted):
            self.client.wait(id)
        with self.assertRaises((JobAborted, JobUnfinished)):
            self.client.run(IMAGE, abort_after=0)

    def test_models_and_who_is_no_server(self):
        models = self.client.connect().models()
        self.assertIn("demo-continuum.dat", list(models["ModelName"]))
        with self.assertRaisesRegex(ServerUnreachable, "cannot reach http://127.0.0.1:9"):
            OTFClient("http://127.0.0.1:9").connect()

        class Other(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<!DOCTYPE html><p>hello")

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Other)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        other = OTFClient(f"http://127.0.0.1:{server.server_port}")
        for call in (other.connect, other.models, lambda: other.job("j1")):
            with self.assertRaises(OTFError):
                call()
        other.session.close()


class TestToken(unittest.TestCase):
    def test_a_token_goes_with_every_request_and_to_nobody_else(self):
        client = OTFClient("http://127.0.0.1:9", token="otf_1_x")
        self.addCleanup(client.session.close)
        self.assertEqual(client.session.headers["Authorization"], "Bearer otf_1_x")
        self.assertNotIn("Authorization", OTFClient("http://127.0.0.1:9").session.headers)


class TestNames(unittest.TestCase):
    def test_the_url_of_a_job_is_one_of_the_server_and_no_others(self):
        client = OTFClient("http://127.0.0.1:9/otf/")
        self.addCleanup(client.session.close)
        with mock.patch.object(client, "_send") as sent:
            client.delete("http://127.0.0.1:9/otf/jobs/j1/")
            sent.assert_called_once_with("DELETE", "/jobs/j1", accept=(303,))
            for url in ("http://127.0.0.1:8/otf/jobs/j1", "http://127.0.0.1:9/jobs/j1", "http://127.0.0.1:9/otf/jobs/j1/x"):
                with self.assertRaisesRegex(OTFError, "is no job of http://127.0.0.1:9/otf"):
                    client.delete(url)
            sent.assert_called_once()


class TestPace(unittest.TestCase):
    def test_a_job_that_waits_for_others_is_looked_at_once_a_second(self):
        client = OTFClient("http://127.0.0.1:9")
        self.addCleanup(client.session.close)
        for follow in (client.wait, lambda id: list(client.poll_iter(id))):
            phases = ["HELD", "HELD", "QUEUED", "COMPLETED"]
            looks = [parse_job(_JOB % phase.encode()) for phase in phases]
            with mock.patch.object(client, "job", side_effect=looks), mock.patch("time.sleep") as slept:
                follow("j1")
            self.assertEqual([call.args for call in slept.call_args_list], [(1,), (1,)])


_JOB = (
    b'<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:jobId>j1</uws:jobId><uws:phase>%s</uws:phase></uws:job>'
)


class TestUpload(unittest.TestCase):
    def test_a_form_is_as_long_as_it_says_however_it_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'a"b.fits')
            with open(path, "wb") as file:
                file.write(bytes(range(256)) * 40)
            for size in (1, 7, 1000, -1):
                with MultipartStream({"RUNID": "\u03c0"}, {"IMAGE": path}) as body:
                    pieces = []
                    while piece := body.read(size):
                        pieces.append(piece)
                    whole = b"".join(pieces)
                    self.assertEqual(len(whole), len(body))
                    self.assertIn(b'filename="a_b.fits"', whole)
                    self.assertIn(bytes(range(256)) * 40, whole)
            with MultipartStream({}, {"IMAGE": path}) as body:
                os.truncate(path, 100)
                with self.assertRaisesRegex(OSError, "shorter"):
                    while body.read(4096):
                        pass


if __name__ == "__main__":
    unittest.main()
