"""Model cards and the gallery of a release folder, written from its records."""

import json
from pathlib import Path
from typing import Any

from kerasgan.files import whole_file

CURVES = ("d_loss", "g_loss")


def write(release: Path, records: list[dict[str, Any]]) -> None:
    """Writes the card of every published version, and `README.md`, the gallery of the newest of each entry."""
    newest = {r["entry"]: r for r in sorted(records, key=lambda r: r["version"])}
    for record in records:
        stem = Path(record["file"]).stem
        _write(release / "cards" / f"{stem}.md", card(record, _log(release / "cards" / f"{stem}.jsonl")))
    _write(release / "README.md", gallery([newest[entry] for entry in sorted(newest)]))


def _write(path, text):
    with whole_file(path) as temporary:
        temporary.write_text(text)


def _log(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def card(record: dict[str, Any], log: list[dict[str, float]]) -> str:
    """One model card as Markdown."""
    recipe = record["recipe"]
    stem = Path(record["file"]).stem
    classes = recipe["num_classes"]
    shape = "x".join(map(str, recipe["image_shape"]))
    libraries = ", ".join(f"{name} {version}" for name, version in record["libraries"].items())
    return f"""# {record["entry"]}, version {record["version"]}

![samples]({stem}.png)

*None picked{", one class in each column" if classes else ""}:
`kerasgan.zoo.load("{record["entry"]}", version={record["version"]}).generate({record["golden"]["n"]}, seed=0)`*

| | |
|---|---|
| family | `{recipe["family"]}` |
| images | {shape}{f", {classes} classes" if classes else ""} |
| generator | {record["parameters"]:,} parameters, {record["bytes"] / 1e6:.2f} MB, stored as {record["storage"]} |
| trained by | `{record["command"]}` |
| seed | {recipe["seed"]} |
| took | {record["minutes"]} minutes, {record["steps"]:,} steps, on {record["hardware"]} ({record["backend"]}) |
| libraries | {libraries} |
| commit | {record["commit"] or "not recorded"} |
| data | {record["dataset"]}; licence: {record["dataset_license"]} |
| licence of the weights | {record["weights_license"]} |
| SHA-256 | `{record["sha256"]}` |

## Scores

{_scores(record)}
{_curves(log)}
## Use and limits

Made to show, teach and test: a small network trained on a public data set. It draws what it saw, with the biases of
that data, and nothing else; it is not fit for decisions about people, and its images prove nothing about handwriting or
objects. Scores say how it compares under the protocol printed with them, not more.
"""


def _scores(record):
    scores = record["scores"]
    if scores is None:
        return "Not scored.\n"
    floor, protocol = scores["floor"], scores["protocol"]
    rows = [f"| {name} | {value:.4g} | {_number(floor.get(name))} |" for name, value in scores["values"].items()]
    notes = "".join(f"\n\n{note[0].upper()}{note[1:]}." for note in protocol["notes"])
    return "\n".join(
        [
            "| score | this generator | floor (real against real) |",
            "|---|---|---|",
            *rows,
            "",
            f"Protocol: {protocol['n_fake']:,} samples against real images, {protocol['split']}; "
            f"extractor `{protocol['extractor']}`, layer `{protocol['layer']}`, SHA-256 "
            f"`{protocol['extractor_sha256'][:16]}...`; seed {protocol['seed']}. Scores of another protocol do not "
            f"compare with these.{notes}",
            "",
        ]
    )


def _number(value, digits=4):
    return "-" if value is None else f"{value:.{digits}g}"


def _curves(log):
    if not log:
        return ""
    chosen = [log[round(i * (len(log) - 1) / 9)] for i in range(10)] if len(log) > 10 else log
    names = [name for name in (*CURVES, "d_real_accuracy", "d_fake_accuracy") if name in chosen[0]]
    head = f"| epoch | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n"
    rows = "".join(f"| {row['epoch']} | {' | '.join(f'{row[n]:.3f}' for n in names)} |\n" for row in chosen)
    return f"\n## Training\n\n{head}{rows}"


def gallery(records: list[dict[str, Any]]) -> str:
    """The page that shows the newest version of every entry."""
    rows = [
        f"| [`{r['entry']}`](cards/{Path(r['file']).stem}.md) | ![](cards/{Path(r['file']).stem}.png) | "
        f"{r['parameters']:,} | {r['minutes']} | {_brief(r)} |"
        for r in records
    ]
    return "\n".join(
        [
            "# The zoo",
            "",
            'Trained generators: `kerasgan.zoo.load("NAME")`, `kerasgan sample NAME`. Every picture shows the first',
            "hundred samples of seed 0. This page and the cards are written by `kerasgan zoo pack`.",
            "",
            "| entry | samples | parameters | minutes | FID: this / floor |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def summary(records: list[dict[str, Any]], release: str) -> str:
    """The newest version of every entry as a table without pictures, for a page outside the release folder."""
    newest = {r["entry"]: r for r in sorted(records, key=lambda r: r["version"])}
    return "\n".join(
        [
            "| entry | FID | class agreement | classifier accuracy score | MB | minutes |",
            "|---|---|---|---|---|---|",
            *(_summary_row(newest[entry], release) for entry in sorted(newest)),
        ]
    )


def _summary_row(record, release):
    scores = record["scores"] or {"values": {}, "floor": {}}

    def beside_floor(name):
        if name not in scores["values"]:
            return "-"
        return f"{scores['values'][name]:.3g} ({_number(scores['floor'].get(name), 3)})"

    card = f"[`{record['entry']}`]({release}/cards/{Path(record['file']).stem}.md)"
    values = " | ".join(map(beside_floor, ("fid", "class_agreement", "cas")))
    return f"| {card} | {values} | {record['bytes'] / 1e6:.2f} | {record['minutes']} |"


def _brief(record):
    scores = record["scores"]
    return f"{scores['values']['fid']:.3g} / {_number(scores['floor'].get('fid'))}" if scores else "-"
