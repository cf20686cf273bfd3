"""Swaps a folder for a link while opening a file in it, 20,000 times."""

from attempt import *


def attempt():
    import threading
    os.mkdir(DATA + "/place"); open(DATA + "/place/key", "w").write("own")
    os.symlink(OUTSIDE, DATA + "/link")
    done = threading.Event()
    def swap():
        while not done.is_set():
            for a, b in (("place", "aside"), ("link", "place"), ("place", "link"), ("aside", "place")):
                os.rename(f"{DATA}/{a}", f"{DATA}/{b}")
    thread = threading.Thread(target=swap); thread.start()
    try:
        for _ in range(20000):
            try:
                if open(DATA + "/place/" + os.path.basename(SECRET)).read() == "KEY":
                    return
            except OSError:
                pass
    finally:
        done.set(); thread.join()
    raise Refused("never read")


run(attempt)
