#!/usr/bin/env python3
"""The experiment's dataset for `cargo bench --bench dataset -- --from-file OUT` (1 GB).

Draws it anew with the experiment's own generator, which always draws the same, and writes it in
the layout of benches/dataset/file.rs. Needs numpy. The generator keeps the events of each pod to
itself, so they are read from its frame while it makes the series of a pod.

    export.py DIRECTORY_OF_GEN_PY OUT
"""
import struct, sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import gen
import numpy as np


def text(s):
    s = s.encode()
    return struct.pack('<I', len(s)) + s


def drawn(number, spec):
    """The series of a service; of each place for pods its events per second and process starts."""
    events, starts, place_of = {}, {}, {}

    def look(frame, event, _):
        if event == 'call' and frame.f_code.co_name == 'emit' and frame.f_globals is vars(gen):
            of = frame.f_back.f_locals
            k = of['k']
            place_of[of['pod']] = k
            if k not in events:
                bad = np.diff(of['c_er'])
                events[k] = np.stack([bad, bad + np.diff(of['c_ok'])], 1)
            starts.setdefault(k, set()).update(int(x) for x in of['starts'])

    sys.setprofile(look)
    series, _, _ = gen.service(number, spec)
    sys.setprofile(None)
    series = [s for s in series if s[0]['__name__'] == 'http_requests_total']
    return series, events, starts, place_of


with open(sys.argv[2], 'wb') as out:
    out.write(b'SLOFSET2' + struct.pack('<qqI', gen.T0, gen.N, len(gen.SPECS)))
    for number, spec in enumerate(gen.SPECS):
        series, events, starts, place_of = drawn(number, spec)
        out.write(text(spec['name']) + struct.pack('<I', gen.SLOTS))
        for k in range(gen.SLOTS):
            assert events[k].shape == (gen.N, 2) and events[k].max() < 1 << 16
            out.write(events[k].astype('<u2').tobytes())
            began = sorted(starts[k])
            out.write(struct.pack(f'<I{len(began)}q', len(began), *began))
        out.write(struct.pack('<I', len(series)))
        for labels, times, values, _ in series:
            out.write(struct.pack('<I', place_of[labels['pod']]) + text(labels['pod']) + text(labels['code']))
            out.write(struct.pack('<I', len(times)))
            out.write(times.astype('<i8').tobytes() + values.astype('<f8').tobytes())
        print(spec['name'], len(series), 'series', flush=True)
