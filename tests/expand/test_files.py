"""Files given their names while other threads tidy up."""

from __future__ import annotations

import threading

from covary.expand.files import place, remove, write_temporary


def test_a_file_finds_its_place_while_others_remove_the_empty_folder(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    stop = threading.Event()

    def tidy():
        while not stop.is_set():
            remove(out / "cats" / "absent.png", out)

    threads = [threading.Thread(target=tidy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            final = out / "cats" / f"{number}.png"
            place(write_temporary(temporary, b"x"), final)
            assert final.read_bytes() == b"x"
            remove(final, out)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
