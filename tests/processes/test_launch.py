from asl.processes.launch import launched


def test_torchrun_says_how_many_there_are(monkeypatch):
    monkeypatch.setenv("RANK", "3")  # by itself it may be of anything else
    assert launched() == (1, 0)
    for name, value in {"WORLD_SIZE": 4, "LOCAL_RANK": 1, "MASTER_ADDR": "x"}.items():
        monkeypatch.setenv(name, str(value))
    assert launched() == (1, 0)
    monkeypatch.setenv("MASTER_PORT", "1")
    assert launched() == (4, 3)
