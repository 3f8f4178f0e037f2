"""The harness of `make bench`, on a few small images. `tests/test_results.py` holds the figures."""

import contextlib
import importlib
import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import bench_page

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bench(monkeypatch):
    """The harness, as the scripts beside it import each other."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("bench")


@pytest.fixture
def data(tmp_path):
    for sign, colour in (("a", "navy"), ("b", "gold")):
        (tmp_path / "data" / sign).mkdir(parents=True)
        for i in range(20):
            Image.new("RGB", (40 + i, 50), colour).save(tmp_path / "data" / sign / f"{i}.jpeg")
    return tmp_path / "data"


@pytest.fixture
def result(bench, data, tmp_path, monkeypatch):
    """What a run gives: one round with 40 pictures of two signs, and one with 72."""

    def in_this_process(python, script, *arguments, cache, settings=None):
        monkeypatch.setenv("ASL_CACHE_DIR", str(cache))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            importlib.import_module(Path(script).stem).main([str(word) for word in arguments])
        return json.loads(out.getvalue().splitlines()[-1])

    monkeypatch.setattr(bench, "printed", in_this_process)
    options = {"data": data, "rounds": 1, "epochs": 1, "busy": 0, "passes": 0, "most": 40}
    options |= {"others": tmp_path / "none", "work": tmp_path, "output": tmp_path / "found.json"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    words += ["--sizes", "40", "72", "--contenders", "ours", "as asked", "fastai"]
    bench.main(words)
    assert len(list((tmp_path / "72").rglob("*.jpeg"))) == 72
    return json.loads((tmp_path / "found.json").read_text())


few_signs = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_a_script_runs_in_a_process_of_its_own(bench, data, tmp_path):
    found = bench.printed(sys.executable, "limits.py", "--data", data, cache=tmp_path)
    assert found["GFLOP/s"] > 0 and found["MFLOP, training"] > 2 * found["MFLOP, answering"]


@few_signs
def test_a_run_measures_every_case_and_tells_whom_it_skipped(result):
    assert list(result["sizes"]) == ["40", "72"]
    assert list(result["setting"]["skipped"]) == ["fastai"]
    small, large = result["sizes"].values()
    assert set(small["runs"]) == {"as asked", "ours", "limits"}
    assert set(large["runs"]) == {"ours", "limits"}
    for name in ("as asked", "ours"):
        found = small["runs"][name]
        assert set(bench_page.CASES) < set(found)
        assert all(low <= middle <= high for middle, low, high in found.values())
        assert 0 <= found["CNN, accuracy"][0] <= 100
    asked, ours = (small["runs"][name]["all"][0] for name in ("as asked", "ours"))
    assert small["times ours"]["as asked"]["all"][0] == pytest.approx(asked / ours, rel=1e-2)
    assert set(result["growth"]) >= {"load", "second load", "evaluation"}


@few_signs
def test_the_page_shows_what_was_measured(result, tmp_path):
    page = bench_page.page(result)
    assert "| seconds | as asked | ours |" in page
    assert "| ours, seconds | 40 images | 72 images | exponent |" in page
    assert "fastai could not be imported" in page
    seconds = result["sizes"]["40"]["runs"]["ours"]["all"][0]
    assert f"| {bench_page.number(seconds)} |" in page
    assert f"take {seconds:.1f} s on two CPU cores" in bench_page.in_readme(result)
    bench_page.draw(result, tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as drawn:
        assert drawn.width > 1000


def test_growth_is_the_slope_between_logarithms(bench):
    assert bench.exponent([10, 100, 1000], [2, 20, 200]) == 1
    assert bench.exponent([10, 1000], [1, 10]) == 0.5


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.01234, "0.0123"), (1, "1.00"), (9.996, "10.0"), (67.23, "67.2"), (1234.5, "1234")],
)
def test_a_number_has_three_digits(value, printed):
    assert bench_page.number(value) == printed


@few_signs
def test_what_is_measured_of_the_cache(data, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setenv("ASL_CACHE_DIR", str(tmp_path / "cache"))
    cache = importlib.import_module("cache")
    if not Path("/proc/self/status").exists():
        pytest.skip("asks Linux how much memory a process has")
    found = {name: part(data, 8) for name, part in cache.PARTS.items()}
    assert found["limit"]["seconds"] > 0 and found["load"]["images"] == 40
    assert found["train"]["images a second"] > 0 and found["train"]["loss"] > 0
    (kept,) = (tmp_path / "cache" / "decoded").iterdir()
    cache.drop_from_memory(kept)
    assert cache.load(data, 8)["images"] == 40


def test_every_listed_fault_can_be_planted(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    faults = importlib.import_module("faults")
    listed = json.loads((ROOT / "benchmarks" / "faults.json").read_text())
    assert len(listed) == 60
    for fault in listed:
        assert faults.planted(fault) != (ROOT / fault["file"]).read_text()


def test_what_the_torture_has_measured_stays_if_it_dies(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    torture = importlib.import_module("torture")

    class Pool:
        def __init__(self, *arguments, **options):
            self.map = map

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    def do(job):
        if job[1] == "inside a write":
            raise MemoryError
        return {"counts": {"killed": 10}, "faults": {}}

    for name, value in (("ProcessPoolExecutor", Pool), ("do", do), ("KINDS", {})):
        monkeypatch.setattr(torture, name, value)
    output = tmp_path / "record.json"
    command = ["torture.py", "--only", "killed", "--kills", "20", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(MemoryError):
        torture.main()
    record = json.loads(output.read_text())
    assert record["killed"] == {"at any moment": {"killed": 20, "faults": {}}}
    assert record["setting"]["interrupted"] == "after 2 of 7 parts"
    monkeypatch.setattr(torture, "do", lambda job: {"counts": {"killed": 1}, "faults": {}})
    output.unlink()
    torture.main()
    record = json.loads(output.read_text())
    assert len(record["killed"]) == 3 and "interrupted" not in record["setting"]
    assert record["setting"]["not run"] == "anything but killed"

    whole = {"setting": {"code of asl": "old"}, "cut off": {"model": 1}, "killed": {}}
    output.write_text(json.dumps(whole))
    torture.main()
    joined = json.loads(output.read_text())
    assert joined["cut off"] == whole["cut off"] and joined["killed"] == record["killed"]
    assert joined["setting"]["code of asl"] == "old"
    (apart,) = joined["setting"]["measured apart"].values()
    assert apart["code of asl"] == record["setting"]["code of asl"]
