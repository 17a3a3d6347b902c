"""The report of a run: what stands in it, and how a browser takes it."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import kerasgan as kg
from kerasgan import report
from kerasgan.callbacks import HealthMonitor
from kerasgan.charts import line_chart

NASTY = "faces & <b>friends</b>\"'"
EVENT = {"step": 40, "event": "collapse", "saw": "samples show 12 % <of> it", "try": "lower rates", "did": "warned"}


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def run(tmp_path):
    """What a training leaves, with everything that could be there."""
    recipe = kg.Recipe("dcgan_faces", "dcgan", NASTY, (8, 8, 3), epochs=20, penalties=({"name": "r1", "gamma": 0.1},))
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    sitting = {"ended_at_step": 40, "seconds": 90.0, "machine": "abacus", "libraries": {"keras": "3"}}
    (tmp_path / "run.json").write_text(json.dumps({"sittings": [sitting, {**sitting, "seconds": 30.0}]}))
    names = ("d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy", "d_grad_norm", "g_grad_norm", "r1")
    lines(tmp_path / "log.jsonl", [{"epoch": i, "step": 2 * i, **dict.fromkeys(names, 1 / i)} for i in range(1, 21)])
    checks = [{"step": s, "epoch": 1, "over": 1, "spread": s / 40, "modes": None, "distance": 0.3} for s in (20, 40)]
    lines(tmp_path / "health.jsonl", [*checks, EVENT])
    lines(tmp_path / "scores.jsonl", [{"epoch": i, "step": 2 * i, "fid": 50 / i, "best": i < 15} for i in (5, 10, 20)])
    rng = np.random.default_rng(0)
    for i in range(1, 21):
        kg.viz.save_grid(rng.integers(0, 256, (9, 8, 8, 3), "uint8"), tmp_path / "samples" / f"epoch-{i:04d}.png", 3, 2)
    return tmp_path


def text_of(path):
    return html.unescape(re.sub("<[^>]+>", " ", path.read_text()))


def test_everything_of_the_run_is_in_it(run):
    text = " ".join(text_of(report.write(run)).split())
    for part in ("dcgan_faces", NASTY, "20 of 20", "2,560", "2.0 minutes", "5 best fid", "collapse at step 40"):
        assert part in text
    for part in ("12 % <of> it", "lower rates", "abacus", "keras 3", "epoch 1 ", "epoch 20 ", "name r1, gamma 0.1"):
        assert part in text
    assert "<b>friends" not in (run / "report.html").read_text()


def test_what_a_family_reports_beside_is_no_penalty(run):
    names = ("d_loss", "d_mismatched_accuracy", "real_class_accuracy", "real_class_loss", "rate", "r1")
    lines(run / "log.jsonl", [{"epoch": i, "step": 2 * i, **dict.fromkeys(names, 1 / i)} for i in (1, 2)])
    text = " ".join(text_of(report.write(run)).split())
    assert "r1 (added to the discriminator's loss)" in text and text.count("(added to") == 1
    assert all(title in text for title in ("mismatched", "real class", "real class loss", "rate"))


@pytest.mark.parametrize("step, said", [(400, "too short to be judged"), (450, "healthy")])
def test_a_run_is_called_healthy_when_it_was_judged(run, step, said):
    lines(run / "health.jsonl", [{"step": s, "epoch": 1, "over": 1} for s in range(50, step + 1, 50)])
    text = " ".join(text_of(report.write(run)).split())
    assert [word in text for word in ("too short to be judged", "healthy")] == [said != "healthy", said == "healthy"]


def test_nothing_but_nan_is_called_before():
    monitor = HealthMonitor()
    assert monitor.verdicts.warmup + (monitor.verdicts.patience - 1) * monitor.every == report.JUDGED


def test_it_is_one_file_without_a_script(run):
    page = report.write(run).read_text()
    assert not re.findall(r"<script|<link|https?://|url\(|@import", page)
    assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', page))
    assert page.count("<img") == 1 + 12, "the last samples, and a strip of a dozen"


def test_a_run_that_has_hardly_begun_has_a_report(tmp_path):
    recipe = kg.Recipe("dcgan_digits", "dcgan", "digits", (28, 28, 1))
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.to_dict()))
    assert "0 of 50" in text_of(report.write(tmp_path))
    with pytest.raises(kg.InputError, match="holds no run"):
        report.write(tmp_path / "elsewhere")


def test_large_grids_are_made_small(run):
    noise = np.random.default_rng(0).integers(0, 256, (1, 1500, 1500, 3), "uint8")
    kg.viz.save_grid(noise, run / "samples" / "epoch-0020.png")
    assert report.write(run).stat().st_size < 2_000_000


def test_curves_go_through_their_points():
    svg = line_chart("t", {"a": [(0, 0.0), (10, 1.0), (20, None), (30, float("nan")), (40, 2.0), (50, 2.0)]})
    (path,) = re.findall(r'd="(M[^"]*)"', svg)
    points = [tuple(map(float, p.split())) for p in re.findall(r"[ML]([\d. ]+)", path)]
    assert path.count("M") == 2, "a gap where there is no number"
    assert len(points) == 4
    (x0, y0), (x1, y1), (x2, y2), (_, y3) = points
    assert x0 < x1 < x2
    assert x2 - x0 == pytest.approx(4 * (x1 - x0), abs=0.2)
    assert y0 - y2 == pytest.approx(2 * (y0 - y1), abs=0.2)
    assert y2 == y3


def test_charts_of_nothing_and_of_long_runs():
    assert line_chart("t", {"a": [], "b": [(1, None)]}) == ""
    assert line_chart("t", {"a": [(1, -1.0)]}, log=True) == ""
    long = line_chart("t", {"a": [(i, i % 2) for i in range(10_000)]})
    assert len(long) < 20_000
    assert "<svg" in line_chart("t", {"a": [(1, 5.0)]}), "a single point has no extent"


PROBE = """<script>addEventListener("load", () => document.title = JSON.stringify({
  images: [...document.images].map(i => i.complete && i.naturalWidth > 0),
  lengths: [...document.querySelectorAll("path.line")].map(p => p.getTotalLength()),
  requests: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
  wide: document.documentElement.scrollWidth - innerWidth,
  paper: getComputedStyle(document.body).backgroundColor,
}))</script>"""


@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_shows_it(run, tmp_path, width):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("there is no chromium")
    page = report.write(run).read_text()
    shown = tmp_path / "probed.html"
    shown.write_text(
        page.replace(report.ALLOWED, report.ALLOWED + "; script-src 'unsafe-inline'").replace(
            "</main>", PROBE + "</main>"
        )
    )
    process = subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=5000", "--dump-dom", shown.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    seen = json.loads(html.unescape(re.search("<title>(.*?)</title>", process.stdout, re.DOTALL)[1]))
    assert seen["images"] == [True] * 13
    assert len(seen["lengths"]) >= 8
    assert min(seen["lengths"]) > 50, "every curve is drawn"
    assert seen["requests"] == []
    assert seen["wide"] <= 0, "nothing sticks out sideways"
    assert seen["paper"] != "rgba(0, 0, 0, 0)", "the style is applied"
    assert "CONSOLE" not in process.stderr, process.stderr
