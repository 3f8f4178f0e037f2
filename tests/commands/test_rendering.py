import pytest

pytestmark = pytest.mark.filterwarnings("ignore:.*images of 2 of 36 signs")


def test_compare_draws_a_picture(people, run, tmp_path):
    output = tmp_path / "new" / "picture.png"
    status, out, _ = run("compare", people, "--data", people, "--output", output)
    assert status == 0 and str(output) in out and output.stat().st_size > 1000


def test_synthesize_refuses_a_folder_with_something_in_it(people, run):
    status, _, err = run("synthesize", people)
    assert status == 2 and "is not empty" in err
