"""A run folder as one page: curves, samples, health, scores, settings. It needs no network and runs no script."""

import base64
import html
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kerasgan import jsonl
from kerasgan.charts import line_chart
from kerasgan.errors import InputError
from kerasgan.files import whole_file

FRAMES = 12
PIXELS = 720  # longer sides are shrunk
LARGEST_PNG = 250_000
ALLOWED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = Path(__file__).with_name("report.css")
JUDGED = 450
"""Steps before which HealthMonitor, as it is by default, sees nothing but NaN: its warm-up, and checks that agree."""

CONTENTS = {
    "report.html": "the run on one page: curves, samples, health",
    "sampler.keras": "the trained generator: kerasgan.Sampler.load(...)",
    "best_sampler.keras": "the generator of the best score",
    "generator.onnx": "for ONNX Runtime, checked against Keras",
    "generator_savedmodel": "for TensorFlow Serving, checked against Keras",
    "samples": "a grid per epoch, and training.gif",
    "log.jsonl": "losses, accuracies, penalties and gradient norms of every epoch",
    "health.jsonl": "what the health monitor measured, and saw",
    "scores.jsonl": "the scores that chose the best generator",
    "recipe.json": "the settings",
    "run.json": "machine, libraries and time",
    "checkpoints": "where the same command would go on",
}


def contents(folder: Path) -> list[tuple[Path, str]]:
    """(path, what it is) of everything a run has left."""
    return [(folder / name, what) for name, what in CONTENTS.items() if (folder / name).exists()]


def write(folder: str | Path) -> Path:
    """Writes `report.html` into a run folder, of a training that has ended or not.

    Raises:
        InputError: no run folder.
    """
    folder = Path(folder)
    if not (folder / "recipe.json").is_file():
        raise InputError(f"{str(folder)!r} holds no run: there is no recipe.json. Give the folder of a training.")
    path = folder / "report.html"
    with whole_file(path) as temporary:
        temporary.write_text(page(folder), encoding="utf-8")
    return path


def page(folder: Path) -> str:
    """The HTML of a run's report."""
    recipe, sittings = _json(folder / "recipe.json"), _json(folder / "run.json").get("sittings", [])
    epochs, checks = jsonl.read(folder / "log.jsonl"), jsonl.read(folder / "health.jsonl")
    scores = jsonl.read(folder / "scores.jsonl")
    events = [row for row in checks if "event" in row]
    checks = [row for row in checks if "event" not in row]
    frames = sorted((folder / "samples").glob("epoch-*.png"))
    name = recipe.get("name", folder.name)
    penalties = {penalty["name"] for penalty in recipe.get("penalties", [])}
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{ALLOWED}">',
            f"<title>{_text(name)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body><main>",
            _head(name, recipe, sittings, epochs, checks, events, scores),
            _latest(frames),
            _section("Health", _events(events)) if events else "",
            _section("Curves", _grid(_charts(epochs, checks, scores, events, penalties))),
            _section("Samples over time", _strip(frames)) if len(frames) > 1 else "",
            _section("Recipe", _table(recipe)),
            _section("Machine", "".join(_table(_sitting(s)) for s in sittings)) if sittings else "",
            "<footer>Made by kerasgan</footer></main></body></html>",
        ]
    )


def _head(name, recipe, sittings, epochs, checks, events, scores):
    shape = " x ".join(str(n) for n in recipe.get("image_shape", []))
    classes = recipe.get("num_classes")
    steps = max([row["step"] for row in (*epochs, *checks)], default=0)
    images = steps * recipe.get("batch_size", 0) * recipe.get("n_critic", 1)
    facts = {
        "epochs": f"{epochs[-1]['epoch'] if epochs else 0} of {recipe.get('epochs', '?')}",
        "steps": f"{steps:,}",
        "images shown": f"{images:,}",
        "minutes": f"{sum(s.get('seconds', 0) for s in sittings) / 60:.1f}" if sittings else "",
        **{f"best {key}": _figure(value) for key, value in _best(scores).items()},
    }
    kinds = f", {classes} classes" if classes else ""
    tiles = "".join(f"<div><dd>{_text(v)}</dd><dt>{_text(k)}</dt></div>" for k, v in facts.items() if v)
    return (
        f"<header><h1>{_text(name)}</h1>{_badge(checks, events)}"
        f"<p>{_text(recipe.get('dataset', ''))}, {_text(shape)}{_text(kinds)}</p><dl>{tiles}</dl></header>"
    )


def _badge(checks, events):
    if not checks:
        return ""
    if not events and checks[-1]["step"] < JUDGED:
        return '<span class="badge">too short to be judged</span>'
    if not events:
        return '<span class="badge good">healthy</span>'
    kinds = ", ".join(dict.fromkeys(event["event"].replace("_", " ") for event in events))
    return f'<span class="badge bad">{_text(kinds)}</span>'


def _best(scores):
    return {k: v for row in scores if row.get("best") for k, v in row.items() if k not in ("epoch", "step", "best")}


def _charts(epochs, checks, scores, events, penalties):
    marks = [event["step"] for event in events]
    keys = sorted(key for key in _keys(epochs) if not key.startswith("val_"))
    yield line_chart("Losses", _lines(epochs, {"d_loss": "discriminator", "g_loss": "generator"}), marks=marks)
    yield line_chart("Score", _lines(scores, {k: k for k in _best(scores)}), marks=marks)
    diversity = {"spread": "spread", "modes": "clusters reached", "classes": "classes"}
    yield line_chart("Diversity, beside the real data's", _lines(checks, diversity), marks=marks, level=1.0)
    yield line_chart("Distance to the real data", _lines(checks, {"distance": "sliced Wasserstein"}), marks=marks)
    accuracies = {"d_real_accuracy": "on real", "d_fake_accuracy": "on generated"}
    accuracies |= {key: _words(key) for key in keys if key.endswith("_accuracy") and key not in accuracies}
    yield line_chart("Accuracy of the discriminator", _lines(epochs, accuracies), marks=marks)
    norms = {"d_grad_norm": "discriminator", "g_grad_norm": "generator"}
    yield line_chart("Gradient norms", _lines(epochs, norms), log=True, marks=marks)
    shown = {"epoch", "step", "loss", "d_loss", "g_loss", *accuracies, *norms}
    for name in (key for key in keys if key not in shown):
        title = f"{name} (added to the discriminator's loss)" if name in penalties else _words(name)
        yield line_chart(title, _lines(epochs, {name: name}), marks=marks)


def _words(key):
    """A figure's name as a title has it: "d_mismatched_accuracy" says "mismatched"."""
    return key.removeprefix("d_").removesuffix("_accuracy").replace("_", " ")


def _keys(rows):
    return {key for row in rows for key in row}


def _lines(rows, names: Mapping[str, str]):
    """{title: [(step, value)]} of the columns the rows have."""
    return {title: [(row["step"], row[key]) for row in rows if key in row] for key, title in names.items()}


def _events(events):
    items = []
    for event in events:
        title = event["event"].replace("_", " ")
        items.append(
            f"<li><b>{_text(title)}</b> at step {event['step']:,}: {_text(event['saw'])}.<br><i>Try:</i> "
            f"{_text(event['try'])}.<br><small>{_text(event['did'])}</small></li>"
        )
    return f'<ul class="events">{"".join(items)}</ul>'


def _latest(frames):
    return f'<img class="latest" alt="samples of the last epoch" src="{_picture(frames[-1])}">' if frames else ""


def _strip(frames):
    count = min(FRAMES, len(frames))
    chosen = [frames[round(i * (len(frames) - 1) / max(count - 1, 1))] for i in range(count)]
    figures = (
        f'<figure><img alt="" src="{_picture(path, PIXELS // 2)}">'
        f"<figcaption>epoch {int(path.stem[6:])}</figcaption></figure>"
        for path in chosen
    )
    return f'<div class="strip" tabindex="0">{"".join(figures)}</div>'


def _picture(path, longest=PIXELS):
    """A data URL; large pictures are made smaller, and JPEG."""
    from PIL import Image

    content, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(content)) as opened:
        if max(opened.size) > longest or len(content) > LARGEST_PNG:
            buffer, kind = io.BytesIO(), "jpeg"
            picture = opened.convert("RGB")
            picture.thumbnail((longest, longest))
            picture.save(buffer, "JPEG", quality=88)
            content = buffer.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _sitting(note):
    libraries = ", ".join(f"{name} {version}" for name, version in note.get("libraries", {}).items())
    minutes = f"{note.get('seconds', 0) / 60:.1f}"
    return {"minutes": minutes, **{k: v for k, v in note.items() if k != "seconds"}, "libraries": libraries}


def _table(values: Mapping[str, Any]) -> str:
    rows = (
        f"<tr><th>{_text(key.replace('_', ' '))}</th><td>{_text(_value(value))}</td></tr>"
        for key, value in values.items()
        if value not in (None, "", {}, [])
    )
    return f"<table>{''.join(rows)}</table>"


def _value(value):
    if isinstance(value, dict):
        return ", ".join(f"{k} {_value(v)}" for k, v in value.items())
    if isinstance(value, list):
        return (
            "; ".join(str(_value(v)) for v in value)
            if any(isinstance(v, dict) for v in value)
            else " x ".join(map(str, value))
        )
    return _figure(value) if isinstance(value, float) else str(value)


def _figure(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _grid(charts: Iterable[str]) -> str:
    return f'<div class="charts">{"".join(charts)}</div>'


def _section(title, content):
    return f"<section><h2>{_text(title)}</h2>{content}</section>" if content else ""


def _text(value) -> str:
    return html.escape(str(value))


def _json(path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
