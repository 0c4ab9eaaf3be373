"""Writes a FeatureCollection of polygons and points with six properties, one feature a line.

Arguments: the file, its size in bytes at least.
"""

import json
import math
import random
import sys

target, size = sys.argv[1], int(sys.argv[2])
chance = random.Random(42)


def polygon():
    x, y = chance.uniform(-170, 170), chance.uniform(-80, 80)
    corners = chance.randrange(5, 20)
    turn = 2 * math.pi / corners
    ring = [
        [round(x + math.cos(turn * corner) / 100, 7), round(y + math.sin(turn * corner) / 100, 7)]
        for corner in range(corners)
    ]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def point():
    place = [round(chance.uniform(-180, 180), 7), round(chance.uniform(-90, 90), 7)]
    return {"type": "Point", "coordinates": place}


with open(target, "w", encoding="utf-8") as file:
    written = file.write('{"type":"FeatureCollection","features":[\n')
    number = 0
    while written < size:
        number += 1
        feature = {
            "type": "Feature",
            "id": number,
            "geometry": point() if chance.random() < 0.3 else polygon(),
            "properties": {
                "name": f"place {number}",
                "kind": chance.choice(["house", "field", "forest", "lake"]),
                "height": round(chance.uniform(0, 3000), 1),
                "people": chance.randrange(10**6),
                "protected": chance.random() < 0.1,
                "note": None if chance.random() < 0.5 else f"{chance.getrandbits(64):x}",
            },
        }
        line = json.dumps(feature, separators=(",", ":"))
        written += file.write(line if number == 1 else ",\n" + line)
    file.write("\n]}\n")
