import json
import re

import pytest

from asl.live import web_export
from asl.live.page_files import page_files
from asl.live.web_export import export_web


@pytest.fixture(autouse=True)
def graph(monkeypatch):
    """Writes a graph in no time. That of a recogniser is tested in a browser."""

    def export(recognizer, folder, *, format):
        path = folder / "recognizer.onnx"
        path.write_bytes(b"graph")
        return path

    monkeypatch.setattr(web_export, "export_recognizer", export)
    monkeypatch.setattr(web_export, "_in_fewer_bits", lambda path: None)


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in web_export.RUNTIME:
        (folder / name).write_bytes(b"")
    empty = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb"
    monkeypatch.setattr(web_export, "RUNTIME", dict.fromkeys(web_export.RUNTIME, empty))
    return folder


def test_without_a_runtime_the_page_fetches_it_with_its_hash(recognizer, tmp_path):
    folder = export_web(recognizer, tmp_path / "web")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {*page_files(), "recognizer.onnx", "recognizer.json"} - {"engine_server.js"}
    page = (folder / "index.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    cdn = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist"
    assert f"connect-src 'self' {cdn}/;" in policy and "<!--" not in page
    facts = json.loads((folder / "recognizer.json").read_text(encoding="utf-8"))
    assert facts["engine"] == "web" and facts["fingerprint"] == recognizer.fingerprint()
    assert "lesson" not in facts
    for name, file in zip(web_export.RUNTIME, facts["runtime"].values(), strict=True):
        assert file == {"url": f"{cdn}/{name}", "integrity": web_export.RUNTIME[name]}


def test_with_a_runtime_the_page_needs_no_other_host(recognizer, runtime, tmp_path):
    folder = export_web(recognizer, tmp_path / "web", runtime=runtime)
    page = (folder / "index.html").read_text(encoding="utf-8")
    facts = (folder / "recognizer.json").read_text(encoding="utf-8")
    assert "https:" not in page + facts and "runtime/ort.wasm.bundle.min.mjs" in facts
    assert {path.name for path in (folder / "runtime").iterdir()} == {*web_export.RUNTIME}


def test_another_version_of_the_runtime_and_none_are_refused(recognizer, runtime, tmp_path):
    (runtime / "ort-wasm-simd-threaded.wasm").write_bytes(b"another")
    with pytest.raises(ValueError, match="of onnxruntime-web 1.30.0, found another version"):
        export_web(recognizer, tmp_path / "web", runtime=runtime)
    with pytest.raises(FileNotFoundError, match="found no such file: give the folder 'dist'"):
        export_web(recognizer, tmp_path / "web", runtime=tmp_path)
    assert not (tmp_path / "web").exists()


def test_an_earlier_export_is_replaced_and_nothing_else(recognizer, tmp_path):
    folder = export_web(recognizer, tmp_path / "web")
    (folder / "old").touch()
    export_web(recognizer, folder)
    assert not (folder / "old").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(FileExistsError, match="found something else in"):
        export_web(recognizer, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
