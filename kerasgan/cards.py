"""Model cards and the gallery of a release folder, written from its records."""

from pathlib import Path
from statistics import mean, stdev
from typing import Any

from kerasgan.files import whole_file


def write(release: Path, records: list[dict[str, Any]], ours: bool) -> None:
    """Writes the card of every published version, and `README.md`, the gallery of the newest of each entry.

    Args:
        release: the folder.
        records: all of its `weights.json`.
        ours: whether the package knows the release by itself.
    """
    newest = {r["entry"]: r for r in sorted(records, key=lambda r: r["version"])}
    for record in records:
        stem = Path(record["file"]).stem
        with_curves = (release / "cards" / f"{stem}.svg").exists()
        _write(release / "cards" / f"{stem}.md", card(record, with_curves, ours))
    _write(release / "README.md", gallery([newest[entry] for entry in sorted(newest)], ours))


def _write(path, text):
    with whole_file(path) as temporary:
        temporary.write_text(text)


def card(record: dict[str, Any], with_curves: bool = False, ours: bool = True) -> str:
    """One model card as Markdown.

    Args:
        record: of `weights.json`.
        with_curves: whether an SVG file of that name lies beside it.
        ours: as of `write`.
    """
    recipe = record["recipe"]
    stem = Path(record["file"]).stem
    classes = recipe["num_classes"]
    shape = "x".join(map(str, recipe["image_shape"]))
    libraries = ", ".join(f"{name} {version}" for name, version in record["libraries"].items())
    return f"""# {record["entry"]}, version {record["version"]}

![samples]({stem}.png)

*None picked{_classes(record)}:
`{_drawn(record, ours)}`*{"" if ours else f" ({_RELEASE})"}

| | |
|---|---|
| family | `{recipe["family"]}` |
| images | {shape}{f", {classes} classes" if classes else ""} |
| generator | {record["parameters"]:,} parameters, {record["bytes"] / 1e6:.2f} MB, {_stored(record)} |{_spread(record)}
| trained by | `{record["command"]}` |
| seed | {recipe["seed"]} |
| took | {record["minutes"]} minutes, {record["steps"]:,} steps, on {record["hardware"]} ({record["backend"]}) |
| libraries | {libraries} |
| commit | {record["commit"] or "not recorded"} |
| data | {record["dataset"]}; licence: {record["dataset_license"]} |
| licence of the weights | {record["weights_license"]} |
| SHA-256 | `{record["sha256"]}` |

## Scores

{_scores(record)}{_seeds(record)}
{_training(stem) if with_curves else ""}
## Use and limits

Made to show, teach and test: a small network{_public(record)}. It draws what it saw, with the biases of
that data, and nothing else; it is not fit for decisions about people, and its images prove nothing about handwriting or
objects. Scores say how it compares under the protocol printed with them, not more.
{_limits(record)}"""


_RELEASE = "RELEASE is the folder that holds `weights.json`, or the http(s) address it is served at"


def _drawn(record, ours):
    release = "" if ours else ', release="RELEASE"'
    load = f'kerasgan.zoo.load("{record["entry"]}", version={record["version"]}{release})'
    return f"{load}.generate({record['golden']['n']}, seed=0)"


def _how(ours):
    if ours:
        return '`kerasgan.zoo.load("NAME")`, `kerasgan sample NAME`.'
    return (
        '`kerasgan.zoo.load("NAME", release="RELEASE")`, or `kerasgan download NAME --release RELEASE`, whose file\n'
        f"`kerasgan sample` and every other command take. {_RELEASE}."
    )


def _public(record):
    known = not record["dataset"].startswith("./") and record["dataset_license"] != "not stated"
    return " trained on a public data set" if known else ""


def _classes(record):
    classes = record["recipe"]["num_classes"]
    if not classes:
        return ""
    each = record["golden"].get("columns", 10) % classes == 0
    return ", one class in each column" if each else f", the {classes} classes in turn"


def _stored(record):
    difference = record.get("storage_difference")
    if not difference:
        return f"stored as {record['storage']}"
    return (
        f"stored as {record['storage']}: its pictures differ from those of float32 by {difference['largest']} of 255 "
        f"grey levels at most, {difference['mean']:.2g} on average"
    )


def _spread(record):
    factor = record.get("spread", 1)
    if factor == 1:
        return ""
    return f"\n| latents | {factor:g} times as far from their mean as in training (`zoo pack --spread {factor:g}`) |"


def _limits(record):
    """What its scores and its family say of this one."""
    said = []
    scores = record["scores"]
    if scores:
        (fid, recall), (fid_floor, recall_floor) = (
            [scores[kind].get(name) for name in ("fid", "recall")] for kind in ("values", "floor")
        )
        if fid_floor:
            said.append(f"Its Frechet distance is {fid / fid_floor:.2g} times that of real images.")
        if recall_floor and recall < 0.9 * recall_floor:
            said.append(f"It draws less than the data have: recall {recall:.2f}, real images {recall_floor:.2f}.")
        if record["dataset"] == "digits":
            said.append("On data as few as these a low distance does not tell learning from copying.")
    if record["recipe"]["family"] == "infogan":
        said.append("Its labels are codes it found for itself, not the classes of the data.")
    return "".join(f"\n{text}\n" for text in said)


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
            f"Protocol: {protocol['n_fake']:,} samples against real images, {protocol['split']}; the floor "
            f"{'and the classifier accuracy score are' if 'cas' in scores['values'] else 'is'} taken on "
            f"{protocol['held_out']}; "
            f"extractor `{protocol['extractor']}`, layer `{protocol['layer']}`, SHA-256 "
            f"`{protocol['extractor_sha256'][:16]}...`; seed {protocol['seed']}. Scores of another protocol do not "
            f"compare with these.{notes}",
            "",
        ]
    )


def _seeds(record):
    """Its scores beside those of the same recipe with other seeds, and how far they lie apart."""
    by_seed = record.get("seeds")
    if not by_seed:
        return ""
    # kid_std is a spread itself.
    names = [name for name in record["scores"]["values"] if not name.endswith("_std")]
    values = {name: [one["values"][name] for one in by_seed.values()] for name in names}
    origins = {name: [str(one[name])[:12] for one in by_seed.values()] for name in ("commit", "backend")}
    return "\n".join(
        [
            "",
            f"The same recipe with other seeds; published is seed {record['recipe']['seed']}:",
            "",
            f"| score | {' | '.join(f'seed {seed}' for seed in by_seed)} | mean | sample standard deviation |",
            "|---|" + "---|" * (len(by_seed) + 2),
            *(
                f"| {name} | {' | '.join(map(_number, row))} | {_number(mean(row))} | {_number(stdev(row), 2)} |"
                for name, row in values.items()
            ),
            *(f"| {name} | {' | '.join(row)} | | |" for name, row in origins.items()),
            "",
        ]
    )


def _number(value, digits=4):
    return "-" if value is None else f"{value:.{digits}g}"


def _training(stem):
    return f"\n## Training\n\n![losses and accuracies]({stem}.svg)\n\nAll numbers: [{stem}.jsonl]({stem}.jsonl).\n"


def gallery(records: list[dict[str, Any]], ours: bool = True) -> str:
    """The page that shows the newest version of every entry; `ours` as of `write`."""
    rows = [
        f"| [`{r['entry']}`](cards/{Path(r['file']).stem}.md) | ![](cards/{Path(r['file']).stem}.png) | "
        f"{r['parameters']:,} | {r['minutes']} | {_brief(r)} |"
        for r in records
    ]
    return "\n".join(
        [
            "# The zoo",
            "",
            f"Trained generators: {_how(ours)} Every picture shows the first",
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
