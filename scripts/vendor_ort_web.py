"""Puts onnxruntime-web into `export/page/ort/`, as pinned in `pins.json` there: run once per version, then committed.

    python scripts/vendor_ort_web.py

The npm tarball must have the pinned integrity, the two files taken from it the pinned SHA-256; then the WebAssembly is
compressed (14.2 MB to 3.7 MB; the page decompresses it in the browser). The npm package carries no licence texts: they
are taken from the installed Python package `onnxruntime`, which is built from the same sources.

For another version: put its number and npm's `dist.integrity` (`npm view onnxruntime-web@VERSION dist.integrity`) into
`pins.json`, run this, and it says which SHA-256 to write there.
"""

import base64
import gzip
import hashlib
import importlib.util
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "export" / "page" / "ort"


def main():
    pins = json.loads((FOLDER / "pins.json").read_text())
    package, version = pins["package"], pins["version"]
    url = f"https://registry.npmjs.org/{package}/-/{package}-{version}.tgz"
    with urllib.request.urlopen(url) as reply:
        tarball = reply.read()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if integrity != pins["integrity"]:
        sys.exit(f"{url} has integrity\n{integrity}, pinned is\n{pins['integrity']}")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        content = {name: archive.extractfile(f"package/dist/{name}").read() for name in pins["sha256"]}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    if found != pins["sha256"]:
        sys.exit(f"The files are not the pinned ones. Found:\n{json.dumps(found, indent=2)}")
    for name, data in content.items():
        if name.endswith(".wasm"):
            (FOLDER / f"{name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
        else:
            (FOLDER / name).write_bytes(data)
    runtime = Path(importlib.util.find_spec("onnxruntime").origin).parent
    for name in ("LICENSE", "ThirdPartyNotices.txt"):
        (FOLDER / name).write_bytes((runtime / name).read_bytes())
    print(f"{package} {version} is in {FOLDER}")


if __name__ == "__main__":
    main()
