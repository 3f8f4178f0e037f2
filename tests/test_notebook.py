"""What nbval cannot see: that the committed notebook is the one to trust."""

import re
from pathlib import Path

import nbformat
import pytest

import asl

PATH = Path(__file__).parent.parent / "asl_recognition.ipynb"
KNOWN_TAGS = {"nbval-ignore-output", "summary"}
# Each cell whose output varies between machines; the cell after it asserts what it claims.
IGNORED = [
    "import asl",
    "data_dir = asl.find_dataset()",
    "sequential_model = asl.create_sequential_model()",
    "module_model = asl.ASLNet()",
    "worst, sign = min(",
    'channel_model = asl.ASLNet(attention="channel")',
    "unseen = asl.cross_validate(",
    "suspects = asl.audit_dataset(",
    "upload = FileUpload(",
    "asl.summarize(",
]


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines_of(cell):
    return [line for line in cell.source.splitlines() if line.strip() and line[0] != "#"]


def tags_of(cell):
    return cell.metadata.get("tags", [])


def test_it_was_run_from_top_to_bottom(code_cells):
    # nbval compares nothing in a cell without an execution count.
    assert [cell.execution_count for cell in code_cells] == list(range(1, len(code_cells) + 1))


def test_cells_are_short(code_cells):
    lengths = [len(lines_of(cell)) for cell in code_cells]
    assert max(lengths) <= 6
    assert sum(lengths) / len(lengths) <= 3


def test_logic_lives_in_the_package(code_cells):
    assert not [cell for cell in code_cells if re.search(r"^\s*(def|class) ", cell.source, re.M)]


def test_ignored_cells_are_listed_and_followed_by_assertions(code_cells):
    for cell in code_cells:
        assert set(tags_of(cell)) <= KNOWN_TAGS
        assert "nbval" not in cell.source.lower()  # a comment marker would hide a cell from view
    ignored = [i for i, cell in enumerate(code_cells) if "nbval-ignore-output" in tags_of(cell)]
    for i, source in zip(ignored, IGNORED, strict=True):
        assert source in code_cells[i].source
        following = code_cells[i + 1]
        assert not tags_of(following)
        assert all(line.startswith("assert ") for line in lines_of(following))


def test_outputs_are_clean(code_cells):
    outputs = [output for cell in code_cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not any("widget-view" in mime for o in outputs for mime in o.get("data", {}))
    assert PATH.stat().st_size < 2_000_000


def test_no_paths_of_one_machine(notebook):
    text = PATH.read_text()
    assert not re.search(r'["\s(](/(home|Users|root|work|tmp)/|[A-Z]:\\\\)', text)


def test_every_figure_is_drawn_and_shown_once(code_cells):
    figures = {
        "visualize_data_samples": 1,
        "plot_training_metrics": 1,
        "plot_confusion_matrix": 2,  # one a model
        "compare_per_class_accuracy": 1,
        "visualize_channel_attention": 1,
        "visualize_features": 1,
        "plot_protocols": 1,
        "plot_signers": 1,
        "plot_reliability": 1,
        "plot_suspects": 1,
        "plot_signs": 1,
        "plot_people": 1,
        "plot_augmented": 1,
        "plot_sights": 1,
    }
    for name, times in figures.items():
        cells = [cell for cell in code_cells if f"asl.{name}(" in cell.source]
        assert len(cells) == times
        for cell in cells:
            assert sum("image/png" in output.get("data", {}) for output in cell.outputs) == 1


def test_the_summary_is_a_table_of_the_final_figures(code_cells):
    (cell,) = [cell for cell in code_cells if "summary" in tags_of(cell)]
    (output,) = cell.outputs
    for words in ("final test accuracy (%)", "mean time per epoch (s)", "difference"):
        assert words in output.data["text/plain"]


def test_kernel_is_the_one_everybody_has(notebook):
    assert "widgets" not in notebook.metadata  # the state of the upload button
    assert notebook.metadata.kernelspec.name == "python3"


def test_every_name_used_is_public(code_cells):
    used = {name for cell in code_cells for name in re.findall(r"\basl\.(\w+)", cell.source)}
    assert used <= set(asl.__all__)
