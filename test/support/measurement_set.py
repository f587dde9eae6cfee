"""measurement_set.py PATH ARRAY.enu FRAMES: a small Measurement Set for wsclean. An array that turns with the Earth sees one source of
1 Jy, 60 arcsec East and 30 arcsec North of the middle, which is there in the second half of the frames only."""
import sys

import numpy as np
from casacore import tables

FREQUENCY, WAVELENGTH = 1.4e9, 299792458.0 / 1.4e9
path, frames = sys.argv[1], int(sys.argv[3])
SNAPSHOTS, STEP, START = 2, 450.0, 60000 * 86400.0
RA, DEC = np.radians(150.0), np.radians(-30.0)

rows = [line.split()[:3] for line in open(sys.argv[2]) if line.strip() and not line.startswith('#')]
east, north, up = np.array(rows[::3], float).T
latitude = np.radians(-30.713)
xyz = np.stack([-np.sin(latitude) * north + np.cos(latitude) * up, east, np.cos(latitude) * north + np.sin(latitude) * up], 1)
one, two = np.triu_indices(len(xyz), 1)
pairs = len(one)


def uvw(hour):
    x, y, z = (xyz[one] - xyz[two]).T
    u = np.sin(hour) * x + np.cos(hour) * y
    v = -np.sin(DEC) * np.cos(hour) * x + np.sin(DEC) * np.sin(hour) * y + np.cos(DEC) * z
    return np.stack([u, v, np.cos(DEC) * np.cos(hour) * x - np.cos(DEC) * np.sin(hour) * y + np.sin(DEC) * z], 1)


count = frames * SNAPSHOTS
data = tables.makearrcoldesc('DATA', 0j, ndim=2, shape=[1, 1], valuetype='complex')
ms = tables.default_ms(path, tables.maketabdesc(data))
ms.addrows(count * pairs)
seconds = START + STEP * (np.arange(count) + 0.5)
uvws = np.concatenate([uvw(2 * np.pi / 86164 * (at - START - STEP * count / 2)) for at in seconds])
l, m = np.radians(60 / 3600), np.radians(30 / 3600)
n = np.sqrt(1 - l * l - m * m) - 1
phase = np.exp(-2j * np.pi / WAVELENGTH * -(uvws[:, 0] * l + uvws[:, 1] * m + uvws[:, 2] * n))
on = np.repeat(np.arange(count) >= count // 2, pairs)
random = np.random.default_rng(1)
visibilities = on * phase + 2 * (random.normal(size=on.size) + 1j * random.normal(size=on.size))


for name, values in (
    ('TIME', np.repeat(seconds, pairs)),
    ('TIME_CENTROID', np.repeat(seconds, pairs)),
    ('INTERVAL', np.full(on.size, STEP)),
    ('EXPOSURE', np.full(on.size, STEP)),
    ('ANTENNA1', np.tile(one, count).astype(np.int32)),
    ('ANTENNA2', np.tile(two, count).astype(np.int32)),
    ('UVW', uvws),
    ('DATA', visibilities.astype(np.complex64).reshape(-1, 1, 1)),
    ('FLAG', np.zeros((on.size, 1, 1), bool)),
    ('WEIGHT', np.ones((on.size, 1), np.float32)),
    ('SIGMA', np.ones((on.size, 1), np.float32)),
    ('SCAN_NUMBER', np.ones(on.size, np.int32)),
):
    ms.putcol(name, values)


def sub(name, **columns):
    table = tables.table(f'{path}::{name}', readonly=False, ack=False)
    rows = len(next(iter(columns.values())))
    table.addrows(rows)
    for column, values in columns.items():
        for row, value in enumerate(values):
            table.putcell(column, row, value)
    table.close()


def ecef():
    longitude, radius = np.radians(21.44), 6371000.0
    x, y, z = xyz.T + np.array([[radius * np.cos(latitude)], [0], [radius * np.sin(latitude)]])
    return np.stack([x * np.cos(longitude) - y * np.sin(longitude), x * np.sin(longitude) + y * np.cos(longitude), z], 1)


names = [f'A{i}' for i in range(len(xyz))]
sub('ANTENNA', NAME=names, STATION=names, POSITION=list(ecef()), DISH_DIAMETER=[13.5] * len(xyz), MOUNT=['ALT-AZ'] * len(xyz), TYPE=['GROUND-BASED'] * len(xyz))
sub('SPECTRAL_WINDOW', NAME=['band'], NUM_CHAN=[1], REF_FREQUENCY=[FREQUENCY], TOTAL_BANDWIDTH=[1e6], CHAN_FREQ=[np.array([FREQUENCY])],
    CHAN_WIDTH=[np.array([1e6])], EFFECTIVE_BW=[np.array([1e6])], RESOLUTION=[np.array([1e6])], MEAS_FREQ_REF=[5])
sub('POLARIZATION', NUM_CORR=[1], CORR_TYPE=[np.array([9], np.int32)], CORR_PRODUCT=[np.array([[0, 0]], np.int32)])
sub('DATA_DESCRIPTION', SPECTRAL_WINDOW_ID=[0], POLARIZATION_ID=[0])
sub('FIELD', NAME=['field'], PHASE_DIR=[np.array([[RA, DEC]])], DELAY_DIR=[np.array([[RA, DEC]])], REFERENCE_DIR=[np.array([[RA, DEC]])], NUM_POLY=[0], TIME=[START])
sub('OBSERVATION', TELESCOPE_NAME=['MeerKAT'], TIME_RANGE=[np.array([START, START + STEP * count])], OBSERVER=['nobody'])
ms.close()
