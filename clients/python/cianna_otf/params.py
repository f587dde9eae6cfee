"""What a job is asked for, in Python's types."""

from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence, Union

from astropy import units as u
from astropy.coordinates import SkyCoord

#: Parameters of the observatory's clients by their names there.
_OBSERVATORY = {"yolo_model": "model", "model_id": "model"}


@dataclass(frozen=True)
class JobParams:
    """Parameters of a job; what is None is decided by the model and the server.

    model: id or alias of a model of the server (OTFClient.models()).
    quantization: compute type, e.g. "FP32C_FP32A" or "BF16".
    ra, dec, roi_w, roi_h: region around a position, ICRS degrees and pixels: as the observatory's clients say it.
    roi: (SkyCoord, width, height) in pixels: the same from a SkyCoord of any frame.
    box: (x, y, width, height) in FITS pixels, the first is 1, 1. At most one of the three regions.
    hdu, plane: which image of the file, which plane of a cube (0 = first).
    pixel_unit: unit of the pixels in place of BUNIT.
    norm_fct, min_pix, max_pix: normalisation and percentiles in place of the model's.
    beam: path or URL of a primary-beam image.
    run_id: a name of yours, comes back with the job.
    priority: 0 to 9; of your waiting jobs the highest goes first.
    execution_duration: seconds it may run.
    extra: further fields of the request, by their names there: parameters of kinds this class does not know.
    """

    model: Optional[str] = None
    quantization: Optional[str] = None
    ra: Optional[float] = None
    dec: Optional[float] = None
    roi_w: Optional[int] = None
    roi_h: Optional[int] = None
    roi: Optional[tuple] = None
    box: Optional[Sequence[int]] = None
    hdu: Optional[int] = None
    plane: Optional[int] = None
    pixel_unit: Union[str, u.UnitBase, None] = None
    norm_fct: Union[str, Sequence[str], None] = None
    min_pix: Optional[float] = None
    max_pix: Optional[float] = None
    beam: Optional[str] = None
    run_id: Optional[str] = None
    priority: Optional[int] = None
    execution_duration: Optional[int] = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_observatory(cls, given):
        """From a dict with the names of the observatory's clients: yolo_model, ra, dec, roi_w, roi_h, norm_fct, ...

        user_id becomes the run id. Raises TypeError for a name that is none of them.
        """
        known = {_OBSERVATORY.get(name, name): value for name, value in given.items() if name != "user_id"}
        if given.get("user_id") is not None:
            known.setdefault("run_id", str(given["user_id"]))
        return cls(**known)

    def fields(self):
        """Fields of the request, name to text. Raises ValueError where regions contradict each other."""
        named = {
            "MODEL": self.model,
            "QUANTIZATION": self.quantization,
            "HDU": self.hdu,
            "PLANE": self.plane,
            "PIXEL_UNIT": None if self.pixel_unit is None else str(self.pixel_unit),
            "NORM_FCT": _joined(self.norm_fct),
            "MIN_PIX": self.min_pix,
            "MAX_PIX": self.max_pix,
            "RUNID": self.run_id,
            "PRIORITY": self.priority,
            "EXECUTIONDURATION": self.execution_duration,
            **self._region(),
            **self.extra,
        }
        return {name: _text(value) for name, value in named.items() if value is not None}

    def _region(self):
        sky = {"RA": self.ra, "DEC": self.dec, "ROI_W": self.roi_w, "ROI_H": self.roi_h}
        given = [name for name, value in (("roi", self.roi), ("box", self.box)) if value is not None]
        if any(value is not None for value in sky.values()):
            given.append("ra/dec")
        if len(given) > 1:
            raise ValueError(f"give one region, not {' and '.join(given)}")
        if self.roi is not None:
            position, width, height = self.roi
            if not isinstance(position, SkyCoord):
                raise TypeError("roi is (SkyCoord, width, height)")
            icrs = position.icrs
            return {"RA": float(icrs.ra.deg), "DEC": float(icrs.dec.deg), "ROI_W": int(width), "ROI_H": int(height)}
        if self.box is not None:
            return {"BOX": ",".join(str(int(value)) for value in self.box)}
        return sky


def _joined(value):
    return value if value is None or isinstance(value, str) else ",".join(value)


def _text(value):
    # repr of a float is the shortest text that gives it back.
    return repr(float(value)) if isinstance(value, float) else str(value)
