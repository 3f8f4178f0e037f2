"""Writes what `benchmarks/bench.py` recorded into docs/benchmarks.md and the README, and draws it.

    python benchmarks/bench_page.py

On both pages it replaces what lies between two comments. `tests/test_results.py` holds that they
say what was recorded.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from asl.files import write_text, written_whole

ROOT = Path(__file__).parent.parent
RESULTS, FIGURE = ROOT / "results" / "benchmarks.json", ROOT / "results" / "benchmarks.png"
BETWEEN = re.compile(r"(<!--bench-->\n).*?(<!--/bench-->)", re.S)

CASES = {  # as recorded → as printed
    "load": "first load",
    "second load": "second load, in a new process",
    "an epoch of the MLP": "an epoch of the MLP",
    "an epoch of the CNN": "an epoch of the CNN",
    "evaluation": "evaluation",
    "all": "**all of it**",
}
LIMITS = {"reading the bytes": "reading the bytes", "decoding, all cores": "decoding, all cores"}
BESIDE, ALONE = "ours, beside busy processes", "ours with one thread, beside busy processes"
SHARE = "share of the matrix-product rate in epochs of the CNN"
LOADED = "first load, in times of decoding"


def number(value: float) -> str:
    """Returns a number with three digits, or all digits before the point."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".")


def spread(values: list[float]) -> str:
    """Returns the median of ratios with the least and the most in brackets."""
    middle, low, high = (f"{value:.1f}" for value in values)
    return f"{middle} ({low}–{high})"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def first_of(result: dict[str, Any]) -> dict[str, Any]:
    """Returns what was measured in full."""
    return next(iter(result["sizes"].values()))


def contenders_in(first: dict[str, Any]) -> list[str]:
    return [name for name in first["runs"] if name not in ("limits", BESIDE, ALONE)]


def beside_others(result: dict[str, Any]) -> list[str]:
    """Returns the table of everybody's times for the first number of images."""
    first = first_of(result)
    names = contenders_in(first)
    lines = [row("seconds", *names), row("---", *["---"] * len(names))]
    for case, printed in CASES.items():
        lines.append(row(printed, *(number(first["runs"][name][case][0]) for name in names)))
    ratios = first["times ours"]
    cells = ["1" if name == "ours" else spread(ratios[name]["all"]) for name in names]
    lines.append(row("times ours", *cells))
    for case, unit in (("MLP, accuracy", "MLP, %"), ("CNN, accuracy", "CNN, %")):
        cells = [f"{first['runs'][name][case][0]:.1f}" for name in names]
        lines.append(row(f"right answers of the {unit}", *cells))
    cells = [f"{first['runs'][name]['memory'][0]:.0f}" for name in names]
    lines.append(row("peak memory above the imports, MiB", *cells))
    return lines


def by_size(result: dict[str, Any]) -> list[str]:
    """Returns the table of our own times and the limits, for each number of images."""
    sizes = list(result["sizes"].values())
    counts = [f"{of['images']:,} images" for of in sizes]
    lines = [row("ours, seconds", *counts, "exponent")]
    lines.append(row("---", *["---"] * (len(counts) + 1)))
    for who, cases in (("ours", CASES), ("limits", LIMITS)):
        for case, printed in cases.items():
            if case == "all":
                continue
            cells = [number(of["runs"][who][case][0]) for of in sizes]
            power = result["growth"].get(case)
            title = printed if who == "ours" else f"limit: {printed}"
            lines.append(row(title, *cells, "" if power is None else f"{power:.2f}"))
    if sizes[0]["recognising"]:
        case = "all images recognised"
        times = [of["recognising"].get(case) for of in sizes]
        cells = ["" if time is None else number(time) for time in times]
        power = result["growth"].get(case)
        lines.append(row(case, *cells, "" if power is None else f"{power:.2f}"))
    cells = [number(of["against the limits"][LOADED][0]) for of in sizes]
    lines.append(row("first load, relative to that decoding", *cells, ""))
    return lines


def recognising(result: dict[str, Any]) -> list[str]:
    """Returns the table of one picture's time by its size."""
    found = first_of(result)["recognising"].get("ms by megapixels")
    if not found:
        return []
    head = row("one JPEG, megapixels", *found)
    times = row("recognised in ms, one thread", *(number(ms) for ms in found.values()))
    return [head, row("---", *["---"] * len(found)), times]


def sentences(result: dict[str, Any]) -> list[str]:
    """Returns what the tables do not hold."""
    first = first_of(result)
    setting, share = result["setting"], first["against the limits"][SHARE]
    middle, low, high = (f"{100 * value:.0f}" for value in share)
    lines = [
        f"Measured on {setting['hardware']}, {setting['threads']} threads, torch "
        f"{setting['torch'].split('+')[0]}: medians of {first['rounds']} rounds with "
        f"{first['images']:,} images and {first['epochs']} epochs of each model. In brackets: the "
        "least and the most.",
        f"The CNN's epochs reach {middle} % ({low}–{high} %) of the rate at which "
        "torch multiplies large matrices on that machine.",
    ]
    if BESIDE in first["runs"]:
        beside, alone = (first["times ours"][name]["all"] for name in (BESIDE, ALONE))
        lines.append(
            f"Beside {setting['busy processes']} processes that never sleep, all of our own work "
            f"takes {spread(beside)} times as long, and {spread(alone)} times with one thread "
            "(`OMP_NUM_THREADS=1`)."
        )
    if speed := first["recognising"].get("speed"):
        lines.append(
            "The recogniser answers one 400×400 JPEG in "
            f"{speed['one 400x400 JPEG, one thread (ms)']} ms with one thread, and "
            f"{speed['256 of them, two threads (images/s)']} a second with two."
        )
    if len(result["sizes"]) > 1:
        lines.append(
            "Larger data sets are changed copies of the images: one run, one epoch of each model. "
            "An exponent of 1 means that twice as many images take twice as long."
        )
    lines += [f"{name} could not be imported, so it is missing." for name in setting["skipped"]]
    return lines


def page(result: dict[str, Any]) -> str:
    """Returns what docs/benchmarks.md holds between the comments."""
    tables = (beside_others(result), by_size(result), recognising(result))
    blocks = [fill(sentence, 120) for sentence in sentences(result)]
    blocks += ["\n".join(lines) for lines in tables if lines]
    picture = f"![Seconds that each takes, and how our own times grow](../results/{FIGURE.name})"
    return "\n".join(f"{block}\n" for block in [*blocks, picture])


def in_readme(result: dict[str, Any]) -> str:
    """Returns what the README holds between the comments."""
    first = first_of(result)
    asked, folder = (
        f"{first['times ours'][name]['all'][0]:.1f}" if name in first["times ours"] else None
        for name in ("as asked", "ImageFolder, 2 workers")
    )
    seconds = f"{first['runs']['ours']['all'][0]:.1f}"
    text = f"Loading, training and testing both models take {seconds} s on two CPU cores"
    if asked and folder:
        text += (
            f": {asked} times as fast as the first notebook, {folder} times as fast as "
            "torchvision's `ImageFolder` with two workers"
        )
    return fill(f"{text}.", 120) + "\n"


def draw(result: dict[str, Any], path: Path = FIGURE) -> None:
    """Draws who takes how long, and how our own times grow."""
    from asl.plots.style import BLUE, GREEN, ORANGE, SKY_BLUE, VERMILION, open_figure

    first = first_of(result)
    names = contenders_in(first)
    figure, (bars, lines) = open_figure(12.5, 3.8, 1, 2)
    spreads = [first["runs"][name]["all"] for name in names]
    middles = [middle for middle, _, _ in spreads]
    errors = [
        [middle - low for middle, low, _ in spreads],
        [high - middle for middle, _, high in spreads],
    ]
    colours = [VERMILION if name == "ours" else SKY_BLUE for name in names]
    bars.barh(names, middles, xerr=errors, color=colours, ecolor="0.3", capsize=3)
    for place, (middle, _, high) in enumerate(spreads):
        bars.text(high + 0.02 * max(middles), place, f"{number(middle)} s", va="center")
    bars.invert_yaxis()
    bars.set_xlim(0, 1.2 * max(high for _, _, high in spreads))
    bars.set_xlabel("seconds")
    bars.set_title(
        f"Load, {first['epochs']} epochs of both models, evaluation\n{first['images']:,} images"
    )
    sizes = list(result["sizes"].values())
    counts = [of["images"] for of in sizes]
    shown = (
        ("ours", "load", "first load", BLUE, "-"),
        ("limits", "decoding, all cores", "limit: decoding", BLUE, ":"),
        ("ours", "second load", "second load", GREEN, "-"),
        ("ours", "an epoch of the CNN", "an epoch of the CNN", ORANGE, "-"),
        ("ours", "an epoch of the MLP", "an epoch of the MLP", VERMILION, "-"),
    )
    for who, case, label, colour, style in shown:
        times = [of["runs"][who][case][0] for of in sizes]
        power = result["growth"].get(case)
        label += "" if power is None else f",\nexponent {power:.2f}"
        lines.plot(counts, times, style, marker="o", color=colour, label=label)
    lines.set_xscale("log")
    lines.set_yscale("log")
    lines.set_xticks(counts, [f"{count:,}" for count in counts])
    lines.minorticks_off()
    lines.set_xlabel("images")
    lines.set_ylabel("seconds")
    lines.set_title("Our own times by the number of images")
    lines.legend(frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    for axis in (bars, lines):
        axis.spines[["top", "right"]].set_visible(False)
    with written_whole(path) as draft:
        figure.savefig(draft, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.parse_args(arguments)
    result = json.loads(RESULTS.read_text())
    texts = (("docs/benchmarks.md", page(result)), ("README.md", in_readme(result)))
    for name, text in texts:
        old = (ROOT / name).read_text(encoding="utf-8")
        if not BETWEEN.search(old):
            raise SystemExit(f"expected the comments {BETWEEN.pattern} in {name}, found none")
        write_text(
            ROOT / name, BETWEEN.sub(lambda found, text=text: found[1] + text + found[2], old)
        )
    draw(result)


if __name__ == "__main__":
    main()
