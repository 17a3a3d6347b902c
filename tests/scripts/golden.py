"""By how many grey levels published generators' samples differ from their pictures, on this process' backend."""

import json

import numpy as np
from PIL import Image

import kerasgan as kg
from kerasgan import viz
from kerasgan.zoo import manifest

differences = {}
for record in manifest.read():
    golden = record["golden"]
    images = kg.zoo.load(record["entry"], record["version"]).generate(golden["n"], seed=golden["seed"])
    with Image.open(manifest.FOLDER / golden["picture"]) as picture:
        shown = np.asarray(picture).astype(int)
    drawn = np.asarray(viz.to_pillow(viz.grid(images, columns=golden.get("columns", 10)))).astype(int)
    differences[record["file"]] = int(np.abs(drawn - shown).max())
print(json.dumps(differences))
