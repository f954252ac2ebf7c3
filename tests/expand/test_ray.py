"""Expansion by Ray tasks, against expansion by threads of this process."""

import os
import signal
import subprocess
import sys
import time

import pytest
from expansions import pipeline, small_set, state, tree, write

import covary.expand.ray_engine as ray_engine
from covary import Pipeline, image
from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")
ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    """Two workers on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        yield
        ray.shutdown()


@pytest.fixture
def source(tmp_path):
    root = small_set(tmp_path / "in")
    for index in range(30):
        write(root / f"class{index % 3}" / f"picture {index}.png", height=12 + index)
    (root / "cats/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return root


def test_ray_tasks_give_the_files_and_the_manifest_of_local_threads(tmp_path, source, cluster):
    options = {"times": 3, "originals": "copy"}
    local = expand(source, tmp_path / "local", pipeline(), **options)
    by_ray = expand(source, tmp_path / "ray", pipeline(), engine="ray", **options)
    assert state(tmp_path / "ray") == state(tmp_path / "local") and by_ray == local
    assert by_ray.made == 34 * 4 and len(by_ray.skipped) == 1 and verify(tmp_path / "ray").ok
    again = expand(source, tmp_path / "ray", pipeline(), engine="ray", **options)
    assert again.made == 0 and again.kept == by_ray.made
    (source / "class1/picture 1.png").unlink()
    write(source / "class1/new.png", height=40)
    for name, engine in (("local", "local"), ("ray", "ray")):
        expand(source, tmp_path / name, pipeline(), engine=engine, **options, workers=1)
    assert state(tmp_path / "ray") == state(tmp_path / "local")


def dying(name, marker=None):
    """Work lists whose worker is killed in the middle of one source's outputs; with a marker, the first time alone."""

    def do_list(order, items):
        from covary.expand import ray_engine, work
        from covary.expand.files import place

        def deadly(temporary, final):
            place(temporary, final)
            if final.name.startswith(name) and not (marker and marker.exists()):
                if marker:
                    marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        work.place = deadly
        try:
            return ray_engine.do_list(order, items)
        finally:
            work.place = place

    return do_list


def test_the_death_of_a_worker_leaves_nothing_wrong(tmp_path, source, cluster, monkeypatch):
    marker = tmp_path / "killed"
    expand(source, tmp_path / "local", pipeline(), times=3)
    monkeypatch.setattr(ray_engine, "do_list", dying("picture 7__", marker))
    expand(source, tmp_path / "ray", pipeline(), times=3, engine="ray")
    assert marker.exists(), "no worker was killed"
    assert state(tmp_path / "ray") == state(tmp_path / "local")


def test_a_source_that_kills_every_worker_is_named_and_the_others_are_kept(tmp_path, source, cluster, monkeypatch):
    monkeypatch.setattr(ray_engine, "RETRIES", 0)
    with monkeypatch.context() as patch:
        patch.setattr(ray_engine, "do_list", dying("picture 7__"))
        with pytest.raises(ExpandError, match=r"worker died 1 times at class1/picture 7\.png"):
            expand(source, tmp_path / "ray", pipeline(), times=2, engine="ray")
    assert not (tmp_path / "ray/.covary").exists()
    report = expand(source, tmp_path / "ray", pipeline(), times=2, engine="ray")
    assert report.kept > 0
    expand(source, tmp_path / "local", pipeline(), times=2)
    assert state(tmp_path / "ray") == state(tmp_path / "local")


def test_what_stops_a_local_run_stops_a_ray_run_in_the_same_words(tmp_path, source, cluster):
    no_pictures = Pipeline([image.ToTensor()])
    said = []
    for engine in ("local", "ray"):
        with pytest.raises(ExpandError) as caught:
            expand(source, tmp_path / engine, no_pictures, times=1, engine=engine)
        said.append(str(caught.value))
    assert said[0] == said[1] and "no picture files" in said[0]
    with pytest.raises(ExpandError, match=r"broken\.jpg: "):
        expand(source, tmp_path / "raise", pipeline(), engine="ray", on_error="raise")


def test_a_node_that_would_make_other_bytes_is_refused(tmp_path, source, cluster, monkeypatch):
    def elsewhere(order, items):
        import covary.expand.recipe as recipe
        from covary.expand import ray_engine

        version = recipe.__version__
        recipe.__version__ = "0.0.1"
        try:
            return ray_engine.do_list(order, items)
        finally:
            recipe.__version__ = version

    monkeypatch.setattr(ray_engine, "do_list", elsewhere)
    with pytest.raises(ExpandError, match=r"has covary 0\.0\.1 .*outputs would differ"):
        expand(source, tmp_path / "ray", pipeline(), times=1, engine="ray")
    assert set(tree(tmp_path / "ray")) == set()


def test_a_stopped_run_keeps_what_its_workers_finished(tmp_path, source, cluster, monkeypatch):
    monkeypatch.setattr(ray_engine, "LONGEST_LIST", 30)
    collect = ray_engine.RayTasks.collect

    def interrupted(engine):
        made = tmp_path / "ray/class0"
        while not (made.exists() and list(made.iterdir())):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ray_engine.RayTasks, "collect", interrupted)
        with pytest.raises(KeyboardInterrupt):
            expand(source, tmp_path / "ray", pipeline(), times=3, engine="ray")
    assert ray_engine.RayTasks.collect is collect and not (tmp_path / "ray/.covary").exists()
    files = len([name for name in tree(tmp_path / "ray") if b"__" in name])
    report = expand(source, tmp_path / "ray", pipeline(), times=3, engine="ray")
    assert report.kept == files > 0
    expand(source, tmp_path / "local", pipeline(), times=3)
    assert state(tmp_path / "ray") == state(tmp_path / "local")


def test_labels_that_lie_beside_their_pictures_are_written_by_the_workers(tmp_path, cluster):
    source = tmp_path / "in"
    for index in range(6):
        write(source / f"images/train/{index}.png", height=12 + index)
        (source / "labels/train").mkdir(parents=True, exist_ok=True)
        (source / f"labels/train/{index}.txt").write_text(f"{index % 2} 0.5 0.5 0.25 0.5\n")
    (source / "data.yaml").write_text("path: .\ntrain: images/train\nnames: [cat, dog]\n")
    expand(source, tmp_path / "local", pipeline(), times=2, originals="link")
    expand(source, tmp_path / "ray", pipeline(), times=2, originals="link", engine="ray")
    assert any(name.endswith(b".txt") for name in tree(tmp_path / "ray"))
    assert state(tmp_path / "ray") == state(tmp_path / "local") and verify(tmp_path / "ray").ok


@pytest.mark.parametrize("format", ["webdataset", "parquet"])
def test_shards_are_written_by_the_workers(tmp_path, source, cluster, format, monkeypatch):
    monkeypatch.setattr("covary.expand.shards.GROUP", 8)
    for engine in ("local", "ray"):
        expand(source, tmp_path / engine, pipeline(), times=2, engine=engine, format=format)
    assert len(tree(tmp_path / "ray")) > 4
    assert state(tmp_path / "ray") == state(tmp_path / "local") and verify(tmp_path / "ray").ok


def test_ray_is_not_imported_unless_asked_for(tmp_path):
    code = (
        "import sys, covary.expand, covary.cli; from covary.expand import expansion; expansion.engine_maker('local', 1)"
    )
    probe = f"{code}; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_ray_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r'pip install "covary\[ray\]"'):
        expand(tmp_path, tmp_path / "out", pipeline(), engine="ray")
    with pytest.raises(ValueError, match="engine='spark'; allowed: local, ray"):
        expand(tmp_path, tmp_path / "out", pipeline(), engine="spark")
